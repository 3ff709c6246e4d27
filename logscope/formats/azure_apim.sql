-- Azure API Management, gateway and LLM logs: records with one correlation id are one call.
-- source: https://learn.microsoft.com/en-us/azure/api-management/api-management-howto-llm-logs
-- get: Diagnostic settings of the API Management service, categories GatewayLogs and GatewayLlmLogs, to
--   a storage account (PT1H.json), to an event hub, or the tables ApiManagementGatewayLogs and
--   ApiManagementGatewayLlmLog from Log Analytics as CSV or JSON. Give both: one has times and
--   outcome, the other tokens.
-- beware: Documentation only for the LLM table; of its records in storage no field list was found
--   (names with a small or a capital first letter are read). No first token. Bodies are cut at 8 kB, so
--   usage in them is often lost. Tokens of streams may be estimates. Region is the gateway's, kept as
--   a label. Calls that are no model's by their address are ignored.
-- reads: json, csv
-- records: records
-- detect: coalesce(first->>'category', first->>'Category', '') in ('GatewayLogs', 'GatewayLlmLogs') or
--   (coalesce(first->>'Type', '') in ('ApiManagementGatewayLogs', 'ApiManagementGatewayLlmLog')) or
--   (json_exists(first, '$.CorrelationId') and (json_exists(first, '$.SequenceNumber') or
--   json_exists(first, '$.BackendTime')))
-- columns: "time" VARCHAR, "TimeGenerated [UTC]" VARCHAR, TimeGenerated VARCHAR, category VARCHAR, Type
--   VARCHAR, correlationId VARCHAR, durationMs VARCHAR, TotalTime VARCHAR, location VARCHAR, Region
--   VARCHAR, isRequestSuccess VARCHAR, lastError VARCHAR, LastErrorReason VARCHAR, properties VARCHAR,
--   ResponseCode VARCHAR, BackendResponseCode VARCHAR, BackendUrl VARCHAR, BackendTime VARCHAR, Cache
--   VARCHAR, BackendResponseBody VARCHAR, ResponseBody VARCHAR, BackendRequestBody VARCHAR, ApiId
--   VARCHAR, ProductId VARCHAR, ApimSubscriptionId VARCHAR, PromptTokens VARCHAR, CompletionTokens
--   VARCHAR, TotalTokens VARCHAR, ModelName VARCHAR, DeploymentName VARCHAR, IsStreamCompletion VARCHAR,
--   RequestId VARCHAR, SequenceNumber VARCHAR
-- One row per record.
with opened as (
    select
        *,
        try(properties->>[
            '$.responseCode', '$.backendResponseCode', '$.backendUrl', '$.cache',
            '$.backendResponseBody', '$.responseBody', '$.backendRequestBody', '$.apiId',
            '$.productId', '$.apimSubscriptionId', '$.lastError.reason',
            '$.promptTokens', '$.PromptTokens', '$.completionTokens', '$.CompletionTokens',
            '$.totalTokens', '$.TotalTokens', '$.modelName', '$.ModelName', '$.deploymentName',
            '$.DeploymentName', '$.isStreamCompletion', '$.IsStreamCompletion',
            '$.sequenceNumber', '$.SequenceNumber', '$.backendTime', '$.region', '$.Region'
        ]) as p,
    from source
),

named as (
    select
        *,
        coalesce(p[12], p[13], PromptTokens) as prompt_tokens,
        coalesce(p[14], p[15], CompletionTokens) as completion_tokens,
        coalesce(p[16], p[17], TotalTokens) as all_tokens,
        coalesce(known(p[18]), known(p[19]), known(ModelName)) as model,
        coalesce(p[22], p[23], IsStreamCompletion) as streamed,
        coalesce(p[3], BackendUrl) as url,
        coalesce(p[1], ResponseCode) as code,
        coalesce(p[4], Cache) as cached,
        coalesce(p[7], BackendRequestBody) as asked,
        coalesce(p[5], BackendResponseBody, p[6], ResponseBody) as body,
        coalesce(p[11], try(lastError->>'$.reason'), known(LastErrorReason)) as reason,
        coalesce(category = 'GatewayLlmLogs' or Type = 'ApiManagementGatewayLlmLog'
            or coalesce(p[24], p[25], SequenceNumber) is not null, false) as is_llm,
    from opened
),

-- A body is one object, or the text of an event stream whose last events tell the usage.
told as (
    select
        *,
        case
            when left(ltrim(body), 1) = '{' then try(body->>['$.usage', '$.model',
                '$.choices[0].finish_reason', '$.stop_reason'])
            when contains(body, 'data: {') then last_of(list_transform(
                list_filter(string_split(body, chr(10)), lambda line:
                    starts_with(line, 'data: {') and contains(line, '"usage":{')),
                lambda line: try(line[7:]->>['$.usage', '$.model',
                    '$.choices[0].finish_reason', '$.stop_reason'])
            ))
        end as answer,
    from named
),

counted as (
    select
        *,
        try(answer[1]->>[
            '$.prompt_tokens', '$.input_tokens', '$.completion_tokens', '$.output_tokens',
            '$.total_tokens', '$.prompt_tokens_details.cached_tokens',
            '$.input_tokens_details.cached_tokens',
            '$.completion_tokens_details.reasoning_tokens',
            '$.output_tokens_details.reasoning_tokens'
        ]) as used,
    from told
)

select
    record_file,
    record_line,
    correlationId as request_id,
    coalesce(time_of("time"), time_of("TimeGenerated [UTC]"), time_of(TimeGenerated)) as started_at,
    coalesce(durationMs, TotalTime) as duration_ms,
    case
        when contains(url, 'api.openai.com') then 'openai'
        when contains(url, 'anthropic.com') then 'anthropic'
        else 'azure'
    end as provider,
    coalesce(
        known(p[20]), known(p[21]), known(DeploymentName),
        nullif(regexp_extract(url, '/deployments/([^/?]+)', 1), ''),
        try(asked->>'$.model')
    ) as deployment,
    try(asked->>'$.model') as model_requested,
    coalesce(model, known(answer[2])) as model_logged,
    endpoint_of(url) as region_logged,
    coalesce(known(p[10]), known(ApimSubscriptionId)) as key_alias,
    entries_but(
        {
            'api': coalesce(p[8], ApiId),
            'product': coalesce(p[9], ProductId),
            'gateway_region': coalesce(known(location), known(Region), known(p[27]), known(p[28]))
        }::map(varchar, varchar),
        []
    ) as labels,
    coalesce(
        try_cast(streamed as boolean), try_cast(try(asked->>'$.stream') as boolean),
        case when not is_llm and contains(body, 'data: {') then true end
    ) as stream,
    coalesce(prompt_tokens, used[1], used[2]) as input_tokens,
    coalesce(completion_tokens, used[3], used[4]) as output_tokens,
    coalesce(all_tokens, used[5]) as total_tokens,
    coalesce(used[6], used[7]) as cache_read_tokens,
    coalesce(used[8], used[9]) as reasoning_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    -- An LLM record has no outcome of its own. What used nothing failed; the gateway's record of the
    -- same call, if it is there, says more.
    case
        when is_llm and coalesce(count_of(all_tokens), 0) = 0 then 'error'
        when is_llm then null
        when regexp_matches(reason, '(?i)clientconnection|clientdisconnect') then 'cancelled'
        when http_code(code) >= 400 then throttled_or_error(http_code(code))
        when lower(isRequestSuccess) = 'false' then 'error'
    end as status,
    http_code(code) as http_status,
    case when not is_llm then reason end as error_type,
    coalesce(answer[3], answer[4]) as finish_reason,
    case when lower(cached) = 'hit' then true when cached is not null then false end as cache_hit,
    case
        when category not in ('GatewayLogs', 'GatewayLlmLogs') then 'ignored: no gateway log'
        when not is_llm and not coalesce(regexp_matches(
            url, '(?i)/(chat/)?completions|/responses|/embeddings|/messages|:(stream)?generatecontent'
                || '|/converse|/invoke'
        ), false) and correlationId is not null then 'ignored: no model call'
    end as outcome
from counted
