-- OpenCode messages: one JSON file per message.
-- source: https://github.com/sst/opencode (packages/opencode/src/session/message-v2.ts)
-- get: Name the folder: ~/.local/share/opencode/storage/message
-- beware: A message may hold several calls to the model (steps); they are logged as one. Its time
--   runs from the question to the last answer, tools included. No first token. All counters are
--   disjoint: cache and reasoning stand beside input and output. Cost is OpenCode's own.
-- reads: json
-- detect: (first->>'sessionID') is not null and (first->>'role') is not null and
--   (first->>'$.time.created') is not null
-- columns: id VARCHAR, sessionID VARCHAR, role VARCHAR, parentID VARCHAR, modelID VARCHAR,
--   providerID VARCHAR, mode VARCHAR, agent VARCHAR, path VARCHAR, cost VARCHAR, finish VARCHAR,
--   error VARCHAR, time VARCHAR, tokens VARCHAR
-- One row per message.
with opened as (
    select
        *,
        try(time->>['$.created', '$.completed']) as times,
        try(tokens->>['$.input', '$.output', '$.reasoning', '$.cache.read', '$.cache.write'])
            as used,
        try(error->>['$.name', '$.data.statusCode']) as failure,
    from source
),

-- Counters begin as zeros: where a message failed before any use, they say nothing.
spent as (
    select
        *,
        case
            when failure[1] is null or list_sum(list_transform(
                used, lambda count: coalesce(try_cast(count as double), 0)
            )) > 0 then used
        end as counts,
    from opened
)

select
    record_file,
    record_line,
    id as request_id,
    -- The question's message: its steps are one operation.
    parentID as operation_id,
    sessionID as session_id,
    time_of_ms(times[1]) as started_at,
    time_of_ms(times[2]) as ended_at,
    providerID as provider,
    modelID as model_requested,
    modelID as model_logged,
    entries_but(
        {
            'agent': coalesce(agent, mode),
            'project': nullif(regexp_extract(try(path->>'$.root'), '([^/\\]+)[/\\]*$', 1), '')
        }::map(varchar, varchar),
        []
    ) as labels,
    counts[1] as input_tokens,
    counts[2] as output_tokens,
    false as input_includes_cache,
    false as output_includes_reasoning,
    counts[4] as cache_read_tokens,
    counts[5] as cache_write_unknown_tokens,
    counts[3] as reasoning_tokens,
    case
        when failure[1] = 'MessageAbortedError' then 'cancelled'
        when failure[1] is not null then throttled_or_error(http_code(failure[2]))
        else 'ok'
    end as status,
    http_code(failure[2]) as http_status,
    failure[1] as error_type,
    finish as finish_reason,
    case when counts is not null then cost end as logged_cost_usd,
    case
        when role <> 'assistant' then 'ignored: no model call'
        when times[1] is not null and times[2] is null and failure[1] is null
            then 'ignored: not finished'
    end as outcome
from spent
