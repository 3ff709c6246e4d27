-- LiteLLM proxy, table LiteLLM_SpendLogs, as `\copy ... to ... csv header` writes it.
-- writes: litellm_spendlogs.csv
-- To ignore: a tool call through the proxy's MCP gateway. To reject: a row with an impossible time.
-- One row per record.
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
        coalesce(route, model) as model_group,
    from truth
    where file = 'litellm_spendlogs'
),

-- A failed call has one time three times, no address and the group for a model.
timed as (
    select
        *,
        make_timestamp(started_us) as start_time,
        make_timestamp(if(has_usage, ended_us, started_us)) as end_time,
        make_timestamp(if(has_usage, coalesce(first_token_us, ended_us), started_us)) as first_time,
        if(has_usage, input_tokens, 0) as prompts,
        if(has_usage, output_tokens, 0) as completions,
        case when has_usage then {
            'cached_tokens': cache_read_tokens,
            'cache_creation_tokens': cache_write_5m_tokens + cache_write_1h_tokens,
        } end as prompt_details,
        case when has_usage and reasoning_tokens is not null
            then {'reasoning_tokens': reasoning_tokens} end as completion_details,
    from called
)

select
    request_id,
    if(is_tool, 'call_mcp_tool', 'acompletion') as call_type,
    md5('key ' || team) as api_key,
    if(has_usage, cost_usd, 0.0) as spend,
    prompts + completions as total_tokens,
    prompts as prompt_tokens,
    completions as completion_tokens,
    if(
        kind = 'rejected', '2026-13-45 25:61:00', strftime(start_time, '%Y-%m-%d %H:%M:%S.%g')
    ) as "startTime",
    strftime(end_time, '%Y-%m-%d %H:%M:%S.%g') as "endTime",
    if(has_usage, round(duration_ms), 0)::bigint as request_duration_ms,
    strftime(first_time, '%Y-%m-%d %H:%M:%S.%g') as "completionStartTime",
    case
        when is_tool then 'MCP: search_docs'
        when answered then deployment.provider || '/' || model
        else model_group
    end as model,
    if(has_usage, model || '-' || region, '') as model_id,
    if(is_tool, '', model_group) as model_group,
    if(has_usage, deployment.provider, '') as custom_llm_provider,
    if(has_usage, 'https://' || replace(deployment.host, '{}', region), '') as api_base,
    'default_user_id' as user,
    to_json({
        'applied_guardrails': [],
        'attempted_fallbacks': if(attempt = 3, 1, 0),
        'original_model_group': if(attempt = 3, coalesce(first_route, model), null),
        'usage_object': case when has_usage then {
            'completion_tokens': completions,
            'prompt_tokens': prompts,
            'total_tokens': prompts + completions,
            'completion_tokens_details': completion_details,
            'prompt_tokens_details': prompt_details,
        } end,
        'additional_usage_values': case when has_usage then {
            'completion_tokens_details': completion_details,
            'prompt_tokens_details': prompt_details,
            'cache_creation_input_tokens': cache_write_5m_tokens + cache_write_1h_tokens,
            'cache_read_input_tokens': cache_read_tokens,
        } end,
        'user_api_key': md5('key ' || team),
        'user_api_key_alias': team || '-' || environment,
        'user_api_key_team_id': 'team-' || team,
        'user_api_key_team_alias': team,
        'user_api_key_org_id': null,
        'user_api_key_user_id': 'default_user_id',
        'spend_logs_metadata': {
            'feature': feature, 'prompt_version': prompt_version, 'session_id': session_id
        },
        'requester_ip_address': '10.0.0.1',
        'user_agent': null,
        'status': if(answered, 'success', 'failure'),
        'proxy_server_request': null,
        'error_information': case when not answered then {
            'error_code': http_status::varchar,
            'error_class': error_type,
            'error_message': 'litellm.' || error_type || ': lorem ipsum',
            'llm_provider': deployment.provider,
            'traceback': '',
        } end,
        'litellm_overhead_time_ms': if(has_usage, overhead / 1000.0, null),
        'attempted_retries': if(attempt = 2, 1, 0),
        'max_retries': 2,
    })::varchar as metadata,
    'None' as cache_hit,
    'Cache OFF' as cache_key,
    to_json(['task:' || task])::varchar as request_tags,
    'team-' || team as team_id,
    null as organization_id,
    user_id as end_user,
    '10.0.0.1' as requester_ip_address,
    '{}' as messages,
    '{}' as response,
    operation_hex as session_id,
    if(answered, 'success', 'failure') as status,
    if(is_tool, 'docs/search_docs', null) as mcp_namespaced_tool_name,
    null as agent_id,
    '{}' as proxy_server_request,
from timed
