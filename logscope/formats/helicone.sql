-- Helicone requests: the export tool's JSON, JSONL or CSV, one call each.
-- source: https://docs.helicone.ai/tools/data-export
-- get: npx @helicone/export --start-date 2026-11-01 --format jsonl --output helicone.jsonl
-- beware: No region: `country_code` is the caller's. No reasoning tokens. The columns latency and
--   cost in the CSV's header stay empty. Statuses below 0 are Helicone's own: -2 pending, -3
--   cancelled, else no answer. For Anthropic and Bedrock, prompt_tokens leave the cache out.
-- reads: json, csv
-- detect: json_exists(first, '$.request_id') and json_exists(first, '$.request_created_at') and
--   json_exists(first, '$.response_status')
-- columns: request_id VARCHAR, response_id VARCHAR, request_created_at VARCHAR, response_created_at
--   VARCHAR, response_status VARCHAR, provider VARCHAR, model VARCHAR, request_model VARCHAR,
--   response_model VARCHAR, model_override VARCHAR, delay_ms VARCHAR, time_to_first_token VARCHAR,
--   prompt_tokens VARCHAR, completion_tokens VARCHAR, total_tokens VARCHAR,
--   prompt_cache_read_tokens VARCHAR, prompt_cache_write_tokens VARCHAR, prompt_audio_tokens
--   VARCHAR, completion_audio_tokens VARCHAR, costUSD VARCHAR, request_user_id VARCHAR,
--   request_properties VARCHAR, properties VARCHAR, cache_reference_id VARCHAR, target_url VARCHAR,
--   request_body VARCHAR
-- One row per call.
with opened as (
    select
        *,
        entries_map(coalesce(known(request_properties), properties)) as caller,
        try_cast(response_status as integer) as code,
        messages_of(try(request_body->>'$.messages')) as prompt,
        regexp_matches(lower(provider), 'anthropic|bedrock|aws') as counts_apart,
    from source
)

select
    record_file,
    record_line,
    request_id,
    caller['Helicone-Session-Id'] as session_id,
    time_of(request_created_at) as started_at,
    time_of(response_created_at) as ended_at,
    known(delay_ms) as duration_ms,
    nullif(try_cast(time_to_first_token as double), 0) as ttft_ms,
    ---------- what answered
    lower(known(provider)) as provider,
    coalesce(known(model_override), known(request_model), known(model)) as model_requested,
    coalesce(known(response_model), known(model)) as model_logged,
    endpoint_of(known(target_url)) as region_logged,
    ---------- who asked
    known(request_user_id) as user_id,
    entries_but(caller, list_concat(own_keys(), ['Helicone-Session-Id'])) as labels,
    ---------- known before the answer
    case when try_cast(time_to_first_token as double) > 0 then true end as stream,
    len(prompt) as n_messages,
    prompt_of(prompt) as prompt_text,
    system_of(prompt) as system_prompt,
    ---------- tokens
    known(prompt_tokens) as input_tokens,
    known(completion_tokens) as output_tokens,
    known(total_tokens) as total_tokens,
    not counts_apart as input_includes_cache,
    true as output_includes_reasoning,
    known(prompt_cache_read_tokens) as cache_read_tokens,
    known(prompt_cache_write_tokens) as cache_write_unknown_tokens,
    known(prompt_audio_tokens) as input_audio_tokens,
    known(completion_audio_tokens) as output_audio_tokens,
    ---------- outcome
    case
        when code = -3 or code = 499 then 'cancelled'
        when code between 200 and 299 then 'ok'
        when code is not null then throttled_or_error(code)
    end as status,
    http_code(response_status) as http_status,
    known(cache_reference_id) is not null
        and cache_reference_id <> '00000000-0000-0000-0000-000000000000' as cache_hit,
    known(costUSD) as logged_cost_usd,
    ---------- the router's choice
    caller['logscope_propensity'] as propensity,
    caller['logscope_config_id'] as config_id,
    caller['logscope_rule_id'] as rule_id,
    case when code = -2 then 'ignored: not finished' end as outcome
from opened
