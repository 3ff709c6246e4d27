-- Hours without a single request, between the first and the last one.
-- unit: hours
-- grain: one row per run of empty hours (UTC), longest first
-- Whether nobody asked or nobody logged, the logs cannot tell.
with hours as (
    select distinct date_trunc('hour', started_at) as at_hour from selection
),

steps as (
    select at_hour, lead(at_hour) over (order by at_hour) as next_hour from hours
)

select
    at_hour + interval '1' hour as starts_at,
    next_hour as ends_at,
    cast(date_diff('hour', at_hour, next_hour) - 1 as bigint) as hours
from steps
where next_hour > at_hour + interval '1' hour
order by hours desc, starts_at
