-- Vertex AI request-response log, exported from BigQuery: one row per call.
-- source: https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/request-response-logging
-- get: bq extract --destination_format NEWLINE_DELIMITED_JSON (or PARQUET) PROJECT:DATASET.TABLE
--   gs://BUCKET/log-*.jsonl, then gcloud storage cp.
-- beware: With a sampling rate below 1 totals are those of a sample. No first token and no cost. The
--   start is when the answer was created, else the time of logging less the latency. Rows whose answer
--   is empty count as errors, which is inferred. In Parquet, requests and answers must be JSON text
--   (BigQuery's JSON type is).
-- reads: json, parquet
-- detect: (json_exists(first, '$.full_request') and json_exists(first, '$.full_response') and
--   json_exists(first, '$.logging_time')) or (json_exists(first, '$.fullRequest') and
--   json_exists(first, '$.fullResponse') and json_exists(first, '$.loggingTime'))
-- columns: logging_time VARCHAR, loggingTime VARCHAR, request_id VARCHAR, requestId VARCHAR, model
--   VARCHAR, model_version VARCHAR, api_method VARCHAR, apiMethod VARCHAR, full_request VARCHAR,
--   fullRequest VARCHAR, full_response VARCHAR, fullResponse VARCHAR, metadata VARCHAR
-- One row per call.
with opened as (
    select
        *,
        time_of(coalesce(logging_time, loggingTime)) as logged_at,
        coalesce(api_method, apiMethod) as method,
        coalesce(full_request, fullRequest) as asked,
        -- Of a list of chunks the last one, because usage is cumulative.
        case
            when left(coalesce(full_response, fullResponse), 1) = '['
                then try(coalesce(full_response, fullResponse)->>'$[#-1]')
            else coalesce(full_response, fullResponse)
        end as answered,
        try(metadata->>['$.request_latency', '$.requestLatency']) as timing,
    from source
),

-- Keys are in snake or in camel case.
named as (
    select
        *,
        try_cast(coalesce(timing[1], timing[2]) as double) as latency_ms,
        try(answered->>[
            '$.response_id', '$.responseId', '$.create_time', '$.createTime', '$.model_version',
            '$.modelVersion', '$.candidates[0].finish_reason', '$.candidates[0].finishReason',
            '$.error.code', '$.error.status'
        ]) as told,
        try(coalesce(answered->>'$.usage_metadata', answered->>'$.usageMetadata')->>[
            '$.prompt_token_count', '$.promptTokenCount', '$.candidates_token_count',
            '$.candidatesTokenCount', '$.thoughts_token_count', '$.thoughtsTokenCount',
            '$.cached_content_token_count', '$.cachedContentTokenCount',
            '$.tool_use_prompt_token_count', '$.toolUsePromptTokenCount', '$.total_token_count',
            '$.totalTokenCount'
        ]) as used,
        try(asked->>[
            '$.model', '$.generation_config.max_output_tokens', '$.generationConfig.maxOutputTokens',
            '$.generation_config.temperature', '$.generationConfig.temperature', '$.contents',
            '$.tools', '$.labels'
        ]) as wanted,
        try(asked->>'$.contents[*].parts[*].text') as texts,
        coalesce(
            try(asked->>'$.system_instruction.parts[*].text'),
            try(asked->>'$.systemInstruction.parts[*].text')
        ) as system_texts,
    from opened
),

judged as (
    select
        *,
        coalesce(wanted[1], model) as model_path,
        http_code(told[9]) as error_code,
        -- The model path names the region; `global` is none.
        nullif(nullif(regexp_extract(
            coalesce(wanted[1], '') || ' ' || coalesce(model, ''), '/?locations/([^/ ]+)', 1
        ), ''), 'global') as region,
    from named
)

select
    record_file,
    record_line,
    coalesce(told[1], told[2], request_id, requestId) as request_id,
    coalesce(
        time_of(coalesce(told[3], told[4])),
        logged_at - span_of_ms(latency_ms),
        logged_at
    ) as started_at,
    latency_ms as duration_ms,
    'vertex_ai' as provider,
    nullif(split_part(model_path, '/', -1), '') as model_requested,
    coalesce(told[5], told[6], nullif(split_part(model_path, '/', -1), '')) as model_logged,
    region as region_logged,
    entries_but(entries_map(wanted[8]), own_keys()) as labels,
    contains(lower(method), 'stream') as stream,
    try(json_array_length(wanted[6])) as n_messages,
    case when asked is not null then coalesce(try(json_array_length(wanted[7])), 0) end as n_tools,
    coalesce(wanted[2], wanted[3]) as max_output_tokens,
    coalesce(wanted[4], wanted[5]) as temperature,
    joined_lines(list_concat(system_texts, texts)) as prompt_text,
    joined_lines(system_texts) as system_prompt,
    case when wanted[6] is not null then has_image(wanted[6]) end as has_images,
    ---------- tokens: cached ones inside the prompt, thoughts beside the answer
    count_of(coalesce(used[1], used[2]))
        + coalesce(count_of(coalesce(used[9], used[10])), 0) as input_tokens,
    -- Where nothing was written, the count is missing; the total says that it is no gap.
    coalesce(
        count_of(coalesce(used[3], used[4])),
        case
            when count_of(coalesce(used[11], used[12]))
                = count_of(coalesce(used[1], used[2]))
                + coalesce(count_of(coalesce(used[9], used[10])), 0)
                + coalesce(count_of(coalesce(used[5], used[6])), 0) then 0
        end
    ) as output_tokens,
    coalesce(used[11], used[12]) as total_tokens,
    coalesce(used[7], used[8]) as cache_read_tokens,
    coalesce(used[5], used[6]) as reasoning_tokens,
    true as input_includes_cache,
    false as output_includes_reasoning,
    ---------- outcome
    case
        when told[9] is not null or told[10] is not null then throttled_or_error(error_code)
        when method is not null and (answered is null or answered in ('{}', 'null')) then 'error'
        when method is not null then 'ok'
    end as status,
    error_code as http_status,
    told[10] as error_type,
    coalesce(told[7], told[8]) as finish_reason,
    case
        when coalesce(told[7], told[8]) is not null then len(list_filter(
            list_concat(
                try(answered->>'$.candidates[0].content.parts[*].function_call'),
                try(answered->>'$.candidates[0].content.parts[*].functionCall')
            ),
            lambda call: call is not null
        ))
    end as n_tool_calls,
    try(wanted[8]->>'$.session_id') as session_id,
    case
        when not regexp_matches(method, '(?i)generatecontent|predict|embed|completions')
            then 'ignored: no model call'
    end as outcome
from judged
