-- Amazon Bedrock, model invocation log: gzipped NDJSON, as the S3 delivery writes it.
-- writes: bedrock_invocation.jsonl.gz
-- To ignore: a guardrail that was asked on its own. To reject: half a record.
-- One line per record.
with called as (
    select
        *,
        answered and kind <> 'ignored' as counted,
        request_no % 5 = 0 as invoked,
        request_no % 11 = 0 as crossed,
        'anthropic.' || model || '-v1:0' as base_model,
        map {'us-east-1': 'us', 'eu-west-1': 'eu', 'ap-south-1': 'apac'}[region] as area,
        input_tokens > 60000 as too_large,
        cache_write_5m_tokens + cache_write_1h_tokens as written,
        map {'stop': 'end_turn', 'length': 'max_tokens', 'tool_calls': 'tool_use'}[finish_reason]
            as stop_reason,
        [{'role': 'user', 'content': [{'text': user_text}]}] as last_message,
    from truth
    where file = 'bedrock_invocation'
),

worded as (
    select
        *,
        case
            when kind = 'ignored' then 'ApplyGuardrail'
            when invoked then if(stream, 'InvokeModelWithResponseStream', 'InvokeModel')
            else if(stream, 'ConverseStream', 'Converse')
        end as operation,
        -- A request served elsewhere names both regions.
        if(
            crossed,
            map {
                'us-east-1': 'us-west-2',
                'eu-west-1': 'eu-central-1',
                'ap-south-1': 'ap-northeast-1',
            }[region],
            region
        ) as called_region,
        {
            'input_tokens': input_uncached_tokens,
            'cache_creation_input_tokens': written,
            'cache_read_input_tokens': cache_read_tokens,
            'cache_creation': {
                'ephemeral_5m_input_tokens': cache_write_5m_tokens,
                'ephemeral_1h_input_tokens': cache_write_1h_tokens,
            },
            'output_tokens': output_tokens,
        } as usage,
        list_transform(
            turns_of(n_messages),
            lambda turn: {'role': turn.role, 'content': [{'text': turn.content}]}
        ) || last_message as messages,
        list_transform(range(n_tools), lambda tool: 'lookup_' || tool) as tools,
    from called
),

spoken as (
    select
        *,
        case
            when operation in ('Converse', 'ConverseStream') then to_json({
                'system': [{'text': system_text}],
                'messages': messages,
                'inferenceConfig': {'temperature': temperature, 'maxTokens': max_output_tokens},
                'toolConfig': case when n_tools > 0 then {'tools': list_transform(
                    tools,
                    lambda tool: {'toolSpec': {'name': tool, 'inputSchema': {'json': '{}'::json}}}
                )} end,
            })
            when operation = 'ApplyGuardrail'
                then to_json({'content': [{'text': {'text': user_text}}]})
            else to_json({
                'anthropic_version': 'bedrock-2023-05-31',
                'system': system_text,
                'messages': list_transform(messages, lambda message: {
                    'role': message.role,
                    'content': [{'type': 'text', 'text': message.content[1].text}],
                }),
                'temperature': temperature,
                'max_tokens': coalesce(max_output_tokens, 4096),
                'tools': if(n_tools > 0, list_transform(
                    tools, lambda tool: {'name': tool, 'input_schema': '{}'::json}
                ), null),
            })
        end as asked,
        case
            when operation in ('Converse', 'ConverseStream') then to_json({
                'output': {'message': {
                    'role': 'assistant',
                    'content': [to_json({'text': 'Lorem ipsum dolor sit amet.'})] || list_transform(
                        range(n_tool_calls),
                        lambda tool: to_json({'toolUse': {
                            'toolUseId': 'use_' || left(hex_of('call ' || tool, request_no), 12),
                            'name': 'lookup_' || tool,
                            'input': '{}'::json,
                        }})
                    ),
                }},
                'stopReason': stop_reason,
                'metrics': {'latencyMs': round(duration_ms)::bigint},
                'usage': {
                    'inputTokens': input_uncached_tokens,
                    'outputTokens': output_tokens,
                    'totalTokens': input_tokens + output_tokens,
                    'cacheReadInputTokens': cache_read_tokens,
                    'cacheWriteInputTokens': written,
                    'cacheDetails': if(written > 0, [{
                        'inputTokens': written, 'ttl': if(cache_write_1h_tokens > 0, '1h', '5m')
                    }], null),
                },
            })
            when operation = 'ApplyGuardrail' then to_json({'action': 'NONE', 'outputs': []})
            when operation = 'InvokeModel' then to_json({
                'id': 'msg_bdrk_' || left(hex_of('request', request_no), 20),
                'type': 'message',
                'role': 'assistant',
                'model': model,
                'content': [{'type': 'text', 'text': 'Lorem ipsum dolor sit amet.'}],
                'stop_reason': stop_reason,
                'usage': usage,
            })
            else to_json([
                to_json({'type': 'message_start', 'message': {
                    'id': 'msg_bdrk_' || left(hex_of('request', request_no), 20),
                    'type': 'message',
                    'role': 'assistant',
                    'model': model,
                    -- The output counted so far; the last event has the truth.
                    'usage': json_merge_patch(to_json(usage), '{"output_tokens": 1}'),
                }}),
                to_json({
                    'type': 'content_block_delta',
                    'index': 0,
                    'delta': {'type': 'text_delta', 'text': 'Lorem ipsum dolor sit amet.'},
                }),
                to_json({
                    'type': 'message_delta',
                    'delta': {'stop_reason': stop_reason},
                    'usage': {'output_tokens': output_tokens},
                }),
                to_json({'type': 'message_stop', 'amazon-bedrock-invocationMetrics': {
                    'inputTokenCount': input_uncached_tokens,
                    'outputTokenCount': output_tokens,
                    'invocationLatency': round(duration_ms)::bigint,
                    'firstByteLatency': round(ttft_ms)::bigint,
                    'cacheReadInputTokenCount': cache_read_tokens,
                    'cacheWriteInputTokenCount': written,
                }}),
            ])
        end as answer,
    from worded
),

recorded as (
    select
        kind,
        without_nulls({
            'schemaType': 'ModelInvocationLog',
            'schemaVersion': '1.0',
            'timestamp': strftime(make_timestamp(started_us), '%Y-%m-%dT%H:%M:%SZ'),
            'accountId': '123456789012',
            'identity': {
                'arn': concat('arn:aws:sts::123456789012:assumed-role/', team, '-app/', user_id)
            },
            'region': called_region,
            'inferenceRegion': if(crossed, region, null),
            'requestId': request_id,
            'operation': operation,
            'modelId': case
                when operation = 'ApplyGuardrail' then 'guardrail/lorem'
                when request_no % 3 = 0 then concat(
                    'arn:aws:bedrock:', called_region, ':123456789012:inference-profile/',
                    area, '.', base_model
                )
                else area || '.' || base_model
            end,
            'input': {
                'inputContentType': 'application/json',
                'inputBodyJson': if(too_large, null, asked),
                'inputBodyS3Path': if(too_large, concat(
                    's3://acme-logs/AWSLogs/123456789012/BedrockModelInvocationLogs/',
                    called_region, '/data/', request_id, '_input.json.gz'
                ), null),
                'inputTokenCount': case when counted then input_uncached_tokens end,
                'cacheReadInputTokenCount': case when counted then nullif(cache_read_tokens, 0) end,
                'cacheWriteInputTokenCount': case when counted then nullif(written, 0) end,
            },
            'output': case when answered then {
                'outputContentType': 'application/json',
                'outputBodyJson': answer,
                'outputTokenCount': case when counted then output_tokens end,
            } end,
            'errorCode': case http_status
                when 429 then 'ThrottlingException'
                when 400 then 'ValidationException'
                when 500 then 'InternalServerException'
                when 503 then 'ServiceUnavailableException'
                when 504 then 'ModelTimeoutException'
            end,
            'requestMetadata': {
                'task': task,
                'team': team,
                'feature': feature,
                'prompt_version': prompt_version,
                'session_id': session_id,
            },
        }) as record,
    from spoken
)

select half_if_rejected(kind, record) as line
from recorded
