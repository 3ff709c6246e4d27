-- OpenRouter activity export: CSV, one generation per row.
-- source: https://openrouter.ai/docs/faq (Activity page, Export)
-- get: https://openrouter.ai/activity, Export, CSV.
-- beware: Costs of keys of one's own (BYOK) hold only OpenRouter's fee. Failed requests are not in
--   it. Tokens are counted as the export shows them, which need not be the provider's own count.
--   Whether `created_at` is the start is not documented; it is read as such.
-- reads: csv
-- detect: json_exists(first, '$.generation_id') and json_exists(first, '$.cost_total') and
--   json_exists(first, '$.model_permaslug')
-- columns: generation_id VARCHAR, created_at VARCHAR, cost_total VARCHAR, byok_usage_inference
--   VARCHAR, tokens_prompt VARCHAR, tokens_completion VARCHAR, tokens_reasoning VARCHAR,
--   tokens_cached VARCHAR, model_permaslug VARCHAR, provider_name VARCHAR, variant VARCHAR,
--   cancelled VARCHAR, streamed VARCHAR, "user" VARCHAR, finish_reason_raw VARCHAR,
--   finish_reason_normalized VARCHAR, generation_time_ms VARCHAR, time_to_first_token_ms VARCHAR,
--   api_key_name VARCHAR, app_name VARCHAR
-- One row per generation.
with timed as (
    select
        *,
        nullif(try_cast(generation_time_ms as double), 0) as generation_ms,
        nullif(try_cast(time_to_first_token_ms as double), 0) as first_ms,
        -- A variant (free, nitro) has a price of its own.
        known(model_permaslug) || case
            when variant <> 'standard' and variant <> '' and not contains(model_permaslug, ':')
                then ':' || variant
            else ''
        end as model,
    from source
)

select
    record_file,
    record_line,
    known(generation_id) as request_id,
    time_of(created_at) as started_at,
    -- A generation shorter than its own first token was not timed from the start.
    case when first_ms is null or generation_ms >= first_ms then generation_ms end as duration_ms,
    case when try_cast(streamed as boolean) then first_ms end as ttft_ms,
    'openrouter' as provider,
    model as model_requested,
    model as model_logged,
    known(provider_name) as deployment,
    known(api_key_name) as key_alias,
    known("user") as user_id,
    entries_but({'app': known(app_name)}::map(varchar, varchar), own_keys()) as labels,
    streamed as stream,
    known(tokens_prompt) as input_tokens,
    known(tokens_completion) as output_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    known(tokens_cached) as cache_read_tokens,
    known(tokens_reasoning) as reasoning_tokens,
    case
        when try_cast(cancelled as boolean) then 'cancelled'
        when finish_reason_normalized = 'error' then 'error'
        else 'ok'
    end as status,
    coalesce(known(finish_reason_normalized), known(finish_reason_raw)) as finish_reason,
    known(cost_total) as logged_cost_usd,
    case
        when model is null and known(generation_id) is not null
            then 'ignored: no model call'
    end as outcome
from timed
