-- Anthropic Messages bodies: one message or error per line.
-- source: https://docs.anthropic.com/en/api/messages
-- get: Append each response body with its time to a file: `file.write(json.dumps({"started_at":
--   began.isoformat(), **message.model_dump(mode="json")}) + "\n")`; of a stream, what
--   `get_final_message()` returns. `first_token_at`, `ended_at`, `session_id`, `labels`, `base_url`
--   and the body of the request under `request` are read as well.
--   Lines of {"request": ..., "response": the body, ...} are read as well.
-- beware: A body has no time of its own: without `started_at` (or `timestamp`) it is rejected.
--   Input tokens leave the cache out. `cache_creation_input_tokens` is the sum of both lifetimes.
--   The events of a stream are no messages; usage in them is cumulative.
-- reads: json
-- inside: response
-- detect: ((first->>'type') = 'message' and (first->>'$.usage.input_tokens') is not null) or
--   ((first->>'type') = 'error' and (first->>'$.error.type') like '%_error') or
--   ((first->>'type') = 'message_start' and (first->>'$.message.usage.input_tokens') is not null)
-- columns: id VARCHAR, type VARCHAR, role VARCHAR, model VARCHAR, usage VARCHAR, content VARCHAR,
--   stop_reason VARCHAR, error VARCHAR, request_id VARCHAR, request VARCHAR, started_at VARCHAR,
--   timestamp VARCHAR, first_token_at VARCHAR, ended_at VARCHAR, session_id VARCHAR, base_url
--   VARCHAR, labels VARCHAR
-- One row per message.
with opened as (
    select
        *,
        try(usage->>[
            '$.input_tokens', '$.output_tokens', '$.cache_read_input_tokens',
            '$.cache_creation_input_tokens', '$.cache_creation.ephemeral_5m_input_tokens',
            '$.cache_creation.ephemeral_1h_input_tokens',
            '$.output_tokens_details.thinking_tokens', '$.service_tier',
            '$.server_tool_use.web_search_requests', '$.inference_geo'
        ]) as used,
        try(request->>[
            '$.model', '$.messages', '$.tools', '$.max_tokens', '$.temperature', '$.stream',
            '$.system', '$.metadata.user_id', '$.output_config.effort'
        ]) as asked,
        try(content->>'$[*].type') as kinds,
        try(error->>'$.type') as error_name,
    from source
),

counted as (
    select *, messages_of(asked[2]) as prompt from opened
)

select
    record_file,
    record_line,
    coalesce(id, request_id) as request_id,
    session_id,
    time_of(coalesce(started_at, timestamp)) as started_at,
    time_of(first_token_at) as first_token_at,
    time_of(ended_at) as ended_at,
    ---------- what answered
    'anthropic' as provider,
    coalesce(asked[1], model) as model_requested,
    coalesce(model, asked[1]) as model_logged,
    coalesce(base_url, nullif(nullif(used[10], 'not_available'), 'global')) as region_logged,
    ---------- who asked
    asked[8] as user_id,
    entries_but(entries_map(labels), own_keys()) as labels,
    ---------- known before the answer
    asked[6] as stream,
    tier_of(used[8]) as service_tier,
    asked[9] as reasoning_effort,
    len(prompt) as n_messages,
    case when prompt is not null then coalesce(try(json_array_length(asked[3])), 0) end as n_tools,
    asked[4] as max_output_tokens,
    asked[5] as temperature,
    case when prompt is not null then joined_lines([words_of(asked[7]), prompt_of(prompt)]) end
        as prompt_text,
    words_of(asked[7]) as system_prompt,
    case when prompt is not null then has_image(asked[2]) end as has_images,
    ---------- tokens
    used[1] as input_tokens,
    used[2] as output_tokens,
    false as input_includes_cache,
    true as output_includes_reasoning,
    used[3] as cache_read_tokens,
    used[5] as cache_write_5m_tokens,
    used[6] as cache_write_1h_tokens,
    count_of(used[4]) - coalesce(count_of(used[5]), 0)
        - coalesce(count_of(used[6]), 0) as cache_write_unknown_tokens,
    used[7] as reasoning_tokens,
    used[9] as web_searches,
    ---------- outcome
    case
        when error_name in ('rate_limit_error', 'overloaded_error') then 'throttled'
        when error_name is not null then 'error'
        -- A line of request and response without an answer is a failed call.
        when coalesce(type, usage) is null then 'error'
        else 'ok'
    end as status,
    -- The documented codes of the documented errors.
    map {
        'invalid_request_error': 400, 'authentication_error': 401, 'billing_error': 402,
        'permission_error': 403, 'not_found_error': 404, 'request_too_large': 413,
        'rate_limit_error': 429, 'api_error': 500, 'timeout_error': 504, 'overloaded_error': 529
    }[error_name] as http_status,
    error_name as error_type,
    stop_reason as finish_reason,
    case
        when content is not null then len(list_filter(kinds, lambda kind: kind = 'tool_use'))
    end as n_tool_calls,
    case
        when type in (
            'message_start', 'message_delta', 'message_stop', 'content_block_start',
            'content_block_delta', 'content_block_stop', 'ping'
        ) then 'ignored: a piece of a stream'
        when type not in ('message', 'error') then 'ignored: no model call'
    end as outcome
from counted
