-- LiteLLM proxy, StandardLoggingPayload: one object per attempt, as the S3 callback writes it.
-- writes: litellm_standard.jsonl
-- To ignore: a tool call through the proxy's MCP gateway. To reject: half a record.
-- One line per record.
with called as (
    select
        *,
        kind = 'ignored' as is_tool,
        answered and kind <> 'ignored' as has_usage,
        -- What LiteLLM calls the deployment: its provider and the address.
        (map {
            'gpt-5.5': {'provider': 'azure', 'host': 'acme-{}.openai.azure.com/'},
            'gpt-5.4': {'provider': 'openai', 'host': 'openai.{}.llm.example.com/v1/'},
            'claude-opus-4-7': {'provider': 'anthropic', 'host': 'anthropic.{}.llm.example.com/'},
            'claude-sonnet-4-6': {'provider': 'anthropic', 'host': 'anthropic.{}.llm.example.com/'},
            'gemini-2.5-pro': {'provider': 'gemini', 'host': 'gemini.{}.llm.example.com/v1beta/'},
        })[model] as deployment,
        model || '-' || region as model_id,
    from truth
    where file = 'litellm_standard'
),

addressed as (
    select
        *,
        'https://' || replace(deployment.host, '{}', region) as api_base,
        started_us / 1e6 as started_s,
        ended_us / 1e6 as ended_s,
        -- Without a first token (not streamed, failed) LiteLLM repeats the end.
        coalesce(first_token_us, ended_us) / 1e6 as first_token_s,
        if(has_usage, input_tokens, 0) as prompt_tokens,
        if(has_usage, output_tokens, 0) as completion_tokens,
        if(has_usage, cost_usd, 0.0) as spend,
    from called
),

recorded as (
    select
        kind,
        to_json({
            'id': request_id,
            'trace_id': operation_hex,
            'call_type': if(is_tool, 'call_mcp_tool', 'acompletion'),
            'cache_hit': null,
            'stream': stream,
            'status': if(answered, 'success', 'failure'),
            'custom_llm_provider': if(is_tool, null, deployment.provider),
            'saved_cache_cost': 0.0,
            'startTime': started_s,
            'endTime': ended_s,
            'completionStartTime': first_token_s,
            -- As LiteLLM has it: the time to the first token when streamed, else the whole time.
            'response_time': (coalesce(first_token_us, ended_us) - started_us) / 1e6,
            'model': if(is_tool, 'MCP: search_docs', model),
            'metadata': {
                'user_api_key_hash': md5('key ' || team),
                'user_api_key_alias': team || '-' || environment,
                'user_api_key_team_id': 'team-' || team,
                'user_api_key_org_id': null,
                'user_api_key_user_id': 'default_user_id',
                'user_api_key_team_alias': team,
                'spend_logs_metadata': case when propensity is not null and not is_tool then {
                    'logscope_propensity': propensity,
                    'logscope_config_id': config_id,
                    'logscope_rule_id': route || '-all',
                } end,
                'requester_ip_address': '10.0.0.1',
                'requester_metadata': {
                    'task': task,
                    'feature': feature,
                    'prompt_version': prompt_version,
                    'session_id': session_id,
                },
                'user_api_key_end_user_id': user_id,
                'prompt_management_metadata': null,
            },
            'cache_key': null,
            'response_cost': spend,
            'total_tokens': prompt_tokens + completion_tokens,
            'prompt_tokens': prompt_tokens,
            'completion_tokens': completion_tokens,
            'request_tags': [environment],
            'end_user': user_id,
            'api_base': if(is_tool, '', api_base),
            'model_group': if(is_tool, null, coalesce(route, model)),
            'model_id': if(is_tool, null, model_id),
            'requester_ip_address': '10.0.0.1',
            'messages': messages_of(if(is_tool, 2, n_messages), system_text, user_text),
            'response': case when has_usage then {
                'id': request_id,
                'created': ended_us // 1000000,
                'model': served,
                'object': 'chat.completion',
                'system_fingerprint': null,
                'choices': [{
                    'finish_reason': finish_reason,
                    'index': 0,
                    'message': {
                        'content': 'Lorem ipsum dolor sit amet.',
                        'role': 'assistant',
                        'tool_calls': tool_calls_of(request_no, n_tool_calls),
                        'function_call': null,
                    },
                }],
                'usage': {
                    'completion_tokens': completion_tokens,
                    'prompt_tokens': prompt_tokens,
                    'total_tokens': prompt_tokens + completion_tokens,
                    'completion_tokens_details': case when reasoning_tokens is not null
                        then {'reasoning_tokens': reasoning_tokens} end,
                    'prompt_tokens_details': {
                        'cached_tokens': cache_read_tokens,
                        'cache_creation_tokens': cache_write_5m_tokens + cache_write_1h_tokens,
                        'cache_creation_token_details': case when maker = 'anthropic' then {
                            'ephemeral_5m_input_tokens': cache_write_5m_tokens,
                            'ephemeral_1h_input_tokens': cache_write_1h_tokens,
                        } end,
                    },
                },
                'service_tier': if(maker = 'openai', 'default', null),
            } end,
            'model_parameters': without_nulls({
                'stream': stream,
                'temperature': temperature,
                'max_tokens': max_output_tokens,
                'reasoning_effort': reasoning_effort,
                'tools': tools_of(n_tools),
            })::json,
            'hidden_params': {
                'model_id': if(is_tool, null, model_id),
                'cache_key': null,
                'api_base': if(is_tool, null, api_base),
                'response_cost': spend,
                'additional_headers': '{}'::json,
                'litellm_overhead_time_ms': overhead / 1000.0,
                'litellm_model_name': if(is_tool, null, deployment.provider || '/' || model),
            },
            'model_map_information': {
                'model_map_key': if(is_tool, '', model), 'model_map_value': '{}'::json
            },
            'error_str': if(answered, null, 'litellm.' || error_type || ': lorem ipsum'),
            'error_information': {
                'error_code': if(answered, '', http_status::varchar),
                'error_class': coalesce(error_type, ''),
                'llm_provider': if(answered, '', deployment.provider),
            },
            'response_cost_failure_debug_info': null,
            'guardrail_information': null,
        })::varchar as record,
    from addressed
)

select half_if_rejected(kind, record) as line
from recorded
