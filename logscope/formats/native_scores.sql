-- logscope's own score log: one record per quality signal on a request or a session.
-- source: logscope/tables.sql
-- get: Write NDJSON, CSV or Parquet with `name`, `value` (0 worst to 1 best, or true and false) and
--   a `request_id` or a `session_id`, and if you know them `source` (human, rule, model) and
--   `scored_at`.
-- beware: The time may also be called `at`. Of several scores of one name, source and request the
--   latest counts.
-- reads: json, csv, parquet
-- detect: json_exists(first, '$.name') and json_exists(first, '$.value') and (json_exists(first,
--   '$.request_id') or json_exists(first, '$.session_id')) and not json_exists(first, '$.model') and
--   not json_exists(first, '$.data_type')
-- columns: request_id VARCHAR, session_id VARCHAR, name VARCHAR, value VARCHAR, source VARCHAR,
--   scored_at VARCHAR, "at" VARCHAR
-- One row per score.
select
    record_file,
    record_line,
    request_id,
    session_id,
    name,
    share_of(value) as value,
    source as score_source,
    time_of(coalesce(scored_at, "at")) as scored_at,
    case
        when name is null and value is not null then 'rejected: a score without a name'
        when name is not null and request_id is null and session_id is null
            then 'rejected: a score without request_id or session_id'
    end as outcome
from source as rows
