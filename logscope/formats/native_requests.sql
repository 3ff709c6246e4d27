-- logscope's own request log: one record per request, fields named like the table's columns.
-- source: logscope/tables.sql
-- get: Write NDJSON, CSV or Parquet with `request_id`, `model` and `started_at`, and whatever else
--   of the table you know (`select * from requests limit 0` shows it). In CSV, lists and maps are
--   JSON text.
-- beware: Records that share `request_id`, one of `other_ids`, or `trace_id` and `span_id` are one
--   request. `status` is ok, error, throttled or cancelled. `input_tokens` and `output_tokens` are
--   the sums: cache and reasoning inside. Times are ISO 8601 (without an offset UTC) or epoch
--   seconds. Costs, `day`, `tpot_ms` and the like are computed; a `cost_usd` counts as the logged
--   cost.
-- reads: json, csv, parquet
-- detect: (json_exists(first, '$.request_id') or json_exists(first, '$.span_id')) and
--   json_exists(first, '$.model') and json_exists(first, '$.started_at')
-- columns: request_id VARCHAR, parent_request_id VARCHAR, operation_id VARCHAR, session_id
--   VARCHAR, other_ids JSON, trace_id VARCHAR, span_id VARCHAR, attempt VARCHAR, started_at
--   VARCHAR, first_token_at VARCHAR, ended_at VARCHAR, provider VARCHAR, model VARCHAR,
--   model_requested VARCHAR, model_logged VARCHAR, deployment VARCHAR, route VARCHAR, region
--   VARCHAR, region_logged VARCHAR, task VARCHAR, team VARCHAR, environment VARCHAR, key_alias
--   VARCHAR, user_hash VARCHAR, user_id VARCHAR, labels JSON, stream VARCHAR, service_tier
--   VARCHAR, reasoning_effort VARCHAR, n_messages VARCHAR, n_tools VARCHAR, max_output_tokens
--   VARCHAR, temperature VARCHAR, prompt_chars VARCHAR, prompt_steps VARCHAR, prompt_questions
--   VARCHAR, prompt_has_code VARCHAR, has_images VARCHAR, system_prompt_hash VARCHAR,
--   input_uncached_tokens VARCHAR, cache_read_tokens VARCHAR, cache_write_5m_tokens VARCHAR,
--   cache_write_1h_tokens VARCHAR, cache_write_unknown_tokens VARCHAR, output_text_tokens
--   VARCHAR, reasoning_tokens VARCHAR, input_audio_tokens VARCHAR, output_audio_tokens VARCHAR,
--   input_image_tokens VARCHAR, web_searches VARCHAR, input_tokens VARCHAR, output_tokens
--   VARCHAR, ttft_ms VARCHAR, ttft_visible_ms VARCHAR, duration_ms VARCHAR, overhead_ms VARCHAR,
--   status VARCHAR, http_status VARCHAR, error_type VARCHAR, finish_reason VARCHAR, n_tool_calls
--   VARCHAR, cache_hit VARCHAR, limit_requests VARCHAR, remaining_requests VARCHAR, limit_tokens
--   VARCHAR, remaining_tokens VARCHAR, logged_cost_usd VARCHAR, cost_usd VARCHAR, propensity VARCHAR,
--   config_id VARCHAR, rule_id VARCHAR, offsets_ms JSON, kinds JSON, tokens_per_chunk JSON, name
--   VARCHAR, value VARCHAR, source VARCHAR, scored_at VARCHAR, "at" VARCHAR
-- Streams and scores may stand among the requests. One row per record.
select
    rows.* exclude (
        request_id, other_ids, trace_id, span_id, started_at, first_token_at, ended_at, model,
        region, task, team, labels, status, service_tier, model_requested, model_logged,
        region_logged, cost_usd, logged_cost_usd, offsets_ms, kinds, tokens_per_chunk, value,
        source, scored_at, "at"
    ),
    coalesce(known(request_id), span_key(trace_id, span_id)) as request_id,
    ids_of(list_append(
        coalesce(try_cast(other_ids as varchar[]), []), span_key(trace_id, span_id)
    )) as other_ids,
    time_of(started_at) as started_at,
    time_beside(first_token_at, started_at) as first_token_at,
    time_beside(ended_at, started_at) as ended_at,
    coalesce(model_requested, model) as model_requested,
    coalesce(model_logged, model) as model_logged,
    coalesce(region_logged, region) as region_logged,
    map_concat(
        entries_map(labels::varchar),
        entries_but({'task': known(task), 'team': known(team)}::map(varchar, varchar), [])
    ) as labels,
    true as input_includes_cache,
    true as output_includes_reasoning,
    lower(known(status)) as status,
    tier_of(service_tier) as service_tier,
    coalesce(logged_cost_usd, cost_usd) as logged_cost_usd,
    try_cast(offsets_ms as double[]) as offsets_ms,
    try_cast(kinds as varchar[]) as kinds,
    try_cast(tokens_per_chunk as bigint[]) as tokens_per_chunk,
    share_of(value) as value,
    source as score_source,
    time_of(coalesce(scored_at, "at")) as scored_at,
    case
        when coalesce(model, model_logged, model_requested) is null and request_id is not null
            and offsets_ms is null and name is null then 'rejected: no model'
        when try_cast(offsets_ms as double[]) is null and offsets_ms is not null
            then 'rejected: offsets_ms is no list of numbers'
        when lower(known(status)) not in ('ok', 'error', 'throttled', 'cancelled')
            then 'rejected: status is not ok, error, throttled or cancelled'
    end as outcome
from source as rows
