-- Time to the first generated event of the requests that were ok.
-- unit: ms
-- grain: one row per group
-- definition: first text, reasoning or tool event - start; a role-only or empty chunk is none.
with measured as (
    select group_key, ttft_ms as value_ms
    from selection
    where status = 'ok'
)

select
    group_key,
    count(value_ms) as n,
    percentile_cont(0.5) within group (order by value_ms) as p50_ms,
    percentile_cont(0.95) within group (order by value_ms) as p95_ms,
    percentile_cont(0.99) within group (order by value_ms) as p99_ms
from measured
where value_ms is not null
group by group_key
