-- Langfuse scores: pages of the public API, or the scores folder of a blob storage export.
-- source: https://langfuse.com/docs/evaluation/evaluation-methods/data-model
-- get: Project settings, Integrations, Blob Storage (JSON, JSONL, CSV or Parquet), then copy the
--   folder scores/. Or GET /api/public/v2/scores, one page per file.
-- beware: A score on a trace is read as one on its session; without a session, the trace's id is
--   the session, as in the observations. Categories are no numbers and are ignored. Only values
--   from 0 to 1 are comparable: a scale of 1 to 5 is rejected, divide it in Langfuse or on the way.
-- reads: json, csv, parquet
-- records: data
-- detect: json_exists(first, '$.name') and (json_exists(first, '$.dataType') or json_exists(first,
--   '$.data_type')) and (json_exists(first, '$.traceId') or json_exists(first, '$.trace_id'))
-- columns: id VARCHAR, name VARCHAR, value VARCHAR, source VARCHAR, comment VARCHAR, timestamp
--   VARCHAR, dataType VARCHAR, traceId VARCHAR, observationId VARCHAR, sessionId VARCHAR,
--   data_type VARCHAR, trace_id VARCHAR, observation_id VARCHAR, session_id VARCHAR, trace
--   STRUCT(sessionId VARCHAR)
-- One row per score.
with named as (
    select
        * replace (
            known(coalesce(dataType, data_type)) as dataType,
            known(coalesce(traceId, trace_id)) as traceId,
            known(coalesce(observationId, observation_id)) as observationId,
            known(coalesce(sessionId, session_id)) as sessionId
        )
    from source as rows
)

select
    record_file,
    record_line,
    span_or_id(traceId, observationId) as request_id,
    case when observationId is null then coalesce(sessionId, trace.sessionId, traceId) end
        as session_id,
    name,
    share_of(value) as value,
    lower(source) as score_source,
    time_of(timestamp) as scored_at,
    case
        when name is null and id is not null then 'rejected: a score without a name'
        when dataType in ('CATEGORICAL', 'TEXT', 'CORRECTION') then 'ignored: a category, no number'
        when coalesce(observationId, sessionId, trace.sessionId, traceId) is null
            and id is not null then 'rejected: a score on nothing'
    end as outcome
from named
