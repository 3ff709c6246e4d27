-- How the time to the first token grows with the prompt.
-- unit: requests, ms
-- grain: one row per group and bucket of input tokens
-- Buckets double: 1, 2-3, 4-7, ...; of requests that were ok. p95 from 60 requests.
with bucketed as (
    select
        group_key,
        cast(power(2, floor(log2(input_tokens))) as bigint) as from_input_tokens,
        ttft_ms
    from selection
    where status = 'ok' and ttft_ms is not null and input_tokens > 0
)

select
    group_key,
    from_input_tokens,
    count(*) as n,
    percentile_cont(0.5) within group (order by ttft_ms) as ttft_p50_ms,
    case
        when count(*) >= 60
            then percentile_cont(0.95) within group (order by ttft_ms)
    end as ttft_p95_ms
from bucketed
group by group_key, from_input_tokens
