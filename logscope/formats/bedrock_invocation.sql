-- Amazon Bedrock model invocation log: one object per call.
-- source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
-- get: Switch on model invocation logging to S3, then aws s3 sync
--   s3://BUCKET/PREFIX/AWSLogs/ACCOUNT/BedrockModelInvocationLogs/ logs/ (leave the data/ folders
--   out, they hold long bodies). From CloudWatch: aws logs filter-log-events --log-group-name GROUP
--   > bedrock.json
-- beware: Times have whole seconds, so requests in flight cannot be counted below a second. There
--   is no first token and no duration but for Converse (`latencyMs`) and what a stream's last event
--   may say. Bodies over 100 kB lie in other files: then prompt and finish reason are unknown. An
--   application inference profile does not say which model it calls. Input tokens leave the cache
--   out.
-- reads: json
-- records: events
-- detect: (first->>'schemaType') = 'ModelInvocationLog' or coalesce(first->>'$.events[0].message',
--   first->>'message') like '%"ModelInvocationLog"%'
-- columns: schemaType VARCHAR, timestamp VARCHAR, accountId VARCHAR, region VARCHAR,
--   inferenceRegion VARCHAR, requestId VARCHAR, operation VARCHAR, modelId VARCHAR, errorCode
--   VARCHAR, identity VARCHAR, requestMetadata VARCHAR, input VARCHAR, output VARCHAR, message
--   VARCHAR
-- One row per call.
with plain as (
    -- CloudWatch wraps the record into a message; its own timestamp is the time of writing.
    select
        record_file,
        record_line,
        coalesce(schemaType, try(message->>'$.schemaType')) as schema_type,
        case when schemaType is null and message is not null then try(message->>'$.timestamp')
            else timestamp end as started_at,
        coalesce(accountId, try(message->>'$.accountId')) as account,
        coalesce(
            inferenceRegion, try(message->>'$.inferenceRegion'), region, try(message->>'$.region')
        ) as region,
        coalesce(requestId, try(message->>'$.requestId')) as request_id,
        coalesce(operation, try(message->>'$.operation')) as operation,
        coalesce(modelId, try(message->>'$.modelId')) as model_id,
        coalesce(errorCode, try(message->>'$.errorCode')) as error_code,
        coalesce(identity, try(message->>'$.identity')) as identity,
        entries_map(coalesce(requestMetadata, try(message->>'$.requestMetadata'))) as caller,
        coalesce(input, try(message->>'$.input')) as input,
        coalesce(output, try(message->>'$.output')) as output,
    from source
),

opened as (
    select
        *,
        try(input->>[
            '$.inputTokenCount', '$.cacheReadInputTokenCount', '$.cacheWriteInputTokenCount',
            '$.inputBodyJson.messages', '$.inputBodyJson.prompt', '$.inputBodyJson.inputText',
            '$.inputBodyJson.system', '$.inputBodyJson.toolConfig.tools', '$.inputBodyJson.tools',
            '$.inputBodyJson.inferenceConfig.maxTokens', '$.inputBodyJson.max_tokens',
            '$.inputBodyJson.inferenceConfig.temperature', '$.inputBodyJson.temperature',
            '$.inputBodyJson.output_config.effort',
            '$.inputBodyJson.additionalModelRequestFields.output_config.effort',
            '$.inputBodyJson.reasoning_effort'
        ]) as asked,
        try(output->>['$.outputTokenCount', '$.outputBodyJson']) as answered,
    from plain
),

read_body as (
    select
        *,
        -- The body is one object (Converse, InvokeModel) or a list of the stream's events, with the
        -- text "[DONE]" among them: read as a list in both cases.
        try(from_json(
            case left(answered[2], 1)
                when '{' then '[' || answered[2] || ']'
                when '[' then answered[2]
            end,
            '[{
                "model": "VARCHAR", "stopReason": "VARCHAR", "stop_reason": "VARCHAR",
                "delta": {"stop_reason": "VARCHAR"}, "messageStop": {"stopReason": "VARCHAR"},
                "choices": [{"finish_reason": "VARCHAR"}],
                "results": [{"completionReason": "VARCHAR"}],
                "message": {"model": "VARCHAR", "usage": {"cache_creation": {
                    "ephemeral_5m_input_tokens": "VARCHAR",
                    "ephemeral_1h_input_tokens": "VARCHAR"}}},
                "usage": {"inputTokens": "VARCHAR", "outputTokens": "VARCHAR",
                    "cacheReadInputTokens": "VARCHAR", "cacheWriteInputTokens": "VARCHAR",
                    "cacheDetails": [{"ttl": "VARCHAR", "inputTokens": "BIGINT"}],
                    "cache_creation": {
                        "ephemeral_5m_input_tokens": "VARCHAR",
                        "ephemeral_1h_input_tokens": "VARCHAR"},
                    "output_tokens_details": {"thinking_tokens": "VARCHAR"}},
                "metadata": {"usage": {"outputTokens": "VARCHAR"},
                    "metrics": {"latencyMs": "VARCHAR"}},
                "metrics": {"latencyMs": "VARCHAR"}, "serviceTier": {"type": "VARCHAR"},
                "content": [{"type": "VARCHAR"}], "content_block": {"type": "VARCHAR"},
                "output": {"message": {"content": [{"toolUse": {"name": "VARCHAR"}}]}},
                "contentBlockStart": {"start": {"toolUse": {"name": "VARCHAR"}}},
                "amazon-bedrock-invocationMetrics": {"invocationLatency": "VARCHAR",
                    "firstByteLatency": "VARCHAR", "outputTokenCount": "VARCHAR"}
            }]'
        )) as events,
    from opened
),

counted as (
    select
        *,
        messages_of(asked[4]) as prompt,
        last_of(list_transform(events, lambda event: coalesce(
            event.usage.cache_creation, event.message.usage.cache_creation
        ))) as written,
        last_of(list_transform(events, lambda event: event.usage.cacheDetails)) as cache_details,
        coalesce(asked[3], last_of(list_transform(
            events, lambda event: event.usage.cacheWriteInputTokens
        ))) as cache_write_tokens,
    from read_body
),

timed as (
    select
        *,
        coalesce(written.ephemeral_5m_input_tokens, list_filter(
            cache_details, lambda detail: detail.ttl = '5m'
        )[1].inputTokens::varchar) as cache_write_5m_tokens,
        coalesce(written.ephemeral_1h_input_tokens, list_filter(
            cache_details, lambda detail: detail.ttl = '1h'
        )[1].inputTokens::varchar) as cache_write_1h_tokens,
    from counted
)

select
    record_file,
    record_line,
    request_id,
    coalesce(caller['session_id'], caller['conversation_id']) as session_id,
    time_of(started_at) as started_at,
    last_of(list_transform(
        events, lambda event: event."amazon-bedrock-invocationMetrics".firstByteLatency
    )) as ttft_ms,
    last_of(list_transform(events, lambda event: coalesce(
        event.metrics.latencyMs, event.metadata.metrics.latencyMs,
        event."amazon-bedrock-invocationMetrics".invocationLatency
    ))) as duration_ms,
    ---------- what answered
    'bedrock' as provider,
    model_id as model_requested,
    -- The answer of an Anthropic model names it where the id does not.
    case
        when is_opaque(model_id) then last_of(list_transform(
            events, lambda event: coalesce(event.model, event.message.model)
        ))
        else model_id
    end as model_logged,
    case when is_opaque(model_id) then model_id end as deployment,
    region as region_logged,
    ---------- who asked
    -- The role or the user, never the session name: that may be a person.
    nullif(regexp_extract(identity, ':(?:assumed-role|role|user)/([^/"]+)', 1), '') as key_alias,
    entries_but(
        map_concat({'account': known(account)}::map(varchar, varchar), caller), own_keys()
    ) as labels,
    ---------- known before the answer
    operation in ('ConverseStream', 'InvokeModelWithResponseStream') as stream,
    tier_of(last_of(list_transform(events, lambda event: event.serviceTier.type))) as service_tier,
    coalesce(asked[14], asked[15], asked[16]) as reasoning_effort,
    len(prompt) as n_messages,
    case
        when prompt is not null
            then coalesce(try(json_array_length(coalesce(asked[8], asked[9]))), 0)
    end as n_tools,
    coalesce(asked[10], asked[11]) as max_output_tokens,
    coalesce(asked[12], asked[13]) as temperature,
    case
        when prompt is not null
            then joined_lines([words_of(asked[7]), prompt_of(prompt)])
        else coalesce(asked[5], asked[6])
    end as prompt_text,
    coalesce(words_of(asked[7]), system_of(prompt)) as system_prompt,
    case when prompt is not null then has_image(asked[4]) end as has_images,
    ---------- tokens
    coalesce(asked[1], last_of(list_transform(events, lambda event: event.usage.inputTokens)))
        as input_tokens,
    coalesce(answered[1], last_of(list_transform(events, lambda event: coalesce(
        event.usage.outputTokens, event.metadata.usage.outputTokens,
        event."amazon-bedrock-invocationMetrics".outputTokenCount
    )))) as output_tokens,
    false as input_includes_cache,
    true as output_includes_reasoning,
    coalesce(asked[2], last_of(list_transform(
        events, lambda event: event.usage.cacheReadInputTokens
    ))) as cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    count_of(cache_write_tokens) - coalesce(count_of(cache_write_5m_tokens), 0)
        - coalesce(count_of(cache_write_1h_tokens), 0) as cache_write_unknown_tokens,
    last_of(list_transform(events, lambda event: event.usage.output_tokens_details.thinking_tokens))
        as reasoning_tokens,
    ---------- outcome
    case
        when regexp_matches(error_code, '(?i)throttl|TooManyRequests|QuotaExceeded')
            then 'throttled'
        when error_code is not null then 'error'
        when schema_type is not null then 'ok'
    end as status,
    error_code as error_type,
    last_of(list_transform(events, lambda event: coalesce(
        event.stopReason, event.stop_reason, event.delta.stop_reason, event.messageStop.stopReason,
        event.choices[1].finish_reason, event.results[1].completionReason
    ))) as finish_reason,
    case
        when len(events) > 0 then list_sum(list_transform(events, lambda event:
            coalesce(len(list_filter(
                event.output.message.content, lambda part: part.toolUse.name is not null
            )), 0)
            + coalesce(len(list_filter(event.content, lambda part: part.type = 'tool_use')), 0)
            + if(coalesce(event.content_block.type = 'tool_use', false), 1, 0)
            + if(event.contentBlockStart.start.toolUse.name is not null, 1, 0)
        ))
    end as n_tool_calls,
    ---------- the router's choice
    caller['logscope_propensity'] as propensity,
    caller['logscope_config_id'] as config_id,
    caller['logscope_rule_id'] as rule_id,
    case
        when schema_type <> 'ModelInvocationLog'
            or not regexp_matches(operation, '^(InvokeModel|Converse)')
            then 'ignored: no model call'
    end as outcome
from timed
