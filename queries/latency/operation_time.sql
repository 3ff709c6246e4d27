-- How long operations took, from the first start to the last end.
-- unit: ms
-- grain: one row per group
-- withheld: p95 under 60 operations, p99 under 300
-- definition: last end - first start of the requests of an operation, failed ones included.
-- Retries, fallbacks and the waits between them are inside.
-- An operation whose requests fall in several groups is in each, with its requests there.
with measured as (
    select
        group_key,
        operation_id,
        (epoch_us(max(ended_at)) - epoch_us(min(started_at))) / 1000.0 as value_ms
    from selection
    where operation_id is not null
    group by group_key, operation_id
)

select
    group_key,
    count(value_ms) as n,
    percentile_cont(0.5) within group (order by value_ms) as p50_ms,
    case when count(value_ms) >= 60 then percentile_cont(0.95) within group (order by value_ms) end
        as p95_ms,
    case when count(value_ms) >= 300 then percentile_cont(0.99) within group (order by value_ms) end
        as p99_ms
from measured
where value_ms is not null
group by group_key
