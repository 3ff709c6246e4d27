-- Several versions of the same request become one row, whatever the order in which they came.
-- Columns that belong together (one clock, one count, one outcome) are taken together from one
-- version; each choice is a maximum in a total order, so that merging is commutative and associative.
-- One row per request_id of `versions`.
with blocks as (
    select
        *,
        struct_pack(
            started_at, first_token_at, ended_at, ttft_ms, ttft_visible_ms, duration_ms
        ) as times,
        struct_pack(provider, model_logged, region_logged) as answerer,
        struct_pack(
            input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
            cache_write_unknown_tokens, output_text_tokens, reasoning_tokens, input_audio_tokens,
            output_audio_tokens, input_image_tokens, web_searches, input_tokens, output_tokens,
            token_semantics
        ) as tokens,
        struct_pack(status, http_status, error_type, finish_reason) as outcome,
        struct_pack(propensity, config_id, rule_id) as choice,
        struct_pack(format, file_id, line) as origin,
    from versions
),

ranked as (
    select
        *,
        -- The longest view of the request that saw its first token.
        struct_pack(
            a := first_token_at is not null, b := coalesce(duration_ms, -1),
            c := -coalesce(epoch_us(started_at), 0), d := times::varchar
        ) as times_rank,
        struct_pack(
            a := model_logged is not null, b := coalesce(length(model_logged), 0),
            c := region_logged is not null, d := answerer::varchar
        ) as answerer_rank,
        -- Usage inside a stream is cumulative: the largest is the last.
        struct_pack(
            a := coalesce(output_tokens, -1), b := coalesce(input_tokens, -1),
            c := (cache_read_tokens is not null)::int + (reasoning_tokens is not null)::int
                + (cache_write_5m_tokens is not null)::int,
            d := tokens::varchar
        ) as tokens_rank,
        struct_pack(
            a := case status when 'ok' then 3 when 'throttled' then 2 when 'error' then 1 else 0 end,
            b := finish_reason is not null, c := http_status is not null, d := outcome::varchar
        ) as outcome_rank,
        struct_pack(a := propensity is not null, b := choice::varchar) as choice_rank,
        struct_pack(a := coalesce(cardinality(labels), 0), b := labels::varchar) as labels_rank,
        origin::varchar as origin_rank,
    from blocks
),

picked as (
    select
        request_id,
        max(parent_request_id) as parent_request_id,
        max(operation_id) as operation_id,
        max(session_id) as session_id,
        max(attempt) as attempt,
        list_sort(list_distinct(flatten(list(other_ids) filter (where other_ids is not null))))
            as other_ids,
        max_by(times, times_rank) as times,
        max_by(answerer, answerer_rank) as answerer,
        max(model_requested) as model_requested,
        max(deployment) as deployment,
        max(route) as route,
        max(environment) as environment,
        max(key_alias) as key_alias,
        max(user_hash) as user_hash,
        max_by(labels, labels_rank) as labels,
        bool_or(stream) as stream,
        max(service_tier) as service_tier,
        max(reasoning_effort) as reasoning_effort,
        max(n_messages) as n_messages,
        max(n_tools) as n_tools,
        max(max_output_tokens) as max_output_tokens,
        max(temperature) as temperature,
        max(prompt_chars) as prompt_chars,
        max(prompt_steps) as prompt_steps,
        max(prompt_questions) as prompt_questions,
        bool_or(prompt_has_code) as prompt_has_code,
        bool_or(has_images) as has_images,
        max(system_prompt_hash) as system_prompt_hash,
        max_by(tokens, tokens_rank) as tokens,
        max(overhead_ms) as overhead_ms,
        max_by(outcome, outcome_rank) as outcome,
        max(n_tool_calls) as n_tool_calls,
        bool_or(cache_hit) as cache_hit,
        min(limit_requests) as limit_requests,
        min(remaining_requests) as remaining_requests,
        min(limit_tokens) as limit_tokens,
        min(remaining_tokens) as remaining_tokens,
        max(logged_cost_usd) as logged_cost_usd,
        max_by(choice, choice_rank) as choice,
        min_by(origin, origin_rank) as origin,
    from ranked
    group by request_id
)

select
    * exclude (times, answerer, tokens, outcome, choice, origin),
    unnest(times),
    unnest(answerer),
    unnest(tokens),
    unnest(outcome),
    unnest(choice),
    unnest(origin),
    null::integer as n_chunks,
    null::double as max_gap_ms,
    null::double as stall_ms,
from picked
