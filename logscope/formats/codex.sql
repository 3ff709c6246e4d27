-- Codex sessions: the rollout files, one event per line.
-- source: https://github.com/openai/codex/blob/main/codex-rs/protocol/src/protocol.rs
-- get: Name the folder: ~/.codex/sessions (and ~/.codex/archived_sessions).
-- beware: Usage is logged when an answer is complete, so its time is near the end and there is no
--   first token and no duration. Failed calls are not logged. The model is the one of the turn. The
--   same count may be written twice; it is read once. A sub-agent's file may begin with its
--   parent's counts: the same count at the same time is one request.
-- reads: json
-- rows: many
-- detect: (first->>'timestamp') is not null and (first->'payload') is not null and
--   (first->>'type') in ('session_meta', 'turn_context', 'event_msg', 'response_item', 'compacted')
-- columns: timestamp VARCHAR, type VARCHAR, payload VARCHAR
-- One row per event.
with opened as (
    select
        record_file,
        record_line,
        timestamp,
        type,
        payload,
        case when type in ('session_meta', 'turn_context', 'event_msg') then try(payload->>[
            '$.type', '$.model', '$.id', '$.info.model', '$.effort', '$.info.total_token_usage',
            '$.cwd', '$.cli_version', '$.git.branch', '$.model_provider'
        ]) end as p,
        case when type = 'event_msg' then try(from_json(payload->'$.info', '{
            "total_token_usage": {"input_tokens": "BIGINT", "cached_input_tokens": "BIGINT",
                "cache_write_input_tokens": "BIGINT", "output_tokens": "BIGINT",
                "reasoning_output_tokens": "BIGINT", "total_tokens": "BIGINT"},
            "last_token_usage": {"input_tokens": "BIGINT", "cached_input_tokens": "BIGINT",
                "cache_write_input_tokens": "BIGINT", "output_tokens": "BIGINT",
                "reasoning_output_tokens": "BIGINT", "total_tokens": "BIGINT"}
        }')) end as info,
    from source
    where coalesce(timestamp, type, payload) is not null
),

placed as (
    select
        *,
        coalesce(type = 'event_msg' and p[1] = 'token_count', false) as is_count,
        case when type = 'session_meta' then p[3] end as session,
        info.total_token_usage as total,
        info.last_token_usage as last_usage,
    from opened
),

-- What was said before in the same file: the model of the turn, the session, the sum so far.
followed as (
    select
        *,
        last_value(case when type = 'turn_context' then p[2] end ignore nulls) over before
            as turn_model,
        last_value(case when type = 'turn_context' then p[5] end ignore nulls) over before
            as effort,
        first_value(session ignore nulls) over before as session_id,
        first_value(p[7] ignore nulls) over before as cwd,
        first_value(case when type = 'session_meta' then p[8] end ignore nulls) over before
            as version,
        first_value(case when type = 'session_meta' then p[9] end ignore nulls) over before
            as branch,
        first_value(case when type = 'session_meta' then p[10] end ignore nulls) over before
            as provider,
        last_value(total ignore nulls) over (
            partition by record_file order by record_line
            rows between unbounded preceding and 1 preceding
        ) as total_before,
    from placed
    window before as (
        partition by record_file order by record_line
        rows between unbounded preceding and current row
    )
),

counted as (
    select
        *,
        -- A sum that shrinks was begun anew.
        coalesce(total_before.total_tokens <= total.total_tokens, false) as goes_on,
        total is not distinct from total_before as repeated,
    from followed
),

used as (
    select
        *,
        coalesce(last_usage, struct_pack(
            input_tokens := total.input_tokens - if(goes_on, total_before.input_tokens, 0),
            cached_input_tokens := total.cached_input_tokens
                - if(goes_on, total_before.cached_input_tokens, 0),
            cache_write_input_tokens := total.cache_write_input_tokens
                - if(goes_on, coalesce(total_before.cache_write_input_tokens, 0), 0),
            output_tokens := total.output_tokens - if(goes_on, total_before.output_tokens, 0),
            reasoning_output_tokens := total.reasoning_output_tokens
                - if(goes_on, total_before.reasoning_output_tokens, 0),
            total_tokens := total.total_tokens - if(goes_on, total_before.total_tokens, 0)
        )) as u,
    from counted
)

select
    record_file,
    record_line,
    -- There is no id: the time and the sum so far tell a call from others, in every copy.
    'codex-' || left(sha256(concat_ws(' ', timestamp, total::varchar, last_usage::varchar)), 24)
        as request_id,
    session_id,
    time_of(timestamp) as started_at,
    coalesce(provider, 'openai') as provider,
    coalesce(p[4], turn_model) as model_requested,
    coalesce(p[4], turn_model) as model_logged,
    entries_but(
        {
            'project': nullif(regexp_extract(cwd, '([^/\\]+)[/\\]*$', 1), ''),
            'branch': branch,
            'version': version
        }::map(varchar, varchar),
        []
    ) as labels,
    effort as reasoning_effort,
    u.input_tokens as input_tokens,
    u.output_tokens as output_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    u.cached_input_tokens as cache_read_tokens,
    u.cache_write_input_tokens as cache_write_unknown_tokens,
    u.reasoning_output_tokens as reasoning_tokens,
    'ok' as status,
    case
        when not is_count then 'ignored: no model call'
        when total is null and last_usage is null then 'ignored: no usage'
        when repeated then 'ignored: repeats the count before'
        when coalesce(u.input_tokens, u.output_tokens) is null then 'rejected: no readable usage'
    end as outcome
from used
