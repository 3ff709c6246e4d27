-- OpenTelemetry GenAI spans as OTLP/JSON: one export request (many spans) per line.
-- source: https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai
-- get: Collector: exporters: {file: {path: /var/log/traces.jsonl}}, without `format: proto` and
--   without compression (both write length-prefixed messages). Or GET /api/v2/traces/ID from Tempo.
-- beware: There is no cost and, but for `server.address`, no region. Most instrumentations log no
--   first token. The conventions say that input includes the cache; some pass Anthropic's own
--   count, which does not. Spans around a call (agents, chains, the outer span of the Vercel AI
--   SDK) repeat its usage: only the innermost is a request. Metrics are sums and cannot be read as
--   requests. A span that logs no id of the response is known as `trace:span`, and so are parents.
--   The HTTP status of a call is that of the HTTP span inside it, where that is in the same file.
-- reads: json
-- rows: many
-- detect: (first->'$.resourceSpans[0]') is not null or (first->'$.batches[0].scopeSpans') is not
--   null or (first->'$.batches[0].instrumentationLibrarySpans') is not null or
--   (first->'$.trace.resourceSpans[0].scopeSpans') is not null
-- columns: resourceSpans otlp_resource_spans[], batches otlp_resource_spans[], trace
--   STRUCT(resourceSpans otlp_resource_spans[]), resourceLogs VARCHAR, resourceMetrics VARCHAR
-- One row per span.
with resources as (
    select record_file, record_line, unnest(coalesce(
        resourceSpans, batches, trace.resourceSpans
    )) as resource
    from source
),

opened as (
    select
        record_file,
        record_line,
        attributes_map(resource.resource.attributes) as r,
        unnest(flatten(list_transform(
            coalesce(resource.scopeSpans, resource.instrumentationLibrarySpans),
            lambda scope: scope.spans
        ))) as span
    from resources
),

spans as (
    select
        record_file,
        record_line,
        r,
        span.traceId as trace_id,
        span.spanId as span_id,
        nullif(nullif(span.parentSpanId, ''), '0000000000000000') as parent_id,
        span.startTimeUnixNano as start_ns,
        span.endTimeUnixNano as end_ns,
        span.status.code as status_code,
        span.events as events,
        attributes_map(span.attributes) as a,
    from opened
),

-- A call is a span whose operation calls a model, in any of the dialects.
judged as materialized (
    select
        *,
        coalesce(a['http.response.status_code'], a['http.status_code']) as http_text,
        case
            when a['gen_ai.operation.name'] is not null then a['gen_ai.operation.name'] in (
                'chat', 'text_completion', 'generate_content', 'embeddings', 'completion',
                'responses'
            )
            when a['openinference.span.kind'] is not null
                then a['openinference.span.kind'] in ('LLM', 'EMBEDDING')
            when a['traceloop.span.kind'] is not null then false
            when a['ai.operationId'] is not null
                then regexp_matches(a['ai.operationId'], '^ai\.(generate|stream|embed)')
            else coalesce(
                a['llm.request.type'], a['gen_ai.request.model'], a['gen_ai.response.model'],
                a['gen_ai.usage.prompt_tokens']
            ) is not null
        end as is_call,
    from spans
),

-- The last HTTP response below a call.
http as (
    select
        record_file,
        trace_id,
        parent_id as span_id,
        max_by(http_text, try_cast(start_ns as hugeint)) as code,
    from judged
    where not is_call and http_text is not null
    group by all
),

calls as (
    select
        judged.*,
        status_code in ('2', 'STATUS_CODE_ERROR') or a['error.type'] is not null as failed,
        http_code(coalesce(http_text, a['error.type'], http.code)) as http_status,
        coalesce(a['error.type'], exception_of(events)) as error_type,
        list_filter(
            list_transform(
                list_filter(events, lambda event: event.name in (
                    'llm.content.completion.chunk', 'gen_ai.content.completion.chunk'
                )),
                lambda event: ms_between_ns(start_ns, event.timeUnixNano)
            ),
            lambda moment: moment >= 0
        ) as chunks,
        ms_between_ns(start_ns, list_filter(events, lambda event: event.name in (
            'First Token Stream Event', 'ai.stream.firstChunk'
        ))[1].timeUnixNano) as first_event,
        -- OpenLLMetry and OpenInference write each message into attributes of its own.
        list_filter(map_entries(a), lambda entry: regexp_matches(
            entry.key, '^(gen_ai\.prompt|llm\.input_messages)\.[0-9]+\.(message\.)?content$'
        )) as contents,
        json_text(a['gen_ai.input.messages']) as messages,
        messages_of(a['ai.prompt.messages']) as prompt,
        -- So do they with tools offered and tools called.
        count_keys(a, '^(llm\.request\.functions|llm\.tools)\.[0-9]+\.(name|tool\.json_schema)$')
            as offered,
        count_keys(
            a,
            '^(gen_ai\.completion|llm\.output_messages)\.[0-9]+\.(message\.)?tool_calls\.[0-9]+'
                || '\.(name|tool_call\.function\.name)$'
        ) as called,
    from judged
    left join http using (record_file, trace_id, span_id)
)

select
    record_file,
    record_line,
    coalesce(
        a['gen_ai.response.id'], a['ai.response.id'], a['gen_ai.request.id'],
        span_key(trace_id, span_id)
    ) as request_id,
    ids_of([
        span_key(trace_id, span_id), attempt_id(a['litellm.call_id'], failed, time_of_ns(start_ns))
    ]) as other_ids,
    span_key(trace_id, parent_id) as parent_request_id,
    coalesce(
        a['gen_ai.conversation.id'], a['session.id'],
        a['traceloop.association.properties.session_id'], a['ai.telemetry.metadata.sessionId']
    ) as session_id,
    time_of_ns(start_ns) as started_at,
    time_of_ns(end_ns) as ended_at,
    -- Seconds but for the Vercel AI SDK; else the first event that says that the answer began.
    coalesce(
        try_cast(coalesce(
            a['gen_ai.response.time_to_first_chunk'], a['gen_ai.server.time_to_first_token'],
            a['gen_ai.latency.time_to_first_token']
        ) as double) * 1000,
        try_cast(a['ai.response.msToFirstChunk'] as double),
        chunks[1],
        first_event
    ) as ttft_ms,
    -- One event is a first token, no stream.
    case when len(chunks) > 1 then chunks end as offsets_ms,
    ---------- what answered
    coalesce(
        a['gen_ai.provider.name'], a['gen_ai.system'], a['llm.provider'], a['llm.system'],
        a['ai.model.provider'],
        case when a['gen_ai.latency.e2e'] is not null then 'vllm' end
    ) as provider,
    coalesce(
        a['gen_ai.request.model'], a['llm.request.model_name'], a['llm.model_name'],
        a['ai.model.id'], a['embedding.model_name']
    ) as model_requested,
    coalesce(
        a['gen_ai.response.model'], a['llm.response.model_name'], a['ai.response.model'],
        a['gen_ai.request.model'], a['llm.model_name'], a['ai.model.id'],
        a['embedding.model_name']
    ) as model_logged,
    -- The resource is where the caller runs: it tells the region only where no address does.
    coalesce(a['server.address'], a['cloud.region'], r['cloud.region']) as region_logged,
    ---------- who asked
    coalesce(
        r['deployment.environment.name'], r['deployment.environment'], a['gen_ai.environment']
    ) as environment,
    a['metadata.user_api_key_alias'] as key_alias,
    coalesce(
        a['enduser.id'], a['user.id'], a['traceloop.association.properties.user_id']
    ) as user_id,
    entries_but(
        map_concat(
            {
                'service.name': r['service.name'],
                'workflow': coalesce(a['gen_ai.workflow.name'], a['traceloop.workflow.name']),
                'entity': a['traceloop.entity.name'],
                'agent': a['gen_ai.agent.name'],
                'prompt': a['gen_ai.prompt.name'],
                'function': a['ai.telemetry.functionId'],
                'team': a['metadata.user_api_key_team_alias']
            }::map(varchar, varchar),
            tag_entries(list_transform(
                json_text(a['tag.tags'])->>'$[*]', lambda tag: tag::varchar
            )),
            entries_map(a['metadata']),
            entries_under(a, 'ai.telemetry.metadata.'),
            entries_under(a, 'traceloop.association.properties.')
        ),
        own_keys()
    ) as labels,
    ---------- known before the answer
    -- Under the current names, unset means that it was not streamed.
    coalesce(
        try_cast(coalesce(
            a['gen_ai.request.stream'], a['gen_ai.request.is_stream'], a['gen_ai.is_streaming'],
            a['llm.is_streaming']
        ) as boolean),
        case
            when len(chunks) > 0 or first_event is not null
                or a['gen_ai.response.time_to_first_chunk'] is not null
                or a['ai.response.msToFirstChunk'] is not null then true
            when a['ai.operationId'] is not null then a['ai.operationId'] like 'ai.stream%'
            when a['gen_ai.provider.name'] is not null then false
        end
    ) as stream,
    tier_of(coalesce(
        a['openai.response.service_tier'], a['gen_ai.openai.response.service_tier']
    )) as service_tier,
    coalesce(
        a['gen_ai.request.reasoning.level'], a['gen_ai.request.reasoning_effort']
    ) as reasoning_effort,
    coalesce(
        try(json_array_length(messages)), len(prompt), nullif(len(contents), 0)
    ) as n_messages,
    coalesce(
        try(json_array_length(json_text(a['gen_ai.tool.definitions']))),
        try(json_array_length(json_text(a['ai.prompt.tools']))),
        nullif(offered, 0)
    ) as n_tools,
    coalesce(
        a['gen_ai.request.max_tokens'], try(a['llm.invocation_parameters']->>'$.max_tokens'),
        a['ai.settings.maxOutputTokens']
    ) as max_output_tokens,
    coalesce(
        a['gen_ai.request.temperature'], try(a['llm.invocation_parameters']->>'$.temperature'),
        a['ai.settings.temperature']
    ) as temperature,
    coalesce(
        joined_lines(try(messages->>'$[*].parts[*].content')),
        prompt_of(prompt),
        joined_lines(list_transform(contents, lambda entry: entry.value))
    ) as prompt_text,
    ---------- tokens
    coalesce(
        a['gen_ai.usage.input_tokens'], a['gen_ai.usage.prompt_tokens'],
        a['llm.token_count.prompt'], a['ai.usage.inputTokens'], a['ai.usage.promptTokens'],
        a['ai.usage.tokens']
    ) as input_tokens,
    coalesce(
        a['gen_ai.usage.output_tokens'], a['gen_ai.usage.completion_tokens'],
        a['llm.token_count.completion'], a['ai.usage.outputTokens'], a['ai.usage.completionTokens']
    ) as output_tokens,
    coalesce(
        a['gen_ai.usage.total_tokens'], a['llm.usage.total_tokens'], a['llm.token_count.total'],
        a['ai.usage.totalTokens']
    ) as total_tokens,
    coalesce(
        a['gen_ai.usage.cache_read.input_tokens'], a['gen_ai.usage.cache_read_input_tokens'],
        a['llm.token_count.prompt_details.cache_read'], a['ai.usage.cachedInputTokens']
    ) as cache_read_tokens,
    coalesce(
        a['gen_ai.usage.cache_write.input_tokens'], a['gen_ai.usage.cache_creation.input_tokens'],
        a['gen_ai.usage.cache_creation_input_tokens'],
        a['llm.token_count.prompt_details.cache_write']
    ) as cache_write_unknown_tokens,
    coalesce(
        a['gen_ai.usage.reasoning.output_tokens'], a['gen_ai.usage.reasoning_tokens'],
        a['llm.usage.reasoning_tokens'],
        a['llm.token_count.completion_details.reasoning'], a['ai.usage.reasoningTokens']
    ) as reasoning_tokens,
    coalesce(
        a['gen_ai.usage.audio.input_tokens'], a['llm.token_count.prompt_details.audio']
    ) as input_audio_tokens,
    coalesce(
        a['gen_ai.usage.audio.output_tokens'], a['llm.token_count.completion_details.audio']
    ) as output_audio_tokens,
    a['gen_ai.usage.image.input_tokens'] as input_image_tokens,
    -- As the conventions have it, unless a total says what the numbers are.
    case when total_tokens is null then true end as input_includes_cache,
    case when total_tokens is null then true end as output_includes_reasoning,
    ---------- outcome
    case
        when regexp_matches(error_type, '(?i)cancel|abort|client.?disconnect') or http_status = 499
            then 'cancelled'
        when regexp_matches(error_type, '(?i)rate.?limit|throttl|overloaded') then 'throttled'
        when failed then throttled_or_error(http_status)
        else 'ok'
    end as status,
    http_status,
    case when status <> 'ok' then error_type end as error_type,
    coalesce(
        json_text(a['gen_ai.response.finish_reasons'])->>'$[0]',
        a['gen_ai.completion.0.finish_reason'], a['llm.response.finish_reason'],
        a['ai.response.finishReason']
    ) as finish_reason,
    case
        when a['gen_ai.output.messages'] is not null then len(list_filter(
            try(json_text(a['gen_ai.output.messages'])->>'$[*].parts[*].type'),
            lambda kind: kind = 'tool_call'
        ))
        when a['ai.response.toolCalls'] is not null
            then try(json_array_length(json_text(a['ai.response.toolCalls'])))
        when called > 0 then called
    end as n_tool_calls,
    coalesce(
        a['gen_ai.usage.cost'], a['gen_ai.usage.total_cost'], a['llm.cost.total'],
        a['gen_ai.cost.total_cost']
    ) as logged_cost_usd,
    ---------- the router's choice
    a['traceloop.association.properties.logscope_propensity'] as propensity,
    a['traceloop.association.properties.logscope_config_id'] as config_id,
    a['traceloop.association.properties.logscope_rule_id'] as rule_id,
    case
        when not is_call then 'ignored: no model call'
    end as outcome
from calls
union all by name
select record_file, record_line, 'ignored: no spans' as outcome
from source
where coalesce(resourceSpans, batches, trace.resourceSpans) is null
    and coalesce(resourceLogs, resourceMetrics) is not null
