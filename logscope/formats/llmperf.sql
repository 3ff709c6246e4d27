-- LLMPerf, *_individual_responses.json: one object per benchmark request, dated by its summary.
-- source: https://github.com/ray-project/llmperf
-- get: token_benchmark_ray.py writes X_individual_responses.json and X_summary.json. The first has no
--   times and no model; join them: jq --slurpfile s X_summary.json 'map(. + {model: $s[0].model,
--   timestamp: $s[0].timestamp})' X_individual_responses.json > joined.json
-- beware: All requests of a run get the same start, the summary's time, which is when the run ended:
--   requests in flight mean nothing here. Without the join every record is rejected. Tokens are counted
--   by one Llama tokenizer, not by the provider. `inter_token_latency_s` has the first token inside and
--   is not read. Ids are made of the record and its position.
-- reads: json
-- rows: many
-- detect: json_exists(first, '$.ttft_s') and json_exists(first, '$.end_to_end_latency_s')
-- columns: timestamp VARCHAR, model VARCHAR, ttft_s VARCHAR, end_to_end_latency_s VARCHAR,
--   number_input_tokens VARCHAR, number_output_tokens VARCHAR, error_code VARCHAR, error_msg VARCHAR
-- One row per request.
select
    record_file,
    record_line,
    left(sha256(concat_ws(
        '|', timestamp, model, record_line, ttft_s, end_to_end_latency_s, number_output_tokens
    )), 24) as request_id,
    time_of(timestamp) as started_at,
    case when known(error_code) is null then nullif(try_cast(ttft_s as double), 0) * 1000 end as ttft_ms,
    case when known(error_code) is null then try_cast(end_to_end_latency_s as double) * 1000 end
        as duration_ms,
    known(model) as model_requested,
    known(model) as model_logged,
    true as stream,
    number_input_tokens as input_tokens,
    case when known(error_code) is null then number_output_tokens end as output_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    case
        when known(error_code) is not null then throttled_or_error(http_code(error_code))
        else 'ok'
    end as status,
    http_code(error_code) as http_status,
    case
        when known(error_code) is not null and try_cast(error_code as integer) in (1, -1)
            and count_of(number_input_tokens) = 0 then 'ignored: never sent'
        when timestamp is null then 'rejected: no time (join it from the summary file)'
    end as outcome
from source
where coalesce(ttft_s, end_to_end_latency_s, number_input_tokens, error_code, timestamp) is not null
