-- GuideLLM, benchmarks.json: one object per benchmark request.
-- source: https://github.com/vllm-project/guidellm/blob/main/src/guidellm/schemas/info.py
-- get: guidellm benchmark ... --output-path benchmarks.json (JSON; YAML and the CSV of sums are not read).
-- beware: Source only: no real record was seen. Latency is in seconds, the time to the first token in
--   milliseconds. Requests that were never sent are ignored. There are no arrival times of single
--   chunks. The model is only there where the request's arguments or the benchmark's configuration
--   name it. Error messages are not kept.
-- reads: json
-- records: benchmarks.requests.*
-- around: config
-- detect: (first->'$.benchmarks[0].requests') is not null
-- columns: request_id VARCHAR, response_id VARCHAR, request_args VARCHAR, config VARCHAR, info
--   STRUCT(request_id VARCHAR, status VARCHAR, error VARCHAR, conversation_id VARCHAR, timings
--   STRUCT(request_start VARCHAR, first_token_iteration VARCHAR, first_output_token_iteration VARCHAR,
--   last_token_iteration VARCHAR, token_iterations VARCHAR, request_end VARCHAR)), input_metrics
--   STRUCT(text_tokens VARCHAR, total_tokens VARCHAR, cached_tokens VARCHAR), output_metrics
--   STRUCT(text_tokens VARCHAR, total_tokens VARCHAR), request_latency VARCHAR, time_to_first_token_ms
--   VARCHAR
-- One row per request.
with named as (
    select
        *,
        info.timings as t,
        coalesce(
            try(request_args->>'$.body.model'), try(request_args->>'$.model'),
            try(config->>'$.backend.model'), try(config->>'$.model')
        ) as model,
    from source
)

select
    record_file,
    record_line,
    coalesce(known(response_id), known(request_id), known(info.request_id)) as request_id,
    known(info.conversation_id) as session_id,
    time_of(t.request_start) as started_at,
    time_of(t.request_end) as ended_at,
    try_cast(request_latency as double) * 1000 as duration_ms,
    coalesce(
        try_cast(time_to_first_token_ms as double),
        (try_cast(t.first_token_iteration as double) - try_cast(t.request_start as double)) * 1000
    ) as ttft_ms,
    (try_cast(t.first_output_token_iteration as double) - try_cast(t.request_start as double)) * 1000
        as ttft_visible_ms,
    model as model_requested,
    model as model_logged,
    case when count_of(t.token_iterations) > 1 then true end as stream,
    coalesce(input_metrics.total_tokens, input_metrics.text_tokens) as input_tokens,
    coalesce(output_metrics.total_tokens, output_metrics.text_tokens) as output_tokens,
    input_metrics.cached_tokens as cache_read_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    case info.status
        when 'completed' then 'ok' when 'errored' then 'error' when 'cancelled' then 'cancelled'
    end as status,
    nullif(regexp_extract(info.error, '([A-Za-z]+(?:Error|Exception|Timeout))', 1), '') as error_type,
    case
        when info is not null and t.request_start is null
            and info.status in ('queued', 'pending', 'cancelled') then 'ignored: never sent'
    end as outcome
from named
