-- Tokens per second once the first is there.
-- unit: tokens per second
-- grain: one row per group
-- withheld: p95 under 60 requests, p99 under 300
-- definition: 1000 * (output tokens - 1) / (end - first token), from 2 tokens.
-- Unknown where first token and end are one moment: an answer that came at once has no pace.
-- Reasoning that was billed but not streamed makes it too high: see hidden_reasoning.
with measured as (
    select group_key, output_tps as value_tps
    from selection
    where status = 'ok'
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
