-- Amazon Bedrock Converse bodies as boto3 returns them: one answer per line.
-- source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
-- get: Append each answer with the model's id to a file: `file.write(json.dumps({"modelId": model,
--   **client.converse(modelId=model, ...)}) + "\n")`. `started_at`, `ended_at`, `session_id`,
--   `labels`, `region` and the parameters of the call under `request` are read as well. The
--   invocation log of the account (bedrock_invocation) knows more.
--   Lines of {"request": ..., "response": the body, ...} are read as well.
-- beware: An answer does not name its model. The time is the one of the HTTP header, in whole
--   seconds, when the answer began. Input tokens leave the cache out. There is no first token.
-- reads: json
-- inside: response
-- detect: (first->>'$.usage.inputTokens') is not null and (first->>'$.usage.outputTokens') is not
--   null and (first->'schemaType') is null
-- columns: ResponseMetadata VARCHAR, output VARCHAR, stopReason VARCHAR, usage VARCHAR, metrics
--   VARCHAR, serviceTier VARCHAR, trace VARCHAR, modelId VARCHAR, model VARCHAR, id VARCHAR, region
--   VARCHAR, request VARCHAR, started_at VARCHAR, first_token_at VARCHAR, ended_at VARCHAR,
--   session_id VARCHAR, labels VARCHAR
-- One row per answer.
with opened as (
    select
        *,
        try(usage->>[
            '$.inputTokens', '$.outputTokens', '$.totalTokens',
            '$.cacheReadInputTokens', '$.cacheReadInputTokenCount',
            '$.cacheWriteInputTokens', '$.cacheWriteInputTokenCount'
        ]) as used,
        try(from_json(usage, '{"cacheDetails": [{"ttl": "VARCHAR", "inputTokens": "BIGINT"}]}'))
            as details,
        try(ResponseMetadata->>[
            '$.RequestId', '$.HTTPHeaders.date', '$.HTTPStatusCode', '$.RetryAttempts'
        ]) as meta,
        try(request->>[
            '$.modelId', '$.messages', '$.toolConfig.tools', '$.inferenceConfig.maxTokens',
            '$.inferenceConfig.temperature', '$.system'
        ]) as asked,
        try(output->'$.message.content[*].toolUse') as calls,
    from source
),

named as (
    select
        *,
        coalesce(modelId, model, asked[1]) as model_id,
        messages_of(asked[2]) as prompt,
        list_filter(details.cacheDetails, lambda part: part.ttl = '5m')[1].inputTokens
            as written_5m,
        list_filter(details.cacheDetails, lambda part: part.ttl = '1h')[1].inputTokens
            as written_1h,
        -- RFC 9110: Tue, 10 Nov 2026 12:00:05 GMT.
        try(strptime(meta[2], '%a, %d %b %Y %H:%M:%S GMT'))::varchar as header_date,
    from opened
)

select
    record_file,
    record_line,
    coalesce(id, meta[1]) as request_id,
    session_id,
    time_of(coalesce(started_at, header_date)) as started_at,
    time_of(first_token_at) as first_token_at,
    time_of(ended_at) as ended_at,
    -- The service's own time; the header's is too coarse for an end.
    try(metrics->>'$.latencyMs') as duration_ms,
    ---------- what answered
    'bedrock' as provider,
    model_id as model_requested,
    case when not is_opaque(model_id) then model_id end as model_logged,
    case when is_opaque(model_id) then model_id end as deployment,
    coalesce(region, arn_region(model_id)) as region_logged,
    ---------- who asked
    entries_but(entries_map(labels), own_keys()) as labels,
    ---------- known before the answer
    tier_of(try(serviceTier->>'$.type')) as service_tier,
    len(prompt) as n_messages,
    case when prompt is not null then coalesce(try(json_array_length(asked[3])), 0) end as n_tools,
    asked[4] as max_output_tokens,
    asked[5] as temperature,
    case when prompt is not null then joined_lines([words_of(asked[6]), prompt_of(prompt)]) end
        as prompt_text,
    words_of(asked[6]) as system_prompt,
    case when prompt is not null then has_image(asked[2]) end as has_images,
    ---------- tokens
    used[1] as input_tokens,
    used[2] as output_tokens,
    used[3] as total_tokens,
    false as input_includes_cache,
    true as output_includes_reasoning,
    coalesce(used[4], used[5]) as cache_read_tokens,
    written_5m as cache_write_5m_tokens,
    written_1h as cache_write_1h_tokens,
    count_of(coalesce(used[6], used[7])) - coalesce(written_5m, 0)
        - coalesce(written_1h, 0) as cache_write_unknown_tokens,
    ---------- outcome
    case
        when http_code(meta[3]) >= 400 then throttled_or_error(http_code(meta[3]))
        -- A line of request and response without an answer is a failed call.
        when coalesce(usage, output) is null then 'error'
        else 'ok'
    end as status,
    http_code(meta[3]) as http_status,
    stopReason as finish_reason,
    case when output is not null then len(calls) end as n_tool_calls,
    case when usage is not null and used[1] is null then 'ignored: no model call' end as outcome
from named
