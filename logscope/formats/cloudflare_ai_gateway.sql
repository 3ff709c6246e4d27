-- Cloudflare AI Gateway, Logs API: one object per call.
-- source: https://developers.cloudflare.com/api/resources/ai_gateway/subresources/logs/
-- get: curl -H "Authorization: Bearer $TOKEN"
--   "https://api.cloudflare.com/client/v4/accounts/$ACCOUNT/ai-gateway/gateways/$GATEWAY/logs?per_page=50"
--   > logs.json, one file per page.
-- beware: Documentation only: no real record was seen. No first token, no region, no cache or reasoning
--   tokens, and the provider's own counts pass through. `created_at` is taken for the start, which is
--   not documented. Cost is Cloudflare's estimate unless `custom_cost` is set. Logpush bodies are
--   encrypted and cannot be read.
-- reads: json
-- records: result
-- detect: json_exists(first, '$.tokens_in') and json_exists(first, '$.tokens_out') and
--   json_exists(first, '$.cached') and json_exists(first, '$.created_at') and json_exists(first,
--   '$.provider')
-- columns: id VARCHAR, created_at VARCHAR, provider VARCHAR, model VARCHAR, model_type VARCHAR, path
--   VARCHAR, cached VARCHAR, cost VARCHAR, duration VARCHAR, tokens_in VARCHAR, tokens_out VARCHAR,
--   status_code VARCHAR, success VARCHAR, step VARCHAR, request_type VARCHAR, metadata VARCHAR
-- One row per call.
with opened as (
    select
        *,
        -- Metadata is an object, or JSON text.
        entries_map(metadata) as caller,
        http_code(status_code) as code,
    from source
)

select
    record_file,
    record_line,
    id as request_id,
    coalesce(caller['session_id'], caller['conversation_id']) as session_id,
    -- A step above 0 is a fallback.
    try_cast(step as integer) + 1 as attempt,
    time_of(created_at) as started_at,
    duration as duration_ms,
    known(provider) as provider,
    known(model) as model_requested,
    known(model) as model_logged,
    entries_but(
        map_concat({'model_type': known(model_type)}::map(varchar, varchar), caller), own_keys()
    ) as labels,
    tokens_in as input_tokens,
    tokens_out as output_tokens,
    case
        when code >= 400 then throttled_or_error(code)
        when lower(success) in ('false', '0') then 'error'
        when lower(success) in ('true', '1') then 'ok'
    end as status,
    code as http_status,
    case lower(cached) when 'true' then true when '1' then true when 'false' then false
        when '0' then false end as cache_hit,
    cost as logged_cost_usd,
    caller['logscope_propensity'] as propensity,
    caller['logscope_config_id'] as config_id,
    caller['logscope_rule_id'] as rule_id,
    case when regexp_matches(path, '(^|/)(models|files|batches)/?$') then 'ignored: no model call' end
        as outcome
from opened
