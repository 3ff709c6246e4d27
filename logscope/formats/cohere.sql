-- Cohere Chat and Embed bodies, of versions 1 and 2: one answer per line.
-- source: https://docs.cohere.com/reference/chat
-- get: Append each response body with its time to a file: `file.write(json.dumps({"started_at":
--   began.isoformat(), "model": model, **response.model_dump()}) + "\n")`; of a stream, what stands
--   in its last event. `first_token_at`, `ended_at`, `session_id`, `labels`, `base_url` and the body
--   of the request under `request` are read as well.
--   Lines of {"request": ..., "response": the body, ...} are read as well.
-- beware: A body has neither a time nor a model: without `started_at` it is rejected, without
--   `model` (or `request`) it has no price. Tokens are the billed ones; `tokens` counts more (the
--   template around the prompt, thinking). `cached_tokens` is not read: it is a part of those, and
--   nothing says how it is billed. Rerank is billed by search, not by token, and is ignored.
-- reads: json
-- inside: response
-- detect: (first->'$.usage.billed_units') is not null or (first->'$.meta.billed_units') is not null
-- columns: id VARCHAR, response_id VARCHAR, generation_id VARCHAR, model VARCHAR, usage VARCHAR,
--   meta VARCHAR, finish_reason VARCHAR, message VARCHAR, text VARCHAR, embeddings VARCHAR,
--   tool_calls VARCHAR, request VARCHAR, started_at VARCHAR, first_token_at VARCHAR, ended_at
--   VARCHAR, session_id VARCHAR, base_url VARCHAR, labels VARCHAR
-- One row per answer.
with opened as (
    select
        *,
        try(coalesce(usage, meta)->>[
            '$.billed_units.input_tokens', '$.billed_units.output_tokens',
            '$.tokens.input_tokens', '$.tokens.output_tokens', '$.billed_units.image_tokens',
            '$.billed_units.search_units'
        ]) as used,
        try(request->>[
            '$.model', '$.messages', '$.tools', '$.max_tokens', '$.temperature', '$.stream',
            '$.message', '$.preamble'
        ]) as asked,
        try(json_array_length(coalesce(message->'$.tool_calls', tool_calls))) as called,
    from source
),

counted as (
    select *, messages_of(asked[2]) as prompt from opened
)

select
    record_file,
    record_line,
    coalesce(id, generation_id, response_id) as request_id,
    session_id,
    time_of(started_at) as started_at,
    time_of(first_token_at) as first_token_at,
    time_of(ended_at) as ended_at,
    ---------- what answered
    'cohere' as provider,
    coalesce(asked[1], model) as model_requested,
    coalesce(model, asked[1]) as model_logged,
    base_url as region_logged,
    ---------- who asked
    entries_but(entries_map(labels), own_keys()) as labels,
    ---------- known before the answer
    asked[6] as stream,
    coalesce(len(prompt), case when asked[7] is not null then 1 end) as n_messages,
    case when request is not null then coalesce(try(json_array_length(asked[3])), 0) end as n_tools,
    asked[4] as max_output_tokens,
    asked[5] as temperature,
    coalesce(prompt_of(prompt), joined_lines([asked[8], asked[7]])) as prompt_text,
    coalesce(system_of(prompt), asked[8]) as system_prompt,
    case when prompt is not null then has_image(asked[2]) end as has_images,
    ---------- tokens
    coalesce(used[1], used[3]) as input_tokens,
    -- An embedding has no output.
    coalesce(used[2], used[4], case when embeddings is not null then '0' end) as output_tokens,
    used[5] as input_image_tokens,
    ---------- outcome
    case
        when finish_reason in ('ERROR', 'ERROR_TOXIC') then 'error'
        when finish_reason = 'USER_CANCEL' then 'cancelled'
        -- A line of request and response without an answer is a failed call.
        when coalesce(usage, meta) is null then 'error'
        else 'ok'
    end as status,
    finish_reason,
    case when coalesce(message, text) is not null then coalesce(called, 0) end as n_tool_calls,
    case
        when used[6] is not null and used[1] is null then 'ignored: no model call'
    end as outcome
from counted
