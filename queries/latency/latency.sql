-- Percentiles of first token, duration and time per output token of the requests that were ok.
-- unit: ms
-- grain: one row per group and measure
-- order: measure
-- Exact, interpolated between neighbours as numpy's default does; for the logged requests. The
-- command `logscope latency` adds 95 % intervals and withholds what too few requests cannot tell.
with measured as (
    select group_key, 'ttft' as measure, ttft_ms as value_ms
    from selection where status = 'ok' and ttft_ms is not null
    union all
    select group_key, 'duration', duration_ms
    from selection where status = 'ok' and duration_ms is not null
    union all
    select group_key, 'tpot', tpot_ms
    from selection where status = 'ok' and tpot_ms is not null
)

select
    group_key,
    measure,
    count(*) as n,
    percentile_cont(0.5) within group (order by value_ms) as p50_ms,
    percentile_cont(0.95) within group (order by value_ms) as p95_ms,
    percentile_cont(0.99) within group (order by value_ms) as p99_ms
from measured
group by group_key, measure
