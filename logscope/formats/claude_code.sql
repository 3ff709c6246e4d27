-- Claude Code sessions: the transcript files, one entry per line.
-- source: https://docs.anthropic.com/en/docs/claude-code/settings (projects folder)
-- get: Name the folder: ~/.claude/projects (or ~/.config/claude/projects). Sub-agents lie in
--   folders inside.
-- beware: A line's time is when it was written, so there is no first token and no duration, and the
--   start is the one of the first line. One answer is written as several lines, one per part; early
--   ones may hold placeholder counts: the fullest wins. Resumed sessions and side chains copy
--   lines: equal message ids are one request. Input tokens leave the cache out. Only old versions
--   log a cost.
-- reads: json
-- detect: ((first->>'sessionId') is not null and (first->>'traceId') is null and ((first->'message')
--   is not null or (first->>'uuid') is not null or (first->>'type') in ('queue-operation',
--   'last-prompt', 'mode', 'permission-mode', 'progress'))) or ((first->>'type') = 'summary' and
--   (first->>'leafUuid') is not null) or ((first->>'type') = 'file-history-snapshot' and
--   (first->'snapshot') is not null)
-- columns: type VARCHAR, sessionId VARCHAR, requestId VARCHAR, uuid VARCHAR, timestamp VARCHAR,
--   message VARCHAR, isSidechain VARCHAR, isApiErrorMessage VARCHAR, apiErrorStatus VARCHAR, error
--   VARCHAR, costUSD VARCHAR, version VARCHAR, gitBranch VARCHAR, cwd VARCHAR, agentId VARCHAR,
--   summary VARCHAR, snapshot VARCHAR, operation VARCHAR
-- One row per entry.
with opened as (
    select
        *,
        try(message->>[
            '$.id', '$.model', '$.role', '$.stop_reason', '$.usage.input_tokens',
            '$.usage.output_tokens', '$.usage.cache_read_input_tokens',
            '$.usage.cache_creation_input_tokens',
            '$.usage.cache_creation.ephemeral_5m_input_tokens',
            '$.usage.cache_creation.ephemeral_1h_input_tokens',
            '$.usage.output_tokens_details.thinking_tokens', '$.usage.service_tier',
            '$.usage.server_tool_use.web_search_requests', '$.usage.inputTokens',
            '$.usage.outputTokens', '$.content[0].text'
        ]) as m,
    from source
),

judged as (
    select
        *,
        coalesce(m[5], m[14]) as input_count,
        coalesce(m[6], m[15]) as output_count,
        -- Errors of the API are written as messages of a model that does not exist.
        coalesce(m[2] = '<synthetic>', false) as synthetic,
        coalesce(try_cast(isApiErrorMessage as boolean), false) or error is not null as failed,
        http_code(coalesce(apiErrorStatus, regexp_extract(m[16], '^API Error: ([0-9]{3})\b', 1)))
            as code,
    from opened
)

select
    record_file,
    record_line,
    coalesce(m[1], requestId, uuid) as request_id,
    sessionId as session_id,
    time_of(timestamp) as started_at,
    case
        when m[1] like 'msg_bdrk_%' then 'bedrock'
        when m[1] like 'msg_vrtx_%' then 'vertex_ai'
        else 'anthropic'
    end as provider,
    case when not synthetic then m[2] end as model_requested,
    case when not synthetic then m[2] end as model_logged,
    entries_but(
        {
            'project': nullif(regexp_extract(cwd, '([^/\\]+)[/\\]*$', 1), ''),
            'branch': known(gitBranch),
            'agent': known(agentId),
            'version': version,
            'sidechain': case when try_cast(isSidechain as boolean) then 'true' end
        }::map(varchar, varchar),
        []
    ) as labels,
    tier_of(m[12]) as service_tier,
    case when not synthetic then input_count end as input_tokens,
    case when not synthetic then output_count end as output_tokens,
    false as input_includes_cache,
    true as output_includes_reasoning,
    case when not synthetic then m[7] end as cache_read_tokens,
    case when not synthetic then m[9] end as cache_write_5m_tokens,
    case when not synthetic then m[10] end as cache_write_1h_tokens,
    case
        when not synthetic then count_of(m[8]) - coalesce(count_of(m[9]), 0)
            - coalesce(count_of(m[10]), 0)
    end as cache_write_unknown_tokens,
    m[11] as reasoning_tokens,
    case when not synthetic then m[13] end as web_searches,
    case
        when failed and (code in (429, 529) or regexp_matches(error, '(?i)rate.?limit|overload'))
            then 'throttled'
        when failed then 'error'
        else 'ok'
    end as status,
    code as http_status,
    case when failed and left(error, 1) <> '{' then error end as error_type,
    m[4] as finish_reason,
    costUSD as logged_cost_usd,
    case
        when coalesce(type, 'assistant') <> 'assistant' then 'ignored: no model call'
        when m[3] <> 'assistant' then 'ignored: no model call'
        when synthetic and not failed then 'ignored: no model call'
        when sessionId is null and message is null then 'rejected: no entry of a session'
        when coalesce(input_count, output_count) is null and not failed
            then 'ignored: no usage'
    end as outcome
from judged
