-- Time per output token with the wait for the first inside.
-- unit: ms
-- grain: one row per group
-- withheld: p95 under 60 requests, p99 under 300
-- definition: (end - start) / output tokens, from 1 token.
-- What GuideLLM calls time per output token. A short answer looks slow in it.
with measured as (
    select group_key, duration_ms / output_tokens as value_ms
    from selection
    where status = 'ok' and output_tokens >= 1
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
