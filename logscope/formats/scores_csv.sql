-- Scores in a plain CSV: a request's id and a number from 0 to 1.
-- source: logscope/tables.sql
-- get: Export two columns from where the answers were judged: the id of the request (`request_id`,
--   `requestId`, `response_id`, `completion_id`, `id` or `trace_id`; or a `session_id`) and the
--   number (`score`, `value`, `rating`, `reward`, `grade` or `quality`; 0 worst, 1 best, or true
--   and false).
-- beware: A number outside 0 to 1 is rejected: divide stars by their maximum first. Without a column
--   `name` or `metric` the score is called as its column. An `id` must be the request's, not the
--   row's. Rows without a number are ignored.
-- reads: csv
-- detect: list_has_any(json_keys(first), ['request_id', 'requestId', 'response_id',
--   'completion_id', 'id', 'trace_id', 'session_id']) and list_has_any(json_keys(first), ['score',
--   'value', 'rating', 'reward', 'grade', 'quality']) and len(json_keys(first)) <= 8 and not
--   list_has_any(json_keys(first), ['model', 'started_at', 'start_time', 'startTime']) and not
--   (list_contains(json_keys(first), 'name') and list_contains(json_keys(first), 'value'))
-- columns: request_id VARCHAR, requestId VARCHAR, response_id VARCHAR, completion_id VARCHAR, id
--   VARCHAR, trace_id VARCHAR, session_id VARCHAR, score VARCHAR, value VARCHAR, rating VARCHAR,
--   reward VARCHAR, grade VARCHAR, quality VARCHAR, name VARCHAR, metric VARCHAR, source VARCHAR,
--   scored_at VARCHAR, "at" VARCHAR, created_at VARCHAR, timestamp VARCHAR
-- One row per score.
with named as (
    select
        *,
        coalesce(
            known(request_id), known(requestId), known(response_id), known(completion_id),
            known(trace_id), known(id)
        ) as scored_request,
        coalesce(
            known(score), known(value), known(rating), known(reward), known(grade), known(quality)
        ) as number,
        case
            when known(score) is not null then 'score'
            when known(value) is not null then 'value'
            when known(rating) is not null then 'rating'
            when known(reward) is not null then 'reward'
            when known(grade) is not null then 'grade'
            when known(quality) is not null then 'quality'
        end as headed,
    from source as rows
)

select
    record_file,
    record_line,
    scored_request as request_id,
    known(session_id) as session_id,
    coalesce(known(name), known(metric), headed) as name,
    share_of(number) as value,
    known(source) as score_source,
    time_of(coalesce(scored_at, "at", created_at, timestamp)) as scored_at,
    case
        when scored_request is null and known(session_id) is null
            then 'rejected: a score without an id'
        when number is null then 'ignored: no score given'
    end as outcome
from named
