-- LLM (the command line tool of Simon Willison): its SQLite log of prompts and responses.
-- source: https://llm.datasette.io/en/stable/logging.html
-- get: Name the file that `llm logs path` prints.
-- beware: No cost, no status (failed calls are not logged) and no first token. What the log has not
--   yet brought from its write-ahead file into the database is read next time. Input tokens are the
--   plugin's: for Claude models they leave the cache out.
-- reads: sqlite
-- table: responses
-- detect: json_exists(first, '$.responses.datetime_utc') and json_exists(first,
--   '$.responses.duration_ms') and json_exists(first, '$.responses.conversation_id')
-- columns: id VARCHAR, model VARCHAR, resolved_model VARCHAR, prompt VARCHAR, system VARCHAR,
--   prompt_json VARCHAR, options_json VARCHAR, response_json VARCHAR, conversation_id VARCHAR,
--   duration_ms VARCHAR, datetime_utc VARCHAR, input_tokens VARCHAR, output_tokens VARCHAR,
--   token_details VARCHAR
-- One row per response.
with opened as (
    select
        *,
        messages_of(try(prompt_json->>'$.messages')) as messages,
        try(options_json->>['$.temperature', '$.max_tokens', '$.reasoning_effort']) as options,
        -- As the provider wrote them, zeros left out.
        try(token_details->>[
            '$.prompt_tokens_details.cached_tokens', '$.input_tokens_details.cached_tokens',
            '$.cache_read_input_tokens', '$.cachedContentTokenCount',
            '$.cache_creation_input_tokens', '$.completion_tokens_details.reasoning_tokens',
            '$.output_tokens_details.reasoning_tokens', '$.thoughtsTokenCount'
        ]) as details,
        contains(lower(model), 'claude') as is_claude,
        contains(lower(model), 'gemini') as is_gemini,
    from source
)

select
    record_file,
    record_line,
    -- The provider's id, where the plugin keeps the body: the same call in other logs has it too.
    coalesce(try(response_json->>'$.id'), id) as request_id,
    conversation_id as session_id,
    time_of(datetime_utc) as started_at,
    duration_ms,
    nullif(regexp_extract(model, '^([a-z0-9_-]+)/', 1), '') as provider,
    model as model_requested,
    coalesce(resolved_model, try(response_json->>'$.model'), model) as model_logged,
    len(messages) as n_messages,
    options[2] as max_output_tokens,
    options[1] as temperature,
    options[3] as reasoning_effort,
    joined_lines([system, prompt]) as prompt_text,
    system as system_prompt,
    input_tokens,
    output_tokens,
    not is_claude as input_includes_cache,
    not is_gemini as output_includes_reasoning,
    coalesce(details[1], details[2], details[3], details[4]) as cache_read_tokens,
    details[5] as cache_write_unknown_tokens,
    coalesce(details[6], details[7], details[8]) as reasoning_tokens,
    'ok' as status,
    try(response_json->>'$.finish_reason') as finish_reason,
    case when model is null and id is not null then 'ignored: no model call' end as outcome
from opened
