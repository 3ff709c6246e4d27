-- The mean gap between generated chunks of each stream: every stream weighs the same.
-- unit: ms
-- grain: one row per group
-- withheld: p95 under 60 streams, p99 under 300
-- definition: (last generated chunk - first) / (generated chunks - 1), from 2 chunks.
-- n counts streams.
with measured as (
    select
        selection.group_key,
        (streams.last_generated_ms - streams.first_generated_ms) / (streams.n_generated - 1)
            as value_ms
    from selection
    join streams on selection.request_id = streams.request_id
    where selection.status = 'ok' and streams.n_generated >= 2
)

select
    group_key,
    count(*) as n,
    percentile_cont(0.5) within group (order by value_ms) as p50_ms,
    case when count(value_ms) >= 60 then percentile_cont(0.95) within group (order by value_ms) end
        as p95_ms,
    case when count(value_ms) >= 300 then percentile_cont(0.99) within group (order by value_ms) end
        as p99_ms
from measured
group by group_key
