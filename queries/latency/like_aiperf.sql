-- Latency as AIPerf 0.13 defines it, under its metric names.
-- unit: in the column unit
-- grain: one row per group and metric
-- order: metric
-- Successful requests only. First token: first non-empty chunk, reasoning included. Sequence length
-- has the reasoning inside. The run ends with the last content. Percentiles interpolate as numpy's.
with timed as (
    select
        selection.group_key,
        selection.input_tokens,
        selection.output_tokens,
        selection.ttft_ms,
        selection.ttft_visible_ms,
        selection.duration_ms,
        selection.duration_ms - selection.ttft_ms as decode_ms,
        case when selection.output_tokens > 1 then selection.output_tokens - 1 end
            as later_tokens,
        streams.second_generated_ms - streams.first_generated_ms as second_ms
    from selection
    left join streams on selection.request_id = streams.request_id
    where selection.status = 'ok'
),

-- Of the group's whole run, not per request: one value.
runs as (
    select
        group_key,
        count(*) as n,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        (epoch_us(max(ended_at)) - epoch_us(min(started_at))) / 1e6 as run_s
    from selection
    where status = 'ok'
    group by group_key
),

rates as (
    select
        group_key,
        n,
        unnest([
            {'metric': 'request_throughput', 'unit': 'requests/sec', 'rate': n / run_s},
            {
                'metric': 'output_token_throughput', 'unit': 'tokens/sec',
                'rate': output_tokens / run_s
            }
        ], recursive := true)
    from runs
    where run_s > 0
),

told as (
    select
        group_key,
        unnest([
            {'metric': 'time_to_first_token', 'unit': 'ms', 'told': figures(ttft_ms)},
            {'metric': 'time_to_second_token', 'unit': 'ms', 'told': figures(second_ms)},
            {
                'metric': 'time_to_first_output_token', 'unit': 'ms',
                'told': figures(ttft_visible_ms)
            },
            {'metric': 'request_latency', 'unit': 'ms', 'told': figures(duration_ms)},
            {
                'metric': 'inter_token_latency', 'unit': 'ms',
                'told': figures(decode_ms / later_tokens)
            },
            {
                'metric': 'output_token_throughput_per_user', 'unit': 'tokens/sec/user',
                'told': figures(1000.0 * later_tokens / nullif(decode_ms, 0))
            },
            {
                'metric': 'e2e_output_token_throughput', 'unit': 'tokens/sec/user',
                'told': figures(1000.0 * output_tokens / nullif(duration_ms, 0))
            },
            {
                'metric': 'output_sequence_length', 'unit': 'tokens',
                'told': figures(output_tokens)
            },
            {'metric': 'input_sequence_length', 'unit': 'tokens', 'told': figures(input_tokens)}
        ], recursive := true)
    from timed
    group by group_key

    union all

    select
        group_key,
        'inter_chunk_latency',
        'ms',
        n,
        avg,
        std,
        min,
        [p50, p90, p95, p99],
        max
    from generated_gaps

    union all

    select group_key, metric, unit, n, rate, null, null, null, null
    from rates
    where rate is not null
)

select
    group_key,
    metric,
    unit,
    n,
    avg,
    std,
    min,
    percentiles[1] as p50,
    percentiles[2] as p90,
    percentiles[3] as p95,
    percentiles[4] as p99,
    max
from told
where n > 0
