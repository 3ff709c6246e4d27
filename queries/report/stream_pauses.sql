-- How long streams pause: streams by the length of their longest gap between two chunks.
-- unit: streams
-- grain: one row per group and bucket
-- Buckets are 10 % wide: from_ms <= longest gap < from_ms * 1.1. A stream with one chunk has none.
with bucketed as (
    select
        group_key,
        cast(floor(ln(greatest(max_gap_ms, 0.001)) / ln(1.1)) as integer) as bucket
    from selection
    where max_gap_ms is not null
)

select
    group_key,
    bucket,
    round(exp(bucket * ln(1.1)), 6) as from_ms,
    count(*) as streams
from bucketed
group by group_key, bucket
