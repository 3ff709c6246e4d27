-- AIPerf, profile_export.jsonl: one record per benchmark request.
-- source:
--   https://github.com/ai-dynamo/aiperf/blob/main/docs/tutorials/working-with-profile-exports.md
-- get: aiperf profile ... --output-artifact-dir OUT writes OUT/profile_export.jsonl.
-- beware: The export names no model and no answer. Failed requests hold no metrics. The latency
--   ends with the last content, before the connection closes (`request_end_ns`). Warm-up requests
--   are ignored. Tokens are counted by the client unless --use-server-token-count was set.
-- reads: json
-- detect: (first->'$.metadata.request_start_ns') is not null and (first->'metrics') is not null
-- columns: metadata STRUCT(x_request_id VARCHAR, x_correlation_id VARCHAR, benchmark_phase VARCHAR,
--   request_start_ns VARCHAR, request_ack_ns VARCHAR, request_end_ns VARCHAR, was_cancelled
--   VARCHAR), metrics STRUCT(time_to_first_token STRUCT(value VARCHAR),
--   time_to_first_output_token STRUCT(value VARCHAR), request_latency STRUCT(value VARCHAR),
--   inter_chunk_latency STRUCT(value VARCHAR), input_sequence_length STRUCT(value VARCHAR),
--   error_isl STRUCT(value VARCHAR), output_sequence_length STRUCT(value VARCHAR),
--   output_token_count STRUCT(value VARCHAR), reasoning_token_count STRUCT(value VARCHAR)), error
--   STRUCT(code VARCHAR, type VARCHAR)
-- One row per request.
with timed as (
    select
        *,
        coalesce(try_cast(metadata.was_cancelled as boolean), false) as cancelled,
        try_cast(metrics.time_to_first_token.value as double) as first_ms,
        try_cast(metrics.inter_chunk_latency.value as double[]) as gaps_ms,
    from source
)

select
    record_file,
    record_line,
    metadata.x_request_id as request_id,
    metadata.x_correlation_id as session_id,
    time_of_ns(metadata.request_start_ns) as started_at,
    case when metrics.request_latency.value is null then time_of_ns(metadata.request_end_ns) end
        as ended_at,
    first_ms as ttft_ms,
    metrics.time_to_first_output_token.value as ttft_visible_ms,
    metrics.request_latency.value as duration_ms,
    -- The gaps follow the first token; summed up they are arrival times.
    case
        when first_ms is not null and gaps_ms is not null
            then list_prepend(first_ms, list_transform(
                gaps_ms, lambda gap, place: first_ms + list_sum(gaps_ms[:place])
            ))
    end as offsets_ms,
    case
        when first_ms is not null or metadata.request_ack_ns is not null then true
        when metrics.request_latency.value is not null then false
    end as stream,
    ---------- tokens: the sequence length has the reasoning inside, the token count has not
    coalesce(metrics.input_sequence_length.value, metrics.error_isl.value) as input_tokens,
    coalesce(
        count_of(metrics.output_sequence_length.value),
        count_of(metrics.output_token_count.value)
            + coalesce(count_of(metrics.reasoning_token_count.value), 0)
    ) as output_tokens,
    metrics.reasoning_token_count.value as reasoning_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    ---------- outcome
    case
        when cancelled or error.code = '499' then 'cancelled'
        when coalesce(error.code, error.type) is not null
            then throttled_or_error(http_code(error.code))
        when metadata.request_start_ns is not null then 'ok'
    end as status,
    http_code(error.code) as http_status,
    error.type as error_type,
    case when metadata.benchmark_phase = 'warmup' then 'ignored: warm-up' end as outcome
from timed
