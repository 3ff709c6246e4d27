-- Latency as OpenTelemetry's GenAI conventions define it, under its metric names.
-- unit: in the column unit
-- grain: one row per group and metric
-- order: metric
-- A chunk is any generated content. Durations of failed operations count, their tokens do not.
-- Its histograms end at 81.92 s and interpolate within buckets; here every value is exact. What
-- the server would measure is taken from the same log: the network is inside.
with timed as (
    select
        group_key,
        duration_ms / 1000 as duration_s,
        case when status = 'ok' then ttft_ms / 1000 end as first_s,
        case when status = 'ok' then tpot_ms / 1000 end as per_token_s
    from selection
),

told as (
    select
        group_key,
        unnest([
            {
                'metric': 'gen_ai.client.operation.time_to_first_chunk', 'unit': 's',
                'told': figures(first_s)
            },
            {
                'metric': 'gen_ai.server.time_to_first_token', 'unit': 's',
                'told': figures(first_s)
            },
            {
                'metric': 'gen_ai.server.time_per_output_token', 'unit': 's',
                'told': figures(per_token_s)
            },
            {
                'metric': 'gen_ai.client.operation.duration', 'unit': 's',
                'told': figures(duration_s)
            },
            {
                'metric': 'gen_ai.server.request.duration', 'unit': 's',
                'told': figures(duration_s)
            }
        ], recursive := true)
    from timed
    group by group_key

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
where n > 0
