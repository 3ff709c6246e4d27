-- From what producers logged to the request table: times, tokens and status by one set of rules.
-- Runs over `logged`, the records that are requests. What depends on rules or prices comes
-- later (derive.sql, cost.sql). One row per record.
with clocked as (
    select
        *,
        -- A clock that runs backwards says nothing: NULL, never a negative time. Nor does one by
        -- which a request took a day.
        case when is_span_of_time(duration_ms) then duration_ms end as logged_duration_ms,
        case when is_span_of_time(ttft_ms) then ttft_ms end as logged_ttft_ms,
        ms_between(started_at, ended_at) as elapsed_ms,
        case
            -- Ten minutes from what was measured, the end is in local time or on another clock.
            when is_span_of_time(elapsed_ms)
                and coalesce(abs(elapsed_ms - logged_duration_ms) <= 600000, true) then ended_at
            else later_by_ms(started_at, logged_duration_ms)
        end as sane_ended_at,
    from logged
),

timed as (
    select
        *,
        coalesce(
            logged_duration_ms, ms_between(started_at, sane_ended_at)
        ) as sane_duration_ms,
        case
            when first_token_at >= started_at
                and first_token_at
                    <= coalesce(sane_ended_at, later_by_ms(started_at, longest_ms()))
                then first_token_at
            when first_token_at is null
                and (sane_ended_at is null or logged_ttft_ms <= ms_between(started_at, sane_ended_at) + 1)
                then later_by_ms(started_at, logged_ttft_ms)
        end as sane_first_token_at,
    from clocked
),

counted as (
    select
        *,
        coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0)
        + coalesce(cache_write_1h_tokens, 0) + coalesce(cache_write_unknown_tokens, 0)
            as cached_tokens,
    from timed
),

-- Whether input includes the cache and output the reasoning is decided row by row: what cannot be
-- (more cached than input) is not, then what the format knows, then what the total adds up to.
judged as (
    select
        *,
        case
            when cached_tokens = 0 then true
            when cached_tokens > input_tokens then false
            when input_includes_cache is not null then input_includes_cache
            when total_tokens = input_tokens + output_tokens then true
            when total_tokens in (
                input_tokens + cached_tokens + output_tokens,
                input_tokens + cached_tokens + output_tokens + reasoning_tokens
            ) then false
        end as cache_inside,
        case
            when coalesce(reasoning_tokens, 0) = 0 then true
            when reasoning_tokens > output_tokens then false
            when output_includes_reasoning is not null then output_includes_reasoning
            when total_tokens = input_tokens + output_tokens then true
            when total_tokens = input_tokens + output_tokens + reasoning_tokens then false
        end as reasoning_inside,
    from counted
),

split as (
    select
        *,
        coalesce(
            input_uncached_tokens,
            case
                when cache_inside then input_tokens - cached_tokens
                when not cache_inside then input_tokens
            end
        ) as uncached,
        coalesce(
            output_text_tokens,
            case
                when reasoning_inside then output_tokens - coalesce(reasoning_tokens, 0)
                when not reasoning_inside then output_tokens
            end
        ) as text,
    from judged
)

select
    request_id,
    parent_request_id,
    operation_id,
    session_id,
    attempt,
    ids_beside(request_id, other_ids, own_id) as other_ids,
    started_at,
    sane_first_token_at as first_token_at,
    coalesce(
        sane_ended_at, later_by_ms(started_at, sane_duration_ms)
    ) as ended_at,
    provider,
    model_requested,
    -- Where nothing served, the model asked for; but the name of a route is no model.
    coalesce(
        nullif(model_logged, case when status <> 'ok' then route end),
        case when model_requested is distinct from route then model_requested end
    ) as model_logged,
    deployment,
    route,
    region_logged,
    environment,
    key_alias,
    user_hash,
    labels,
    stream,
    service_tier,
    reasoning_effort,
    n_messages,
    n_tools,
    max_output_tokens,
    temperature,
    prompt_chars,
    prompt_steps,
    prompt_questions,
    prompt_has_code,
    has_images,
    system_prompt_hash,
    uncached as input_uncached_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_write_unknown_tokens,
    text as output_text_tokens,
    reasoning_tokens,
    input_audio_tokens,
    output_audio_tokens,
    input_image_tokens,
    web_searches,
    uncached + cached_tokens as input_tokens,
    text + coalesce(reasoning_tokens, 0) as output_tokens,
    case
        when input_tokens is null and input_uncached_tokens is null then null
        when input_tokens is null then 'disjoint'
        when cached_tokens > 0 and cache_inside is null then 'unknown'
        when cached_tokens > 0 then if(cache_inside, 'inclusive', 'disjoint')
        when input_includes_cache is not null then if(input_includes_cache, 'inclusive', 'disjoint')
        else 'unknown'
    end as token_semantics,
    case
        when sane_first_token_at is not null then coalesce(
            case
                when logged_ttft_ms <= coalesce(sane_duration_ms, logged_ttft_ms) + 1
                    then logged_ttft_ms
            end,
            ms_between(started_at, sane_first_token_at)
        )
    end as ttft_ms,
    case
        when ttft_visible_ms between 0 and coalesce(sane_duration_ms, longest_ms()) + 1
            then ttft_visible_ms
    end as ttft_visible_ms,
    sane_duration_ms as duration_ms,
    case
        when overhead_ms between 0 and coalesce(sane_duration_ms, longest_ms()) + 1 then overhead_ms
    end as overhead_ms,
    n_chunks,
    max_gap_ms,
    stall_ms,
    -- A record without any sign of failure is a success.
    coalesce(
        status,
        case
            when http_status in (429, 529) then 'throttled'
            when http_status = 499 then 'cancelled'
            when http_status >= 400 then 'error'
            when error_type is not null then 'error'
            else 'ok'
        end
    ) as status,
    http_status,
    error_type,
    finish_reason,
    n_tool_calls,
    cache_hit,
    case when limit_requests > 0 then limit_requests end as limit_requests,
    case when remaining_requests >= 0 then remaining_requests end as remaining_requests,
    case when limit_tokens > 0 then limit_tokens end as limit_tokens,
    case when remaining_tokens >= 0 then remaining_tokens end as remaining_tokens,
    logged_cost_usd,
    propensity,
    config_id,
    rule_id,
    format,
    file_id,
    line,
from split
