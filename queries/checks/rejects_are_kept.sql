-- Every rejected record stands in rejects.
-- unit: records
-- grain: one row per file that breaks it
select files.path, files.rejected, count(rejects.file_id) as kept
from files
left join rejects on files.file_id = rejects.file_id
group by files.path, files.rejected
having files.rejected <> count(rejects.file_id)
