-- Slow model, or long answers: duration by the number of output tokens.
-- unit: requests, ms
-- grain: one row per group and bucket of output tokens
-- Buckets double: 1, 2-3, 4-7, ...; of requests that were ok. p95 from 60 requests.
with bucketed as (
    select
        group_key,
        cast(power(2, floor(log2(output_tokens))) as bigint) as from_output_tokens,
        duration_ms
    from selection
    where status = 'ok' and duration_ms is not null and output_tokens > 0
)

select
    group_key,
    from_output_tokens,
    count(*) as n,
    percentile_cont(0.5) within group (order by duration_ms) as duration_p50_ms,
    case
        when count(*) >= 60
            then percentile_cont(0.95) within group (order by duration_ms)
    end as duration_p95_ms
from bucketed
group by group_key, from_output_tokens
