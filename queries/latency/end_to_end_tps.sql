-- Tokens per second with the wait for the first inside.
-- unit: tokens per second
-- grain: one row per group
-- withheld: p95 under 60 requests, p99 under 300
-- definition: 1000 * output tokens / (end - start), from 1 token.
with measured as (
    select group_key, 1000.0 * output_tokens / nullif(duration_ms, 0) as value_tps
    from selection
    where status = 'ok' and output_tokens >= 1
)

select
    group_key,
    count(value_tps) as n,
    percentile_cont(0.5) within group (order by value_tps) as p50_tps,
    case when count(value_tps) >= 60 then percentile_cont(0.95) within group (order by value_tps) end
        as p95_tps,
    case when count(value_tps) >= 300 then percentile_cont(0.99) within group (order by value_tps) end
        as p99_tps
from measured
where value_tps is not null
group by group_key
