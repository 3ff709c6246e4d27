-- Latency as OpenTelemetry's GenAI conventions define it, under its metric names.
-- unit: in the column unit
-- grain: one row per group and metric
-- order: metric
-- A chunk is any generated content. Durations of failed operations count, their tokens do not.
-- Its histograms end at 81.92 s and interpolate within buckets; here every value is exact. What
-- the server would measure is taken from the same log: the network is inside.
with measured as (
    select
        group_key,
        unnest([
            {
                'metric': 'gen_ai.client.operation.time_to_first_chunk', 'unit': 's',
                'value': ttft_ms / 1000
            },
            {'metric': 'gen_ai.server.time_to_first_token', 'unit': 's', 'value': ttft_ms / 1000},
            {'metric': 'gen_ai.server.time_per_output_token', 'unit': 's', 'value': tpot_ms / 1000}
        ], recursive := true)
    from selection
    where status = 'ok'

    union all

    select group_key, 'gen_ai.client.operation.duration', 's', duration_ms / 1000
    from selection
),

told as (
    select
        group_key,
        metric,
        unit,
        count(value) as n,
        round(avg(value), 9) as avg,
        round(stddev_pop(value), 9) as std,
        min(value) as min,
        quantile_cont(value, [0.5, 0.9, 0.95, 0.99]) as percentiles,
        max(value) as max
    from measured
    where value is not null
    group by group_key, metric, unit

    union all

    select
        group_key,
        'gen_ai.client.operation.time_per_output_chunk',
        's',
        n,
        avg / 1000,
        std / 1000,
        min / 1000,
        [p50 / 1000, p90 / 1000, p95 / 1000, p99 / 1000],
        max / 1000
    from generated_gaps
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
