-- Envoy AI Gateway, JSON access log with the documented keys: one object per request.
-- source: https://aigateway.envoyproxy.io/docs/capabilities/observability/accesslogs
-- get: EnvoyProxy resource, telemetry.accessLog with format JSON and the keys of the example
--   (gen_ai.request.model, gen_ai.usage.input_tokens, ...; add "x-request-id"), and llmRequestCosts in
--   AIGatewayRoute, without which there are no tokens; then kubectl logs of the proxy.
-- beware: Source only: no real record was seen. The keys are the user's: other keys need a SQL file of
--   your own (--adapter). `gen_ai.provider.name` is the name of the backend, from which the provider is
--   guessed. No first token: `x-envoy-upstream-service-time` ends with the headers and is not read.
--   Whether input has the cache inside is the provider's count. Without "x-request-id" or "request_id"
--   a record has no identity and is rejected.
-- reads: json
-- detect: json_exists(first, '$."gen_ai.request.model"') and json_exists(first, '$.response_code')
-- columns: start_time VARCHAR, duration VARCHAR, method VARCHAR, "x-envoy-origin-path" VARCHAR, path
--   VARCHAR, response_code VARCHAR, response_flags VARCHAR, response_code_details VARCHAR,
--   "x-request-id" VARCHAR, request_id VARCHAR, "gen_ai.response.id" VARCHAR, "session.id" VARCHAR,
--   "gen_ai.conversation.id" VARCHAR, "gen_ai.request.model" VARCHAR, "gen_ai.response.model" VARCHAR,
--   "gen_ai.provider.name" VARCHAR, "gen_ai.usage.input_tokens" VARCHAR,
--   "gen_ai.usage.output_tokens" VARCHAR, "gen_ai.usage.total_tokens" VARCHAR,
--   "gen_ai.usage.cached_input_tokens" VARCHAR, "gen_ai.usage.cache_read.input_tokens" VARCHAR,
--   "gen_ai.usage.cache_creation.input_tokens" VARCHAR, "gen_ai.usage.reasoning_tokens" VARCHAR
-- One row per request.
with named as (
    -- Envoy writes "-" or null for what it does not know.
    select
        *,
        nullif(known("gen_ai.request.model"), '-') as asked,
        nullif(known("gen_ai.provider.name"), '-') as backend,
        nullif(known(response_flags), '-') as flags,
        http_code(response_code) as code,
    from source
)

select
    record_file,
    record_line,
    coalesce(
        nullif(known("gen_ai.response.id"), '-'), nullif(known("x-request-id"), '-'),
        nullif(known(request_id), '-')
    ) as request_id,
    coalesce(nullif(known("session.id"), '-'), nullif(known("gen_ai.conversation.id"), '-'))
        as session_id,
    time_of(start_time) as started_at,
    duration as duration_ms,
    case
        when regexp_matches(backend, '(?i)azure') then 'azure'
        when regexp_matches(backend, '(?i)bedrock|aws') then 'bedrock'
        when regexp_matches(backend, '(?i)vertex|gcp') then 'vertex_ai'
        when regexp_matches(backend, '(?i)anthropic') then 'anthropic'
        when regexp_matches(backend, '(?i)gemini') then 'gemini'
        when regexp_matches(backend, '(?i)openai') then 'openai'
    end as provider,
    asked as model_requested,
    coalesce(nullif(known("gen_ai.response.model"), '-'), asked) as model_logged,
    backend as deployment,
    "gen_ai.usage.input_tokens" as input_tokens,
    "gen_ai.usage.output_tokens" as output_tokens,
    "gen_ai.usage.total_tokens" as total_tokens,
    coalesce(
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cached_input_tokens"
    ) as cache_read_tokens,
    "gen_ai.usage.cache_creation.input_tokens" as cache_write_unknown_tokens,
    "gen_ai.usage.reasoning_tokens" as reasoning_tokens,
    true as output_includes_reasoning,
    -- DC: the caller hung up. No code at all: the answer never came.
    case
        when list_contains(string_split(flags, ','), 'DC') then 'cancelled'
        when code >= 400 then throttled_or_error(code)
        when code is null and response_code = '0' then 'error'
        when code is not null then 'ok'
    end as status,
    code as http_status,
    case when code >= 400 or response_code = '0' then flags end as error_type,
    case when asked is null and start_time is not null then 'ignored: no model call' end as outcome
from named
