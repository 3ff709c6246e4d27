-- Several versions of the same request become one row, whatever the order in which they came, with
-- all that any of them knew. Columns that belong together (one clock, one count) are taken together
-- from one version; each choice is a maximum in a total order, so that merging is commutative and
-- associative: what decides about a column is in the row that comes out. The last part of a rank only
-- settles ties, and there NULL is the largest: what shall be known is asked for before.
-- One row per request_id of `versions`.
with blocks as (
    select
        *,
        struct_pack(
            started_at, first_token_at, ended_at, ttft_ms, ttft_visible_ms, duration_ms
        ) as times,
        struct_pack(provider, model_logged) as answerer,
        struct_pack(
            input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
            cache_write_unknown_tokens, input_audio_tokens, input_image_tokens, input_tokens,
            token_semantics
        ) as input,
        struct_pack(output_text_tokens, reasoning_tokens, output_audio_tokens, output_tokens)
            as output,
        struct_pack(propensity, config_id, rule_id) as choice,
        struct_pack(format, file_id, line) as origin,
        case status when 'ok' then 3 when 'throttled' then 2 when 'error' then 1 else 0 end
            as success,
    from versions
),

ranked as (
    select
        *,
        -- The longest view of the request that saw its first token.
        struct_pack(
            a := first_token_at is not null, b := coalesce(duration_ms, -1),
            c := -coalesce(epoch_us(started_at), 0), d := ttft_visible_ms is not null, e := times
        ) as times_rank,
        struct_pack(
            a := model_logged is not null, b := coalesce(length(model_logged), 0),
            c := provider is not null, d := answerer
        ) as answerer_rank,
        -- A region, or a host that names one, before a host that does not.
        struct_pack(
            a := region_logged is not null,
            b := coalesce(regexp_matches(region_logged, '[a-z]-?[0-9]'), false),
            c := region_logged
        ) as region_rank,
        -- Usage inside a stream is cumulative: the largest is the last. Early events know the input,
        -- late ones the output.
        struct_pack(
            a := coalesce(input_tokens, -1),
            b := (cache_read_tokens is not null)::int + (cache_write_5m_tokens is not null)::int
                + (cache_write_unknown_tokens is not null)::int
                + (input_audio_tokens is not null)::int + (input_image_tokens is not null)::int,
            c := token_semantics is not null, d := input
        ) as input_rank,
        struct_pack(
            a := coalesce(output_tokens, -1), b := reasoning_tokens is not null,
            c := output_audio_tokens is not null, d := output
        ) as output_rank,
        -- How it ended, as the versions tell it that saw it end best.
        struct_pack(a := success, b := status) as status_rank,
        struct_pack(a := success, b := http_status is not null, c := http_status) as http_rank,
        struct_pack(a := success, b := error_type is not null, c := error_type) as error_rank,
        struct_pack(a := success, b := finish_reason is not null, c := finish_reason)
            as finish_rank,
        struct_pack(
            a := propensity is not null, b := config_id is not null, c := rule_id is not null,
            d := choice
        ) as choice_rank,
        origin as origin_rank,
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
        max(region_rank).c as region_logged,
        max(environment) as environment,
        max(key_alias) as key_alias,
        max(user_hash) as user_hash,
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
        max_by(input, input_rank) as input,
        max_by(output, output_rank) as output,
        max(web_searches) as web_searches,
        max(overhead_ms) as overhead_ms,
        max(status_rank).b as status,
        max(http_rank).c as http_status,
        max(error_rank).c as error_type,
        max(finish_rank).c as finish_reason,
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
),

-- The labels of all versions; of the values of a key the last in order, of too many keys the first.
label_values as (
    select request_id, entry.key as key, max(entry.value) as value
    from (
        select distinct request_id, unnest(map_entries(labels)) as entry
        from versions
        where labels is not null
    )
    group by request_id, entry.key
),

labelled as (
    select
        request_id,
        map_from_entries(list(struct_pack(key, value) order by key)[:32]) as labels,
    from label_values
    group by request_id
)

select
    picked.* exclude (times, answerer, input, output, choice, origin),
    labelled.labels,
    unnest(times),
    unnest(answerer),
    unnest(input),
    unnest(output),
    unnest(choice),
    unnest(origin),
    null::integer as n_chunks,
    null::double as max_gap_ms,
    null::double as stall_ms,
from picked
left join labelled using (request_id)
