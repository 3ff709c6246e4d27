-- Latency as `vllm bench serve` defines it, under its metric names.
-- unit: in the column unit
-- grain: one row per group and metric
-- order: metric
-- Successful requests only. Its first token is the first chunk, even one that says only the role;
-- its end the last chunk that is not the usage. ITL pools the gaps of all chunks; TPOT is per
-- request, from 2 tokens. Without a stream log: first token and end of the request. avg, p50 and p99
-- of ttft are its mean_ttft_ms, median_ttft_ms and p99_ttft_ms, and so on.
with timed as (
    select
        selection.group_key,
        selection.output_tokens,
        coalesce(streams.first_chunk_ms, selection.ttft_ms) as first_ms,
        coalesce(streams.last_answer_ms, selection.duration_ms) as latency_ms,
        case when selection.output_tokens > 1 then selection.output_tokens - 1 end
            as later_tokens
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
            {'metric': 'request_throughput', 'unit': 'requests/s', 'rate': n / run_s},
            {'metric': 'output_throughput', 'unit': 'tokens/s', 'rate': output_tokens / run_s},
            {
                'metric': 'total_token_throughput', 'unit': 'tokens/s',
                'rate': (input_tokens + output_tokens) / run_s
            }
        ], recursive := true)
    from runs
    where run_s > 0
),

told as (
    select
        group_key,
        unnest([
            {'metric': 'ttft', 'unit': 'ms', 'told': figures(first_ms)},
            {
                'metric': 'tpot', 'unit': 'ms',
                'told': figures((latency_ms - first_ms) / later_tokens)
            },
            {'metric': 'e2el', 'unit': 'ms', 'told': figures(latency_ms)}
        ], recursive := true)
    from timed
    group by group_key

    union all

    select
        group_key,
        'itl',
        'ms',
        n,
        avg,
        std,
        min,
        [p50, p90, p95, p99],
        max
    from answer_gaps

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
