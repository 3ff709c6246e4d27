-- LiteLLM proxy, table LiteLLM_SpendLogs: one row per call.
-- source: https://github.com/BerriAI/litellm/blob/main/schema.prisma
-- get: psql "$DATABASE_URL" -c "\copy (select * from \"LiteLLM_SpendLogs\" where \"startTime\" >=
--   '2026-11-09') to 'spend.csv' csv header". JSON from /spend/logs/ui or from Pub/Sub is read as
--   well.
-- beware: /spend/logs stops at 10,000 rows. `completionStartTime` equals `endTime` where nothing
--   was streamed; else it is the first chunk, even one that only names the role, so ttft is the
--   first event. A failed call has 0 for tokens and spend, read as unknown, and before 1.90 three
--   equal times. Spend is 0 as well where no price is known. There is no region and no stream flag:
--   they are read from `api_base` and the times. `session_id` is the trace of one call unless the
--   caller set one. Prompts are only there with store_prompts_in_spend_logs. There is one row for a
--   failed call, however often it was tried, and none if a fallback succeeded: it is the failure
--   that a StandardLoggingPayload with a `litellm_call_id` (1.90 and later) tells of. Before, the
--   payloads of all attempts share the call's id and this row starts when the last one failed, so
--   nothing tells which it is (seen in 1.72 and 1.81): they do not meet.
-- reads: json, csv
-- records: data
-- detect: json_exists(coalesce(first->'$.data[0]', first), '$.call_type') and
--   json_exists(coalesce(first->'$.data[0]', first), '$.spend') and
--   json_exists(coalesce(first->'$.data[0]', first), '$.startTime') and
--   json_exists(coalesce(first->'$.data[0]', first), '$.request_id')
-- columns: request_id VARCHAR, call_type VARCHAR, session_id VARCHAR, status VARCHAR, startTime
--   VARCHAR, completionStartTime VARCHAR, endTime VARCHAR, request_duration_ms VARCHAR,
--   custom_llm_provider VARCHAR, model VARCHAR, model_group VARCHAR, model_id VARCHAR, api_base
--   VARCHAR, prompt_tokens VARCHAR, completion_tokens VARCHAR, total_tokens VARCHAR, spend VARCHAR,
--   cache_hit VARCHAR, end_user VARCHAR, team_id VARCHAR, agent_id VARCHAR, request_tags VARCHAR,
--   metadata VARCHAR, messages VARCHAR, proxy_server_request VARCHAR, response VARCHAR
-- One row per call.
with opened as (
    -- Metadata is an object in the API and JSON text in CSV and Pub/Sub. One extraction, because
    -- each one parses the text again.
    select
        *,
        try(metadata->>[
            '$.status', '$.error_information.error_code', '$.error_information.error_class',
            '$.error_information.error', '$.attempted_retries', '$.attempted_fallbacks',
            '$.user_api_key_alias', '$.user_api_key_team_alias', '$.spend_logs_metadata',
            '$.litellm_overhead_time_ms', '$.cost_breakdown.total_cost'
        ]) as about,
        try(metadata->>[
            '$.usage_object.prompt_tokens_details.cached_tokens',
            '$.additional_usage_values.cache_read_input_tokens',
            '$.additional_usage_values.prompt_tokens_details.cached_tokens',
            '$.usage_object.prompt_tokens_details.cache_creation_tokens',
            '$.additional_usage_values.cache_creation_input_tokens',
            '$.usage_object.prompt_tokens_details.cache_creation_token_details'
                || '.ephemeral_5m_input_tokens',
            '$.usage_object.prompt_tokens_details.cache_creation_token_details'
                || '.ephemeral_1h_input_tokens',
            '$.usage_object.completion_tokens_details.reasoning_tokens',
            '$.additional_usage_values.completion_tokens_details.reasoning_tokens',
            '$.usage_object.prompt_tokens_details.audio_tokens',
            '$.usage_object.completion_tokens_details.audio_tokens',
            '$.usage_object.service_tier'
        ]) as used,
        try(proxy_server_request->>[
            '$.messages', '$.stream', '$.temperature', '$.max_tokens', '$.max_completion_tokens',
            '$.reasoning_effort', '$.tools', '$.metadata'
        ]) as asked,
        try(response->>[
            '$.choices[0].finish_reason', '$.choices[0].message.tool_calls', '$.service_tier',
            '$.model', '$.choices'
        ]) as answered,
    from source
),

judged as (
    select
        *,
        coalesce(known(status), about[1]) as result,
        coalesce(coalesce(known(status), about[1]) = 'failure', false) as failed,
        coalesce(try_cast(cache_hit as boolean), false) as from_cache,
        -- Seen in the wild: {"error": "401 - {...}"} instead of the documented fields.
        coalesce(http_code(about[2]), http_code(regexp_extract(about[4], '^([0-9]{3})\b', 1)))
            as error_code,
        map_concat(entries_map(asked[8]), entries_map(about[9])) as caller,
        messages_of(coalesce(nullif(messages, '{}'), asked[1])) as prompt,
        case
            when left(request_tags, 1) = '[' then try(from_json(request_tags, '["VARCHAR"]'))
        end as tags,
    from opened
)

select
    record_file,
    record_line,
    attempt_id(request_id, failed, time_of(startTime)) as request_id,
    case
        -- The times of a failure are equal in versions that log each attempt.
        when failed and startTime <> endTime then ids_of([failure_id(request_id, failed)])
        when not failed and caller['span_id'] is not null
            then ids_of([span_key(caller['trace_id'], caller['span_id'])])
    end as other_ids,
    -- Only where the row itself tells of another attempt: the session may be the caller's.
    case
        when failed or try_cast(about[5] as integer) > 0 or try_cast(about[6] as integer) > 0
            then known(session_id)
    end as operation_id,
    known(session_id) as session_id,
    try_cast(about[5] as integer) + 1 as attempt,
    time_of(startTime) as started_at,
    case when not failed then nullif(time_of(completionStartTime), time_of(endTime)) end
        as first_token_at,
    time_of(if(failed, nullif(endTime, startTime), endTime)) as ended_at,
    case when not failed and known(endTime) is null then request_duration_ms end as duration_ms,
    ---------- what answered
    known(custom_llm_provider) as provider,
    coalesce(known(model_group), known(model)) as model_requested,
    coalesce(case when answered[4] <> model_group then answered[4] end, known(model))
        as model_logged,
    known(model_id) as deployment,
    known(model_group) as route,
    coalesce(endpoint_of(api_base), arn_region(model)) as region_logged,
    ---------- who asked
    known(about[7]) as key_alias,
    known(end_user) as user_id,
    entries_but(
        map_concat(
            {'team': coalesce(known(about[8]), known(team_id)), 'agent': known(agent_id)}
                ::map(varchar, varchar),
            tag_entries(tags),
            caller
        ),
        own_keys()
    ) as labels,
    ---------- known before the answer
    coalesce(
        try_cast(asked[2] as boolean),
        case when not failed then time_of(completionStartTime) < time_of(endTime) end
    ) as stream,
    tier_of(coalesce(known(answered[3]), known(used[12]))) as service_tier,
    known(asked[6]) as reasoning_effort,
    len(prompt) as n_messages,
    case when asked[1] is not null then coalesce(try(json_array_length(asked[7])), 0) end
        as n_tools,
    coalesce(asked[4], asked[5]) as max_output_tokens,
    asked[3] as temperature,
    prompt_of(prompt) as prompt_text,
    system_of(prompt) as system_prompt,
    case when prompt is not null then has_image(coalesce(nullif(messages, '{}'), asked[1])) end
        as has_images,
    ---------- tokens
    -- A failed call logs 0 for what nobody counted.
    nullif(count_of(prompt_tokens), case when failed then 0 end) as input_tokens,
    nullif(count_of(completion_tokens), case when failed then 0 end) as output_tokens,
    total_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    coalesce(used[1], used[2], used[3]) as cache_read_tokens,
    used[6] as cache_write_5m_tokens,
    used[7] as cache_write_1h_tokens,
    count_of(coalesce(used[4], used[5]))
        - coalesce(count_of(used[6]), 0) - coalesce(count_of(used[7]), 0)
        as cache_write_unknown_tokens,
    coalesce(used[8], used[9]) as reasoning_tokens,
    used[10] as input_audio_tokens,
    used[11] as output_audio_tokens,
    ---------- outcome
    about[10] as overhead_ms,
    case
        when result = 'success' then 'ok'
        when error_code = 499 or about[3] = 'CancelledError' then 'cancelled'
        when failed and about[3] = 'RateLimitError' then 'throttled'
        when failed then throttled_or_error(error_code)
    end as status,
    error_code as http_status,
    known(about[3]) as error_type,
    known(answered[1]) as finish_reason,
    case when answered[5] is not null then coalesce(try(json_array_length(answered[2])), 0) end
        as n_tool_calls,
    try_cast(cache_hit as boolean) as cache_hit,
    -- 0 is a cost where the answer came from the cache or the breakdown says so; else there was no
    -- price.
    case
        when try_cast(spend as double) <> 0 or from_cache or try_cast(about[11] as double) = 0
            then spend
    end as logged_cost_usd,
    ---------- the router's choice
    caller['logscope_propensity'] as propensity,
    caller['logscope_config_id'] as config_id,
    caller['logscope_rule_id'] as rule_id,
    case
        when regexp_matches(call_type, 'batch') then 'ignored: a batch, not a call'
        when regexp_matches(call_type, 'file|mcp|vector_store|assistant|thread|health|_list|list_')
            then 'ignored: no model call'
    end as outcome
from judged
