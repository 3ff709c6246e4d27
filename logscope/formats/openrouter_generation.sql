-- OpenRouter generation metadata: the answers of /api/v1/generation, one per line or file.
-- source: https://openrouter.ai/docs/api-reference/get-a-generation
-- get: curl -H "Authorization: Bearer $OPENROUTER_API_KEY"
--   "https://openrouter.ai/api/v1/generation?id=gen-..." >> generations.jsonl
-- beware: Tokens and prices go by native_tokens_*, the provider's own count; tokens_* are counted
--   with another tokenizer and are not read. `latency` is the whole time or the time to the first
--   token, depending on the version: it is the whole only if it is not below `generation_time`.
--   With a key of one's own (is_byok) the cost is OpenRouter's fee.
-- reads: json
-- detect: (first->>'$.data.id') is not null and (json_exists(first, '$.data.native_tokens_prompt')
--   or json_exists(first, '$.data.generation_time'))
-- columns: data STRUCT(id VARCHAR, upstream_id VARCHAR, session_id VARCHAR, model VARCHAR,
--   provider_name VARCHAR, data_region VARCHAR, streamed VARCHAR, cancelled VARCHAR, created_at
--   VARCHAR, latency VARCHAR, generation_time VARCHAR, native_tokens_prompt VARCHAR,
--   native_tokens_completion VARCHAR, native_tokens_reasoning VARCHAR, native_tokens_cached
--   VARCHAR, num_media_prompt VARCHAR, num_search_results VARCHAR, finish_reason VARCHAR,
--   native_finish_reason VARCHAR, total_cost VARCHAR, usage VARCHAR, is_byok VARCHAR, service_tier
--   VARCHAR, external_user VARCHAR, origin VARCHAR, app_id VARCHAR, api_type VARCHAR), error
--   VARCHAR
-- One row per generation.
with timed as (
    select
        *,
        try_cast(data.latency as double) as latency_ms,
        try_cast(data.generation_time as double) as generation_ms,
    from source
)

select
    record_file,
    record_line,
    data.id as request_id,
    data.session_id as session_id,
    time_of(data.created_at) as started_at,
    greatest(latency_ms, generation_ms) as duration_ms,
    case
        when try_cast(data.streamed as boolean) and latency_ms < generation_ms then latency_ms
    end as ttft_ms,
    'openrouter' as provider,
    data.model as model_requested,
    data.model as model_logged,
    data.provider_name as deployment,
    nullif(data.data_region, 'global') as region_logged,
    data.external_user as user_id,
    data.streamed as stream,
    tier_of(data.service_tier) as service_tier,
    data.native_tokens_prompt as input_tokens,
    data.native_tokens_completion as output_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    data.native_tokens_cached as cache_read_tokens,
    data.native_tokens_reasoning as reasoning_tokens,
    case
        when try_cast(data.cancelled as boolean) then 'cancelled'
        when data.finish_reason = 'error' then 'error'
        else 'ok'
    end as status,
    coalesce(data.finish_reason, data.native_finish_reason) as finish_reason,
    coalesce(data.total_cost, data.usage) as logged_cost_usd,
    case when data.id is null and error is not null then 'ignored: no generation found' end
        as outcome
from timed
