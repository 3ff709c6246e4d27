-- What became of the records of every log read so far; not of the selection alone.
-- unit: records
-- grain: one row per log format
-- records = stored + merged + ignored + rejected.
select
    format,
    count(*) as files,
    sum(records) as records,
    sum(stored) as stored,
    sum(merged) as merged,
    sum(ignored) as ignored,
    sum(rejected) as rejected
from files
group by format
order by format nulls first
