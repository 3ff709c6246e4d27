-- Percentiles of first token, duration and time per output token of the requests that were ok.
-- unit: ms
-- grain: one row per group and measure
-- withheld: p95 under 60 requests, p99 under 300
-- order: measure
-- Exact, interpolated between neighbours as numpy's default does; for the logged requests. The
-- command `logscope latency` adds 95 % intervals.
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
    case when count(value_ms) >= 60 then percentile_cont(0.95) within group (order by value_ms) end
        as p95_ms,
    case when count(value_ms) >= 300 then percentile_cont(0.99) within group (order by value_ms) end
        as p99_ms
from measured
group by group_key, measure
