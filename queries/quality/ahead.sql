-- Files that tell of requests a day or more after they were read: their clock, or its unit, is wrong.
-- unit: hours
-- grain: one row per such file, the furthest ahead first
-- params: hours=24
-- These requests are kept: an ingest asks no clock, so that the same logs give the same store. No time
-- zone is a day from another, so a start in local time is not among them.
select
    files.path,
    files.format,
    count(*) as requests,
    max(selection.started_at) as last_at,
    cast(max(date_diff('hour', files.ingested_at, selection.started_at)) as bigint) as hours_ahead
from selection
join files on selection.file_id = files.file_id
where date_diff('hour', files.ingested_at, selection.started_at) >= cast($hours as bigint)
group by files.path, files.format
order by hours_ahead desc, files.path
