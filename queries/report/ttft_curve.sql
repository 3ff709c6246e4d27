-- How the times to the first token are spread: answered requests by time, in buckets 10 % wide.
-- unit: requests
-- grain: one row per group and bucket
-- from_ms <= time < from_ms * 1.1; of requests that were ok.
with bucketed as (
    select
        group_key,
        cast(floor(ln(greatest(ttft_ms, 0.001)) / ln(1.1)) as integer) as bucket
    from selection
    where status = 'ok' and ttft_ms is not null
)

select
    group_key,
    bucket,
    round(exp(bucket * ln(1.1)), 6) as from_ms,
    count(*) as requests
from bucketed
group by group_key, bucket
