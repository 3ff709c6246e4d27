-- Time per output token after the first, of the requests that were ok.
-- unit: ms
-- grain: one row per group
-- withheld: p95 under 60 requests, p99 under 300
-- definition: (end - first token) / (output tokens - 1), from 2 tokens.
-- Unknown where first token and end are one moment: an answer that came at once has no pace.
with measured as (
    select group_key, tpot_ms as value_ms
    from selection
    where status = 'ok'
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
