-- The whole distribution of first token, duration and time per output token of the ok requests.
-- unit: ms; shares from 0 to 1
-- grain: one row per group, measure and value
-- order: measure, value_ms
-- `cumulative_share` of the group's requests took `value_ms` or less.
with measured as (
    select group_key, 'ttft' as measure, ttft_ms as value_ms
    from selection where status = 'ok' and ttft_ms is not null
    union all
    select group_key, 'duration', duration_ms
    from selection where status = 'ok' and duration_ms is not null
    union all
    select group_key, 'tpot', tpot_ms
    from selection where status = 'ok' and tpot_ms is not null
),

counted as (
    select group_key, measure, value_ms, count(*) as values_here
    from measured
    group by group_key, measure, value_ms
)

select
    group_key,
    measure,
    value_ms,
    cast(sum(values_here) over running as bigint) as cumulative_n,
    sum(values_here) over running / sum(values_here) over (partition by group_key, measure)
        as cumulative_share
from counted
window running as (
    partition by group_key, measure order by value_ms
    rows between unbounded preceding and current row
)
