-- Time to the first chunk of any kind, of the streams of requests that were ok.
-- unit: ms
-- grain: one row per group
-- withheld: p95 under 60 streams, p99 under 300
-- definition: first chunk - start; it may say nothing but the role.
with measured as (
    select selection.group_key, streams.first_chunk_ms as value_ms
    from selection
    join streams on selection.request_id = streams.request_id
    where selection.status = 'ok'
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
