-- Chat Completions bodies, of OpenAI and whoever copies it: one answer per line.
-- source: https://platform.openai.com/docs/api-reference/chat/object
-- get: Append each response body to a file: `file.write(response.model_dump_json() + "\n")`. What
--   only the caller knows may stand in the same object: `started_at`, `first_token_at`, `ended_at`,
--   `session_id`, `labels`, `base_url`, and the body of the request under `request`.
--   Lines of {"request": ..., "response": the body, ...} are read as well.
-- beware: `created` has whole seconds and is no end: without `ended_at` there is no duration. A
--   streamed answer says what it used only in its last chunk, and only with `stream_options:
--   {include_usage: true}`. Error bodies have no id:
--   without one beside them they are rejected. DeepSeek, Groq, Mistral, xAI
--   and OpenRouter write the same shape; xAI leaves reasoning out of completion_tokens. Gemini's
--   own compatible endpoint does not log thinking at all. Mistral's num_cached_tokens is not read:
--   nothing says that it is billed as cached.
-- reads: json
-- inside: response
-- detect: (first->>'object') in ('chat.completion', 'chat.completion.chunk') or (
--   (first->>'$.usage.prompt_tokens') is not null and (first->'choices') is not null and
--   (first->'call_type') is null)
-- columns: id VARCHAR, object VARCHAR, created VARCHAR, model VARCHAR, provider VARCHAR,
--   service_tier VARCHAR, usage VARCHAR, choices VARCHAR, error VARCHAR, prompt_filter_results VARCHAR, x_groq
--   VARCHAR, request VARCHAR, started_at VARCHAR, first_token_at VARCHAR, ended_at VARCHAR,
--   session_id VARCHAR, base_url VARCHAR, labels VARCHAR
-- One row per answer.
with opened as (
    select
        *,
        try(usage->>[
            '$.prompt_tokens', '$.completion_tokens', '$.total_tokens',
            '$.prompt_tokens_details.cached_tokens', '$.prompt_cache_hit_tokens',
            '$.cached_tokens', '$.prompt_tokens_details.cache_write_tokens',
            '$.completion_tokens_details.reasoning_tokens',
            '$.prompt_tokens_details.audio_tokens', '$.completion_tokens_details.audio_tokens',
            '$.prompt_tokens_details.image_tokens', '$.cost', '$.is_byok', '$.queue_time',
            '$.server_tool_use.web_search_requests'
        ]) as used,
        try(request->>[
            '$.model', '$.messages', '$.tools', '$.max_completion_tokens', '$.max_tokens',
            '$.temperature', '$.reasoning_effort', '$.stream', '$.metadata', '$.user'
        ]) as asked,
        try(choices->>[
            '$[0].finish_reason', '$[0].message.tool_calls', '$[0].message'
        ]) as answer,
    from source
),

counted as (
    select
        *,
        messages_of(asked[2]) as prompt,
        known(try(error->>'$.type')) as error_type,
        known(try(error->>'$.code')) as error_code,
        -- xAI: reasoning stands beside completion_tokens.
        coalesce(
            count_of(used[8]) > 0 and count_of(used[3])
                = count_of(used[1]) + count_of(used[2])
                + count_of(used[8]),
            false
        ) as reasoning_beside,
    from opened
)

select
    record_file,
    record_line,
    id as request_id,
    session_id,
    time_of(coalesce(started_at, created)) as started_at,
    time_of(first_token_at) as first_token_at,
    time_of(ended_at) as ended_at,
    ---------- what answered
    case
        when used[13] is not null then 'openrouter'
        when used[5] is not null then 'deepseek'
        when x_groq is not null or used[14] is not null then 'groq'
        when prompt_filter_results is not null then 'azure'
        when provider is not null then provider
        when regexp_matches(model, '^(gpt-[0-9]|o[1-9]|chatgpt|text-embedding)') then 'openai'
    end as provider,
    coalesce(asked[1], model) as model_requested,
    model as model_logged,
    -- OpenRouter names whom it asked.
    case when used[13] is not null then provider end as deployment,
    base_url as region_logged,
    ---------- who asked
    asked[10] as user_id,
    entries_but(map_concat(entries_map(asked[9]), entries_map(labels)), own_keys()) as labels,
    ---------- known before the answer
    coalesce(try_cast(asked[8] as boolean), if(object = 'chat.completion.chunk', true, null))
        as stream,
    tier_of(service_tier) as service_tier,
    asked[7] as reasoning_effort,
    len(prompt) as n_messages,
    case when prompt is not null then coalesce(try(json_array_length(asked[3])), 0) end as n_tools,
    coalesce(asked[4], asked[5]) as max_output_tokens,
    asked[6] as temperature,
    prompt_of(prompt) as prompt_text,
    system_of(prompt) as system_prompt,
    case when prompt is not null then has_image(asked[2]) end as has_images,
    ---------- tokens
    used[1] as input_tokens,
    -- An embedding has no output.
    coalesce(used[2], case when used[3] = used[1] then '0' end) as output_tokens,
    used[3] as total_tokens,
    true as input_includes_cache,
    not reasoning_beside as output_includes_reasoning,
    coalesce(used[4], used[5], used[6]) as cache_read_tokens,
    used[7] as cache_write_unknown_tokens,
    used[8] as reasoning_tokens,
    used[9] as input_audio_tokens,
    used[10] as output_audio_tokens,
    used[11] as input_image_tokens,
    used[15] as web_searches,
    ---------- outcome
    -- A line of request and response without an answer is a failed call.
    case
        when error_type = 'rate_limit_error' or error_code in ('429', 'rate_limit_exceeded')
            then 'throttled'
        when error is not null or coalesce(object, usage, choices) is null then 'error'
        else 'ok'
    end as status,
    http_code(error_code) as http_status,
    coalesce(error_type, error_code) as error_type,
    answer[1] as finish_reason,
    case when answer[3] is not null then coalesce(try(json_array_length(answer[2])), 0) end
        as n_tool_calls,
    used[12] as logged_cost_usd,
    case
        when object not in ('chat.completion', 'chat.completion.chunk')
            then 'ignored: no model call'
    end as outcome
from counted
