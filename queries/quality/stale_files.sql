-- The newest file of each log format, where it ends long before the newest request of all.
-- unit: hours
-- grain: one row per such file, the furthest behind first
-- params: hours=24
-- The export may have stopped, or the file was copied before it was full: then read it again. Requests
-- are counted where they are stored; what another file told too may lie there.
with ends as (
    select file_id, format, count(*) as requests, max(started_at) as last_at
    from selection
    group by file_id, format
),

newest as (
    select max(started_at) as newest_at from selection
),

latest as (
    select format, max(last_at) as latest_at from ends group by format
)

select
    files.path,
    files.format,
    ends.requests,
    ends.last_at,
    cast(date_diff('hour', ends.last_at, newest.newest_at) as bigint) as hours_behind
from ends
join latest on ends.format = latest.format and ends.last_at = latest.latest_at
join files on ends.file_id = files.file_id
cross join newest
where date_diff('hour', ends.last_at, newest.newest_at) >= cast($hours as bigint)
order by hours_behind desc, files.path
