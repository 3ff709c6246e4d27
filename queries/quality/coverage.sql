-- How much of the time the logs of each format cover, and how far each lies behind the last of all.
-- unit: hours; shares from 0 to 1
-- grain: one row per log format, and one (format NULL) for all of them
-- An hour is covered when a request started in it; the time runs from a format's first hour to its
-- last. Low traffic leaves hours empty as well: compare with the same hours of other weeks.
with hours as (
    select distinct format, date_trunc('hour', started_at) as at_hour from selection
    union
    select null as format, date_trunc('hour', started_at) as at_hour from selection
),

steps as (
    select
        format,
        at_hour,
        date_diff(
            'hour', at_hour, lead(at_hour) over (partition by format order by at_hour)
        ) - 1 as gap_hours
    from hours
),

spans as (
    select
        format,
        min(at_hour) as first_hour,
        max(at_hour) as last_hour,
        count(*) as covered_hours,
        date_diff('hour', min(at_hour), max(at_hour)) + 1 as hours,
        coalesce(max(gap_hours), 0) as longest_gap_hours
    from steps
    group by format
)

select
    format,
    first_hour,
    last_hour,
    cast(hours as bigint) as hours,
    covered_hours,
    covered_hours * 1.0 / hours as covered,
    cast(longest_gap_hours as bigint) as longest_gap_hours,
    cast(date_diff('hour', last_hour, max(last_hour) over ()) as bigint) as hours_behind
from spans
order by format nulls first
