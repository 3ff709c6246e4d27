-- What became part of what: every record that is no row of its own, and the request it tells of.
-- unit: records
-- grain: one row per record that was merged, or that repeats what the children of its request used
-- `shared_id` is the id they share, `into_path` and its line the record that is counted as stored.
-- Where `into_path` is NULL it is not known which record was the first (scores, streams and bills
-- that the store had), or the record is itself the first of a request that repeats its children.
select
    files.path,
    merges.line,
    merges.record,
    merges.outcome,
    merges.request_id,
    merges.shared_id,
    into_files.path as into_path,
    merges.into_line
from merges
left join files on files.file_id = merges.file_id
left join files as into_files on into_files.file_id = merges.into_file_id
order by files.path, merges.line, merges.record, merges.request_id nulls first, merges.shared_id
