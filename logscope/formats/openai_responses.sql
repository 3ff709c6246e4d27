-- OpenAI Responses bodies: one response per line, or the events that end a stream.
-- source: https://platform.openai.com/docs/api-reference/responses/object
-- get: Append each response body to a file: `file.write(response.model_dump_json() + "\n")`; of a
--   stream, its last event. What only the caller knows may stand in the same object: `started_at`,
--   `first_token_at`, `ended_at`, `session_id`, `labels`, `base_url`.
--   Lines of {"request": ..., "response": the body, ...} are read as well.
-- beware: `created_at` and `completed_at` have whole seconds: without `started_at` and `ended_at` of
--   the caller's own there is no duration. Only the last event of a stream has the usage. The prompt
--   is not part of the answer, but for `instructions`.
-- reads: json
-- inside: response
-- detect: (first->>'object') = 'response' or ((first->>'type') in ('response.completed',
--   'response.incomplete', 'response.failed', 'response.created', 'response.in_progress',
--   'response.queued') and (first->>'$.response.id') is not null)
-- columns: id VARCHAR, object VARCHAR, type VARCHAR, created_at VARCHAR,
--   status VARCHAR, model VARCHAR, service_tier VARCHAR, usage VARCHAR, output VARCHAR, error
--   VARCHAR, incomplete_details VARCHAR, instructions VARCHAR, tools VARCHAR, reasoning VARCHAR,
--   max_output_tokens VARCHAR, temperature VARCHAR, metadata VARCHAR, "user" VARCHAR,
--   safety_identifier VARCHAR, conversation VARCHAR, content_filters VARCHAR, request VARCHAR,
--   started_at VARCHAR, first_token_at VARCHAR, ended_at VARCHAR, session_id VARCHAR, base_url
--   VARCHAR, labels VARCHAR
-- One row per response.
with opened as (
    select
        *,
        try(usage->>[
            '$.input_tokens', '$.output_tokens', '$.total_tokens',
            '$.input_tokens_details.cached_tokens', '$.input_tokens_details.cache_write_tokens',
            '$.output_tokens_details.reasoning_tokens', '$.cost', '$.is_byok'
        ]) as used,
        try(output->>'$[*].type') as kinds,
        known(try(error->>'$.code')) as error_code,
        -- The events of a stream hold the body as well.
        coalesce(type like 'response.%', false) as streamed,
    from source
)

select
    record_file,
    record_line,
    id as request_id,
    coalesce(session_id, try(conversation->>'$.id')) as session_id,
    time_of(coalesce(started_at, created_at)) as started_at,
    time_of(first_token_at) as first_token_at,
    -- `completed_at` has whole seconds: too coarse for a duration.
    time_of(ended_at) as ended_at,
    ---------- what answered
    case
        when used[8] is not null then 'openrouter'
        when content_filters is not null then 'azure'
        else 'openai'
    end as provider,
    coalesce(model, try(request->>'$.model')) as model_requested,
    coalesce(model, try(request->>'$.model')) as model_logged,
    base_url as region_logged,
    ---------- who asked
    coalesce(safety_identifier, "user") as user_id,
    entries_but(map_concat(entries_map(metadata), entries_map(labels)), own_keys()) as labels,
    ---------- known before the answer
    case when streamed then true end as stream,
    tier_of(service_tier) as service_tier,
    try(reasoning->>'$.effort') as reasoning_effort,
    try(json_array_length(tools)) as n_tools,
    max_output_tokens,
    temperature,
    instructions as system_prompt,
    ---------- tokens
    used[1] as input_tokens,
    used[2] as output_tokens,
    used[3] as total_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    used[4] as cache_read_tokens,
    used[5] as cache_write_unknown_tokens,
    used[6] as reasoning_tokens,
    len(list_filter(kinds, lambda kind: kind = 'web_search_call')) as web_searches,
    ---------- outcome
    case
        when status = 'cancelled' then 'cancelled'
        when error_code = 'rate_limit_exceeded' then 'throttled'
        when status = 'failed' or error_code is not null then 'error'
        -- A line of request and response without an answer is a failed call.
        when coalesce(object, usage) is null then 'error'
        else 'ok'
    end as status,
    error_code as error_type,
    coalesce(known(try(incomplete_details->>'$.reason')), status) as finish_reason,
    len(list_filter(kinds, lambda kind: kind in ('function_call', 'custom_tool_call')))
        as n_tool_calls,
    used[7] as logged_cost_usd,
    case
        when status in ('queued', 'in_progress') and used[1] is null then 'ignored: not finished'
        when object is distinct from 'response' and not streamed and id is not null
            and request is null then 'ignored: no model call'
        when type is not null and type not like 'response.%' then 'ignored: no model call'
        when type not in ('response.completed', 'response.incomplete', 'response.failed')
            then 'ignored: a piece of a stream'
    end as outcome
from opened
