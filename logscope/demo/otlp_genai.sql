-- OpenTelemetry GenAI spans, OTLP/JSON: one ExportTraceServiceRequest per line, as the collector's
-- file exporter writes it. The teams platform and search follow today's conventions, the others the
-- older names of OpenLLMetry. Each operation has a server span of its own around the model calls.
-- writes: otlp_genai.jsonl
-- To ignore: a line without any model call. To reject: half a line.
-- One line per batch of at most four operations of one service, region and instrumentation.
with observed as (
    select
        *,
        coalesce(
            map {'gpt-5.5': 'azure.ai.openai', 'gemini-2.5-pro': 'gcp.gemini'}[model], maker
        ) as provider,
        served || if(maker = 'anthropic', '-20260401', '') as response_model,
        replace(feature, '_', '-') || '-service' as service,
        team in ('platform', 'search') as today,
        -- The client of a proxy sees the proxy's own time as well.
        started_us - if(twin, overhead // 2, 0) as span_start_us,
        ended_us + if(twin, overhead // 2, 0) as span_end_us,
        left(span_hex, 16) as span_id,
        left(hex_of('server', operation_no || kind), 16) as server_span_id,
        if(kind = 'request', operation_hex, hex_of('trace', request_no)) as trace_id,
    from (select *, hex_of('span', request_no) as span_hex from truth)
    where file = 'otlp_genai' or twin
),

described as (
    select
        *,
        if(answered, nullif(cache_read_tokens, 0), null) as read,
        if(answered, nullif(cache_write_5m_tokens + cache_write_1h_tokens, 0), null) as written,
        if(answered, nullif(reasoning_tokens, 0), null) as thought,
        to_json({
            'task': task, 'team': team, 'feature': feature, 'prompt_version': prompt_version
        })::varchar as metadata,
        to_json([{'role': 'user', 'parts': [{'type': 'text', 'content': user_text}]}])::varchar
            as messages,
        to_json(list_transform(
            range(n_tools), lambda tool: {'type': 'function', 'name': 'lookup_' || tool}
        ))::varchar as tools,
        replace(provider, 'azure.ai.openai', 'az.ai.openai') as old_provider,
    from observed
),

attributed as (
    select
        *,
        list_filter([
            text_attribute('gen_ai.operation.name', 'chat'),
            text_attribute('gen_ai.request.model', model),
            text_attribute('gen_ai.response.model', if(answered, response_model, null)),
            text_attribute('gen_ai.response.id', if(answered, request_id, null)),
            text_attribute('gen_ai.conversation.id', session_id),
            text_attribute('server.address', maker || '.' || region || '.llm.example.com'),
            count_attribute('gen_ai.request.max_tokens', max_output_tokens),
            number_attribute('gen_ai.request.temperature', temperature),
            list_attribute('gen_ai.response.finish_reasons', finish_reason),
        ] || if(today, [
            text_attribute('gen_ai.provider.name', provider),
            flag_attribute('gen_ai.request.stream', nullif(stream, false)),
            count_attribute('gen_ai.usage.input_tokens', if(answered, input_tokens, null)),
            count_attribute('gen_ai.usage.output_tokens', if(answered, output_tokens, null)),
            count_attribute('gen_ai.usage.cache_read.input_tokens', read),
            count_attribute('gen_ai.usage.cache_creation.input_tokens', written),
            count_attribute('gen_ai.usage.reasoning.output_tokens', thought),
            number_attribute(
                'gen_ai.response.time_to_first_chunk', (first_token_us - span_start_us) / 1e6
            ),
            text_attribute('gen_ai.input.messages', messages),
            text_attribute('gen_ai.tool.definitions', if(n_tools > 0, tools, null)),
            text_attribute('metadata', metadata),
            text_attribute('error.type', if(answered, null, http_status::varchar)),
        ], [
            text_attribute('gen_ai.system', old_provider),
            flag_attribute('gen_ai.is_streaming', nullif(stream, false)),
            count_attribute('gen_ai.usage.prompt_tokens', if(answered, input_tokens, null)),
            count_attribute('gen_ai.usage.completion_tokens', if(answered, output_tokens, null)),
            count_attribute('gen_ai.usage.cache_read_input_tokens', read),
            count_attribute('gen_ai.usage.cache_creation_input_tokens', written),
            count_attribute('gen_ai.usage.reasoning_tokens', thought),
            text_attribute('traceloop.association.properties.task', task),
            text_attribute('traceloop.association.properties.team', team),
            text_attribute('traceloop.association.properties.feature', feature),
            text_attribute('traceloop.association.properties.prompt_version', prompt_version),
            text_attribute('error.type', error_type),
        ]), lambda attribute: attribute.value is not null) as attributes,
    from described
),

called as (
    select
        *,
        without_nulls({
            'traceId': trace_id,
            'spanId': span_id,
            'parentSpanId': server_span_id,
            'name': 'chat ' || model,
            'kind': 3,
            'startTimeUnixNano': ns_of(span_start_us),
            'endTimeUnixNano': ns_of(span_end_us),
            'attributes': attributes,
            -- The older generation tells of the first token by an event only.
            'events': case
                when not today and first_token_us is not null then [{
                    'timeUnixNano': ns_of(first_token_us), 'name': 'First Token Stream Event'
                }]
            end,
            'status': if(answered, '{}'::json, to_json({'code': 2, 'message': 'lorem ipsum'})),
        })::json as span,
    from attributed
),

operations as (
    select
        kind,
        service,
        region,
        environment,
        today,
        trace_id,
        min(request_no) as first_no,
        min(span_start_us) as started,
        list(span order by span_start_us, request_no) filter (where kind <> 'ignored') as calls,
        to_json({
            'traceId': trace_id,
            'spanId': any_value(server_span_id),
            'parentSpanId': '',
            'name': 'POST /' || any_value(feature),
            'kind': 2,
            'startTimeUnixNano': ns_of(min(span_start_us) - 2500),
            'endTimeUnixNano': ns_of(max(span_end_us) + 1500),
            'attributes': [{'key': 'http.request.method', 'value': {'stringValue': 'POST'}}],
            'status': '{}'::json,
        }) as server_span,
    from called
    group by kind, service, region, environment, today, trace_id
),

numbered as (
    select
        *,
        [server_span] || coalesce(calls, []) as spans,
        (row_number() over (
            partition by kind, service, region, environment, today order by started, first_no
        ) - 1) // 4 as batch,
    from operations
),

batched as (
    select
        kind,
        min(started) as started,
        min(first_no) as first_no,
        to_json({'resourceSpans': [{
            'resource': {'attributes': [
                {'key': 'service.name', 'value': {'stringValue': service}},
                {'key': 'deployment.environment.name', 'value': {'stringValue': environment}},
                {'key': 'cloud.region', 'value': {'stringValue': region}},
            ]},
            'scopeSpans': [{
                'scope': {
                    'name': 'opentelemetry.instrumentation.' || if(today, 'genai', 'openllmetry'),
                    'version': '0.60.0',
                },
                'spans': flatten(list(spans order by started, first_no)),
            }],
        }]})::varchar as record,
    from numbered
    group by kind, service, region, environment, today, batch
)

select half_if_rejected(kind, record) as line
from batched
order by started, first_no
