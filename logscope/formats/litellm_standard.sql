-- LiteLLM proxy or SDK, StandardLoggingPayload: one object per call.
-- source: https://docs.litellm.ai/docs/proxy/logging_spec
-- get: Log to a bucket: `litellm_settings: {callbacks: ["s3_v2"]}` or "gcs_bucket", then copy the
--   prefix (aws s3 sync s3://BUCKET/PREFIX logs/). Each call is a file of its own. Lists and
--   NDJSON, as the generic webhook writes them, are read as well.
-- beware: A failed call has no first token; its 0 tokens and cost 0 are read as unknown. A cost of
--   0 with debug information means that LiteLLM knew no price. `completionStartTime` equals
--   `endTime` where nothing was streamed; else it is the first chunk, even one that only names the
--   role: ttft is then the first event, some ms before the first token. `response_time` is the
--   time to the first token of a stream, so it is not read. Before August 2026 `trace_id` held the
--   caller's session where there was one. The failed attempts of a call share its id: to theirs
--   `#` and the start in milliseconds are added. With a `litellm_call_id` (1.90 and later) there is
--   one failure for a call, its first attempt's: retries are not logged.
-- reads: json
-- detect: (first->>'call_type') is not null and (first->'hidden_params') is not null and
--   (first->'response_cost') is not null and (first->'spend') is null
-- columns: id VARCHAR, litellm_call_id VARCHAR, trace_id VARCHAR, session_id VARCHAR, call_type
--   VARCHAR, status VARCHAR, stream VARCHAR, custom_llm_provider VARCHAR, model VARCHAR,
--   model_group VARCHAR, model_id VARCHAR, api_base VARCHAR, startTime VARCHAR, completionStartTime
--   VARCHAR, endTime VARCHAR, prompt_tokens BIGINT, completion_tokens BIGINT, total_tokens BIGINT,
--   response_cost VARCHAR, response_cost_failure_debug_info VARCHAR, cache_hit VARCHAR, end_user
--   VARCHAR, request_tags VARCHAR[], messages STRUCT(role VARCHAR, content VARCHAR)[], error_str
--   VARCHAR, error_information STRUCT(error_code VARCHAR, error_class VARCHAR), hidden_params
--   STRUCT(litellm_model_name VARCHAR, litellm_overhead_time_ms VARCHAR, additional_headers
--   STRUCT("llm_provider-x-ms-region" VARCHAR, "x-ms-region" VARCHAR, x_ratelimit_limit_requests
--   VARCHAR, x_ratelimit_remaining_requests VARCHAR, x_ratelimit_limit_tokens VARCHAR,
--   x_ratelimit_remaining_tokens VARCHAR)), model_parameters STRUCT(temperature VARCHAR, max_tokens
--   VARCHAR, max_completion_tokens VARCHAR, max_output_tokens VARCHAR, reasoning_effort VARCHAR,
--   reasoning STRUCT(effort VARCHAR), tools STRUCT(type VARCHAR)[]), metadata
--   STRUCT(user_api_key_alias VARCHAR, user_api_key_team_alias VARCHAR, user_api_key_team_id
--   VARCHAR, user_api_key_end_user_id VARCHAR, spend_logs_metadata VARCHAR, requester_metadata
--   VARCHAR, usage_object litellm_usage), response STRUCT(model VARCHAR, service_tier VARCHAR,
--   stop_reason VARCHAR, status VARCHAR, content STRUCT(type VARCHAR)[], output STRUCT(type
--   VARCHAR)[], choices STRUCT(finish_reason VARCHAR, message STRUCT(tool_calls STRUCT(type
--   VARCHAR)[]))[], usage litellm_usage)
-- plain: messages
-- One row per call.
with named as (
    select
        *,
        status = 'failure' as failed,
        coalesce(try_cast(cache_hit as boolean), false) as from_cache,
        -- Few callers write keys of ours, so their metadata is taken apart for those only.
        case
            when regexp_matches(
                concat(metadata.requester_metadata, metadata.spend_logs_metadata),
                'session_id|span_id|logscope_'
            ) then map_concat(
                entries_map(metadata.requester_metadata), entries_map(metadata.spend_logs_metadata)
            )
        end as caller,
        label_entries(list_concat(
            [{'key': 'team', 'value': coalesce(
                known(metadata.user_api_key_team_alias), known(metadata.user_api_key_team_id)
            )}],
            tag_pairs(request_tags),
            scalar_entries(metadata.requester_metadata),
            scalar_entries(metadata.spend_logs_metadata)
        )) as label_list,
        unredacted(messages) as prompt,
        http_code(error_information.error_code) as error_code,
        known(error_information.error_class) as error_class,
        coalesce(response.usage, metadata.usage_object) as usage,
    from source
),

counted as (
    select
        *,
        coalesce(caller['session_id'], caller['litellm_session_id']) as caller_session,
        texts_of(prompt) as texts,
        usage.prompt_tokens_details.cache_creation_token_details as cache_written,
    from named
)

select
    record_file,
    record_line,
    attempt_id(id, failed, time_of(startTime)) as request_id,
    case
        when coalesce(litellm_call_id, caller['span_id']) is not null then ids_of([
            attempt_id(litellm_call_id, failed, time_of(startTime)),
            failure_id(litellm_call_id, failed),
            case when not failed then span_key(caller['trace_id'], caller['span_id']) end
        ])
    end as other_ids,
    case when trace_id is distinct from caller_session then trace_id end as operation_id,
    coalesce(known(session_id), caller_session) as session_id,
    time_of(startTime) as started_at,
    case when not failed then nullif(time_of(completionStartTime), time_of(endTime)) end
        as first_token_at,
    time_of(endTime) as ended_at,
    ---------- what answered
    known(custom_llm_provider) as provider,
    coalesce(known(model_group), model) as model_requested,
    -- The proxy may write the caller's alias into the response; then that tells nothing.
    coalesce(
        case when response.model <> model_group then known(response.model) end,
        known(hidden_params.litellm_model_name),
        known(model)
    ) as model_logged,
    known(model_id) as deployment,
    known(model_group) as route,
    coalesce(
        known(hidden_params.additional_headers."llm_provider-x-ms-region"),
        known(hidden_params.additional_headers."x-ms-region"),
        endpoint_of(api_base)
    ) as region_logged,
    ---------- who asked
    known(metadata.user_api_key_alias) as key_alias,
    coalesce(known(end_user), known(metadata.user_api_key_end_user_id)) as user_id,
    labels_of(label_list) as labels,
    ---------- known before the answer
    try_cast(stream as boolean) as stream,
    tier_of(coalesce(known(response.service_tier), known(usage.service_tier))) as service_tier,
    coalesce(known(model_parameters.reasoning_effort), known(model_parameters.reasoning.effort))
        as reasoning_effort,
    len(prompt) as n_messages,
    case when model_parameters is not null then coalesce(len(model_parameters.tools), 0) end
        as n_tools,
    coalesce(
        model_parameters.max_tokens,
        model_parameters.max_completion_tokens,
        model_parameters.max_output_tokens
    ) as max_output_tokens,
    model_parameters.temperature as temperature,
    -- The input of the Responses API may be one plain text.
    if(messages_text is null, texts, [known(messages_text)]) as prompt_texts,
    case when prompt[1].role in ('system', 'developer') then texts[1] end as system_prompt,
    case when prompt is not null then holds_image(prompt) end as has_images,
    messages is null as text_unread,
    ---------- tokens
    -- A failed call logs 0 for what nobody counted.
    nullif(prompt_tokens, case when failed then 0 end) as input_tokens,
    nullif(completion_tokens, case when failed then 0 end) as output_tokens,
    total_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    coalesce(usage.prompt_tokens_details.cached_tokens, usage.cache_read_input_tokens)
        as cache_read_tokens,
    cache_written.ephemeral_5m_input_tokens as cache_write_5m_tokens,
    cache_written.ephemeral_1h_input_tokens as cache_write_1h_tokens,
    -- What was written, but for what has a lifetime.
    count_of(coalesce(
        usage.prompt_tokens_details.cache_creation_tokens, usage.cache_creation_input_tokens
    ))
        - coalesce(count_of(cache_written.ephemeral_5m_input_tokens), 0)
        - coalesce(count_of(cache_written.ephemeral_1h_input_tokens), 0)
        as cache_write_unknown_tokens,
    usage.completion_tokens_details.reasoning_tokens as reasoning_tokens,
    usage.prompt_tokens_details.audio_tokens as input_audio_tokens,
    usage.completion_tokens_details.audio_tokens as output_audio_tokens,
    usage.prompt_tokens_details.image_tokens as input_image_tokens,
    coalesce(
        usage.prompt_tokens_details.web_search_requests, usage.server_tool_use.web_search_requests
    ) as web_searches,
    ---------- outcome
    hidden_params.litellm_overhead_time_ms as overhead_ms,
    case
        when status = 'success' then 'ok'
        when error_code = 499 or error_class = 'CancelledError' then 'cancelled'
        when failed and error_class = 'RateLimitError' then 'throttled'
        when failed or known(error_str) is not null then throttled_or_error(error_code)
    end as status,
    error_code as http_status,
    error_class as error_type,
    coalesce(
        known(response.choices[1].finish_reason),
        known(response.stop_reason),
        known(response.status)
    ) as finish_reason,
    case
        when len(response.choices) > 0 then coalesce(len(response.choices[1].message.tool_calls), 0)
        when response.content is not null
            then len(list_filter(response.content, lambda part: part.type = 'tool_use'))
        when response.output is not null
            then len(list_filter(response.output, lambda item: item.type = 'function_call'))
    end as n_tool_calls,
    try_cast(cache_hit as boolean) as cache_hit,
    hidden_params.additional_headers.x_ratelimit_limit_requests as limit_requests,
    hidden_params.additional_headers.x_ratelimit_remaining_requests as remaining_requests,
    hidden_params.additional_headers.x_ratelimit_limit_tokens as limit_tokens,
    hidden_params.additional_headers.x_ratelimit_remaining_tokens as remaining_tokens,
    case
        when failed and try_cast(response_cost as double) = 0 then null
        when from_cache then response_cost
        when known(response_cost_failure_debug_info) is not null
            and try_cast(response_cost as double) = 0 then null
        else response_cost
    end as logged_cost_usd,
    ---------- the router's choice
    caller['logscope_propensity'] as propensity,
    caller['logscope_config_id'] as config_id,
    caller['logscope_rule_id'] as rule_id,
    case
        when regexp_matches(call_type, 'batch') then 'ignored: a batch, not a call'
        when regexp_matches(call_type, 'file|mcp|vector_store|assistant|thread|health|_list|list_')
            then 'ignored: no model call'
    end as outcome
from counted
