-- Portkey gateway logs: the log export's JSONL, one call each.
-- source: https://portkey.ai/docs/product/observability/logs-export
-- get: Logs, Export (or POST /v1/logs/exports) with all fields; download the file when it is done.
-- beware: Costs are in cents. No first token, and no region but the host called. Cache and
--   reasoning are only in the response's own usage: ask for the fields request and response.
--   Answers from Portkey's cache are not marked.
-- reads: json
-- detect: json_exists(first, '$.ai_org') and json_exists(first, '$.ai_model') and (
--   json_exists(first, '$.response_status_code') or json_exists(first, '$.is_success'))
-- columns: id VARCHAR, trace_id VARCHAR, created_at VARCHAR, request VARCHAR, response VARCHAR,
--   is_success VARCHAR, ai_org VARCHAR, ai_model VARCHAR, req_units VARCHAR, res_units VARCHAR,
--   total_units VARCHAR, request_url VARCHAR, cost VARCHAR, cost_currency VARCHAR, response_time
--   VARCHAR, response_status_code VARCHAR, mode VARCHAR, config VARCHAR, prompt_slug VARCHAR,
--   metadata VARCHAR
-- One row per call.
with opened as (
    select
        *,
        entries_map(metadata) as caller,
        http_code(response_status_code) as code,
        try(request->>[
            '$.model', '$.messages', '$.tools', '$.max_completion_tokens', '$.max_tokens',
            '$.temperature', '$.reasoning_effort', '$.stream'
        ]) as asked,
        try(response->>[
            '$.id', '$.model', '$.usage.prompt_tokens_details.cached_tokens',
            '$.usage.cache_read_input_tokens', '$.usage.cache_creation_input_tokens',
            '$.usage.completion_tokens_details.reasoning_tokens', '$.choices[0].finish_reason',
            '$.stop_reason', '$.service_tier', '$.usage.input_tokens', '$.usage.output_tokens',
            '$.error.type', '$.choices[0].message', '$.choices[0].message.tool_calls'
        ]) as answer,
    from source
),

worded as (
    select *, messages_of(asked[2]) as prompt from opened
)

select
    record_file,
    record_line,
    coalesce(answer[1], id) as request_id,
    coalesce(caller['session_id'], caller['conversation_id'], trace_id) as session_id,
    time_of(created_at) as started_at,
    response_time as duration_ms,
    ---------- what answered
    known(ai_org) as provider,
    coalesce(asked[1], ai_model) as model_requested,
    coalesce(answer[2], ai_model) as model_logged,
    endpoint_of(known(request_url)) as region_logged,
    ---------- who asked
    coalesce(caller['environment'], caller['_environment']) as environment,
    caller['_user'] as user_id,
    entries_but(
        map_concat(
            {'prompt': known(prompt_slug), 'config': known(config)}::map(varchar, varchar), caller
        ),
        list_concat(own_keys(), ['_user', 'environment', '_environment'])
    ) as labels,
    ---------- known before the answer
    asked[8] as stream,
    tier_of(answer[9]) as service_tier,
    asked[7] as reasoning_effort,
    len(prompt) as n_messages,
    case when prompt is not null then coalesce(try(json_array_length(asked[3])), 0) end as n_tools,
    coalesce(asked[4], asked[5]) as max_output_tokens,
    asked[6] as temperature,
    prompt_of(prompt) as prompt_text,
    system_of(prompt) as system_prompt,
    case when prompt is not null then has_image(asked[2]) end as has_images,
    ---------- tokens
    -- Anthropic's own body counts without the cache; of Portkey's units only the sum is sure.
    coalesce(answer[10], req_units) as input_tokens,
    coalesce(answer[11], res_units) as output_tokens,
    case when answer[10] is null then total_units end as total_tokens,
    answer[5] is null as input_includes_cache,
    true as output_includes_reasoning,
    coalesce(answer[3], answer[4]) as cache_read_tokens,
    answer[5] as cache_write_unknown_tokens,
    answer[6] as reasoning_tokens,
    ---------- outcome
    case
        when code = 499 then 'cancelled'
        when try_cast(is_success as boolean) or code between 200 and 299 then 'ok'
        when coalesce(is_success, response_status_code) is not null then throttled_or_error(code)
    end as status,
    code as http_status,
    answer[12] as error_type,
    coalesce(answer[7], answer[8]) as finish_reason,
    case when answer[13] is not null then coalesce(try(json_array_length(answer[14])), 0) end
        as n_tool_calls,
    case
        when upper(coalesce(cost_currency, 'USD')) = 'USD' then try_cast(cost as decimal(18, 10)) / 100
    end as logged_cost_usd,
    ---------- the router's choice
    caller['logscope_propensity'] as propensity,
    caller['logscope_config_id'] as config_id,
    caller['logscope_rule_id'] as rule_id,
    case
        when ai_model is null and ai_org is null and id is not null then 'ignored: no model call'
    end as outcome
from worded
