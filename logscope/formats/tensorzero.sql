-- TensorZero model inferences: rows of the table ModelInference, one call to one model each.
-- source: https://www.tensorzero.com/docs/gateway/data-model
-- get: clickhouse-client -q "select * from ModelInference format JSONEachRow" > tensorzero.jsonl
--   (or CSVWithNames, or Parquet).
-- beware: No status: a failed call leaves no row. No region. The time is the one in the id (UUID v7)
--   and taken as the end, because the row is made when the answer is there. The session is the
--   episode, which only the tables ChatInference and JsonInference have.
-- reads: json, csv, parquet
-- records: model_inferences
-- detect: json_exists(first, '$.inference_id') and json_exists(first, '$.model_provider_name') and
--   json_exists(first, '$.model_name')
-- columns: id VARCHAR, inference_id VARCHAR, episode_id VARCHAR, model_name VARCHAR,
--   model_provider_name VARCHAR, input_tokens VARCHAR, output_tokens VARCHAR, response_time_ms
--   VARCHAR, ttft_ms VARCHAR, cost VARCHAR, provider_cache_read_input_tokens VARCHAR,
--   provider_cache_write_input_tokens VARCHAR, cached VARCHAR, finish_reason VARCHAR, timestamp
--   VARCHAR, system VARCHAR, input_messages VARCHAR, raw_response VARCHAR
-- One row per call.
with timed as (
    select
        *,
        -- The first 48 bits of a UUID v7 are milliseconds since 1970.
        case
            when substr(id, 15, 1) = '7' then time_of_ms(try_cast(
                ('0x' || substr(replace(id, '-', ''), 1, 12)) as bigint
            )::varchar)
        end as made_at,
        try_cast(response_time_ms as double) as took_ms,
        known(model_provider_name) as endpoint,
        messages_of(input_messages) as prompt,
    from source
),

started as (
    select
        *,
        coalesce(made_at, time_of(timestamp)) as ended,
    from timed
)

select
    record_file,
    record_line,
    id as request_id,
    inference_id as operation_id,
    known(episode_id) as session_id,
    ended - span_of_ms(coalesce(took_ms, 0)) as started_at,
    case when took_ms is not null then ended end as ended_at,
    took_ms as duration_ms,
    known(ttft_ms) as ttft_ms,
    -- `openai::gpt-5.4` is a model by its provider; other names are the user's own.
    coalesce(nullif(regexp_extract(model_name, '^([a-z0-9_]+)::', 1), ''), endpoint) as provider,
    regexp_replace(model_name, '^[a-z0-9_]+::', '') as model_requested,
    regexp_replace(coalesce(
        case when left(raw_response, 1) = '{' then try(raw_response->>'$.model') end, model_name
    ), '^[a-z0-9_]+::', '') as model_logged,
    endpoint as deployment,
    case when known(ttft_ms) is not null then true end as stream,
    len(prompt) as n_messages,
    case when prompt is not null then joined_lines([known(system), prompt_of(prompt)]) end
        as prompt_text,
    known(system) as system_prompt,
    known(input_tokens) as input_tokens,
    known(output_tokens) as output_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    known(provider_cache_read_input_tokens) as cache_read_tokens,
    known(provider_cache_write_input_tokens) as cache_write_unknown_tokens,
    'ok' as status,
    known(finish_reason) as finish_reason,
    try_cast(cached as boolean) as cache_hit,
    known(cost) as logged_cost_usd,
    case
        when model_name is null and inference_id is not null then 'ignored: no model call'
    end as outcome
from started
