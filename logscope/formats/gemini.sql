-- Gemini generateContent bodies, of the Gemini API and Vertex AI: one answer per line.
-- source: https://ai.google.dev/api/generate-content#UsageMetadata
-- get: Append each response body to a file: `file.write(response.model_dump_json(by_alias=True) +
--   "\n")`. What only the caller knows may stand in the same object: `started_at`,
--   `first_token_at`, `ended_at`, `session_id`, `labels`, `base_url`, and the body of the request
--   under `request`.
--   Lines of {"request": ..., "response": the body, ...} are read as well.
-- beware: Older answers have neither `responseId` nor `createTime`: then write `id` and
--   `started_at` beside the body, else they are rejected. `candidatesTokenCount` leaves thinking
--   out and is missing where nothing was written. Every chunk of a stream repeats the usage so far:
--   the largest counts.
-- reads: json
-- inside: response
-- detect: (first->>'$.usageMetadata.totalTokenCount') is not null or
--   (first->>'$.usageMetadata.promptTokenCount') is not null
-- columns: responseId VARCHAR, id VARCHAR, createTime VARCHAR, modelVersion VARCHAR, usageMetadata
--   VARCHAR, candidates VARCHAR, promptFeedback VARCHAR, totalTokens VARCHAR, request VARCHAR,
--   started_at VARCHAR, first_token_at VARCHAR, ended_at VARCHAR, session_id VARCHAR, base_url
--   VARCHAR, labels VARCHAR
-- One row per answer.
with opened as (
    select
        *,
        try(usageMetadata->>[
            '$.promptTokenCount', '$.candidatesTokenCount', '$.thoughtsTokenCount',
            '$.toolUsePromptTokenCount', '$.cachedContentTokenCount', '$.totalTokenCount',
            '$.trafficType', '$.serviceTier'
        ]) as used,
        try(from_json(
            usageMetadata,
            '{"promptTokensDetails": [{"modality": "VARCHAR", "tokenCount": "BIGINT"}],
            "candidatesTokensDetails": [{"modality": "VARCHAR", "tokenCount": "BIGINT"}]}'
        )) as modalities,
        try(request->>[
            '$.model', '$.contents', '$.tools', '$.generationConfig.maxOutputTokens',
            '$.generationConfig.temperature', '$.systemInstruction',
            '$.generationConfig.thinkingConfig.thinkingLevel'
        ]) as asked,
        try(candidates->>'$[0].finishReason') as finish_reason,
        try(candidates->'$[0].content.parts[*].functionCall') as calls,
    from source
),

counted as (
    select
        *,
        count_of(used[1]) as prompt_tokens,
        count_of(used[2]) as candidates_tokens,
        count_of(used[4]) as tool_tokens,
        coalesce(count_of(used[3]), 0) as thoughts_tokens,
        try(asked[2]->>'$[*].parts[*].text') as texts,
    from opened
)

select
    record_file,
    record_line,
    coalesce(responseId, id) as request_id,
    session_id,
    time_of(coalesce(started_at, createTime)) as started_at,
    time_of(first_token_at) as first_token_at,
    time_of(ended_at) as ended_at,
    ---------- what answered
    -- Vertex AI alone says what kind of traffic it was.
    case
        when used[7] is not null or contains(base_url, 'aiplatform') then 'vertex_ai'
        else 'gemini'
    end as provider,
    coalesce(asked[1], modelVersion) as model_requested,
    modelVersion as model_logged,
    endpoint_of(base_url) as region_logged,
    ---------- who asked
    entries_but(entries_map(labels), own_keys()) as labels,
    ---------- known before the answer
    case
        when used[7] like 'PROVISIONED%' then 'priority'
        when used[7] like 'ON_DEMAND%' or used[7] = 'TRAFFIC_TYPE_UNSPECIFIED' then 'standard'
        else tier_of(used[8])
    end as service_tier,
    asked[7] as reasoning_effort,
    try(json_array_length(asked[2])) as n_messages,
    case when asked[2] is not null then coalesce(try(json_array_length(asked[3])), 0) end
        as n_tools,
    asked[4] as max_output_tokens,
    asked[5] as temperature,
    joined_lines(texts) as prompt_text,
    array_to_string(try(asked[6]->>'$.parts[*].text'), chr(10)) as system_prompt,
    has_image(asked[2]) as has_images,
    ---------- tokens
    prompt_tokens + coalesce(tool_tokens, 0) as input_tokens,
    -- Where nothing was written, the count is missing; the total says that it is no gap.
    coalesce(
        candidates_tokens,
        case
            when count_of(used[6])
                = prompt_tokens + coalesce(tool_tokens, 0) + thoughts_tokens then 0
        end
    ) as output_tokens,
    used[6] as total_tokens,
    true as input_includes_cache,
    false as output_includes_reasoning,
    used[5] as cache_read_tokens,
    used[3] as reasoning_tokens,
    list_filter(modalities.promptTokensDetails, lambda part: part.modality = 'AUDIO')[1].tokenCount
        as input_audio_tokens,
    list_filter(modalities.candidatesTokensDetails, lambda part: part.modality = 'AUDIO')[1]
        .tokenCount as output_audio_tokens,
    list_filter(modalities.promptTokensDetails, lambda part: part.modality = 'IMAGE')[1].tokenCount
        as input_image_tokens,
    ---------- outcome
    -- A line of request and response without an answer is a failed call.
    if(coalesce(usageMetadata, candidates, promptFeedback) is null, 'error', 'ok') as status,
    coalesce(finish_reason, try(promptFeedback->>'$.blockReason')) as finish_reason,
    case when candidates is not null then len(calls) end as n_tool_calls,
    case when usageMetadata is null and totalTokens is not null then 'ignored: no model call' end
        as outcome
from counted
