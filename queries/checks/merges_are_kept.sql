-- Every merged record stands in merges.
-- unit: records
-- grain: one row per file that breaks it
select files.path, files.merged, count(merges.file_id) as kept
from files
left join merges on files.file_id = merges.file_id and merges.outcome = 'merged'
group by files.path, files.merged
having files.merged <> count(merges.file_id)
