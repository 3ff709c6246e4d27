-- Langfuse observations: downloaded traces, pages of the public API, blob storage exports.
-- source: https://langfuse.com/docs/api-and-data-platform/features/export-to-blob-storage
-- get: Project settings, Integrations, Blob Storage (JSON, JSONL, CSV or Parquet), then copy the
--   folder observations/ or observations_v2/. Or GET /api/public/observations?type=GENERATION, one
--   page per file. Or "Download trace" in the user interface.
-- beware: Only generations and embeddings are model calls. The session stands on the trace: where
--   an export does not repeat it, the trace is the session. No HTTP status, no region, and no
--   provider but what the instrumentation left in the metadata. Counters of `usageDetails` are free
--   names: whether they are parts or subsets is told by the total, which Langfuse sums up itself if
--   the caller gave none. Costs are Langfuse's own; a key without a price costs nothing there. A
--   missing end means still running, or lost.
-- reads: json, csv, parquet
-- records: data
-- rows: many
-- detect: json_exists(first, '$.trace.observations') or (json_exists(first, '$.id') and
--   json_exists(first, '$.type') and ((json_exists(first, '$.traceId') and json_exists(first,
--   '$.startTime')) or (json_exists(first, '$.trace_id') and json_exists(first, '$.start_time'))))
-- columns: trace VARCHAR, id VARCHAR, type VARCHAR, model VARCHAR, input VARCHAR, metadata VARCHAR,
--   level VARCHAR, environment VARCHAR, version VARCHAR, release VARCHAR, tags VARCHAR, latency
--   VARCHAR, usage VARCHAR, traceId VARCHAR, parentObservationId VARCHAR, startTime VARCHAR,
--   completionStartTime VARCHAR, endTime VARCHAR, timeToFirstToken VARCHAR, providedModelName
--   VARCHAR, modelParameters VARCHAR, usageDetails VARCHAR, costDetails VARCHAR, totalCost VARCHAR,
--   statusMessage VARCHAR, promptName VARCHAR, userId VARCHAR, sessionId VARCHAR, traceName
--   VARCHAR, trace_id VARCHAR, parent_observation_id VARCHAR, start_time VARCHAR,
--   completion_start_time VARCHAR, end_time VARCHAR, time_to_first_token VARCHAR,
--   provided_model_name VARCHAR, model_parameters VARCHAR, usage_details VARCHAR, cost_details
--   VARCHAR, total_cost VARCHAR, status_message VARCHAR, prompt_name VARCHAR, user_id VARCHAR,
--   session_id VARCHAR, trace_name VARCHAR
-- One row per observation.
with traces as (
    select
        record_file,
        record_line,
        try(from_json(trace, '{
            "id": "VARCHAR", "name": "VARCHAR", "sessionId": "VARCHAR", "userId": "VARCHAR",
            "tags": "VARCHAR", "release": "VARCHAR",
            "scores": [{"name": "VARCHAR", "value": "VARCHAR", "dataType": "VARCHAR",
                "source": "VARCHAR", "timestamp": "VARCHAR", "observationId": "VARCHAR"}],
            "observations": [{
                "id": "VARCHAR", "type": "VARCHAR", "model": "VARCHAR", "input": "VARCHAR",
                "metadata": "VARCHAR", "level": "VARCHAR", "environment": "VARCHAR",
                "version": "VARCHAR", "parentObservationId": "VARCHAR", "startTime": "VARCHAR",
                "completionStartTime": "VARCHAR", "endTime": "VARCHAR", "latency": "VARCHAR",
                "timeToFirstToken": "VARCHAR", "modelParameters": "VARCHAR",
                "usageDetails": "VARCHAR", "costDetails": "VARCHAR", "totalCost": "VARCHAR",
                "statusMessage": "VARCHAR", "promptName": "VARCHAR"
            }]
        }')) as opened,
    from source
    where trace is not null
),

inside as (
    select
        record_file,
        record_line,
        opened.id as trace_id,
        opened.sessionId as session_id,
        opened.userId as user_id,
        opened.name as trace_name,
        opened.tags as tags,
        opened.release as release,
        unnest(opened.observations) as o,
    from traces
),

observations as (
    select
        * exclude (o),
        o.id as id,
        o.type as type,
        o.model as model,
        o.input as input,
        o.metadata as metadata,
        o.level as level,
        o.environment as environment,
        o.version as version,
        o.parentObservationId as parent_id,
        o.startTime as start_time,
        o.completionStartTime as first_time,
        o.endTime as end_time,
        o.latency as latency,
        o.timeToFirstToken as first_latency,
        o.modelParameters as parameters,
        o.usageDetails as used,
        o.costDetails as costs,
        o.totalCost as total_cost,
        o.statusMessage as status_message,
        o.promptName as prompt_name,
    from inside
    union all by name
    select
        record_file,
        record_line,
        coalesce(traceId, trace_id) as trace_id,
        coalesce(sessionId, session_id) as session_id,
        coalesce(userId, user_id) as user_id,
        coalesce(traceName, trace_name) as trace_name,
        tags,
        release,
        id,
        type,
        coalesce(providedModelName, provided_model_name, model) as model,
        input,
        metadata,
        level,
        environment,
        version,
        coalesce(parentObservationId, parent_observation_id) as parent_id,
        coalesce(startTime, start_time) as start_time,
        coalesce(completionStartTime, completion_start_time) as first_time,
        coalesce(endTime, end_time) as end_time,
        latency,
        coalesce(timeToFirstToken, time_to_first_token) as first_latency,
        coalesce(modelParameters, model_parameters) as parameters,
        coalesce(usageDetails, usage_details, usage) as used,
        coalesce(costDetails, cost_details) as costs,
        coalesce(totalCost, total_cost) as total_cost,
        coalesce(statusMessage, status_message) as status_message,
        coalesce(promptName, prompt_name) as prompt_name,
    from source
    where trace is null
        and coalesce(id, type, traceId, trace_id, startTime, start_time) is not null
),

opened as (
    select
        *,
        try_cast(entries_but(entries_map(used), ['unit']) as map(varchar, bigint)) as u,
        messages_of(coalesce(try(input->>'$.messages'), input)) as prompt,
        try(parameters->>[
            '$.temperature', '$.max_tokens', '$.maxTokens', '$.max_output_tokens',
            '$.max_completion_tokens', '$.reasoning_effort', '$.service_tier', '$.system'
        ]) as asked,
        try(metadata->>[
            '$.attributes."gen_ai.provider.name"', '$.attributes."gen_ai.system"',
            '$.attributes."llm.provider"', '$.attributes."llm.system"', '$.ls_provider'
        ]) as told,
    from observations
),

counted as (
    select
        *,
        coalesce(u['total'], u['total_tokens']) as total,
        coalesce(u['input'], u['prompt_tokens'], u['input_tokens']) as input_count,
        coalesce(u['output'], u['completion_tokens'], u['output_tokens']) as output_count,
        coalesce(
            u['input_cached_tokens'], u['input_cache_read'], u['input_cached_read'],
            u['cache_read_input_tokens'], u['input_cache_read_tokens'], u['input_cached'],
            u['prompt_details.cache_read'], u['input_cache_read_input_tokens']
        ) as cache_read,
        u['input_cache_creation_5m'] as written_5m,
        u['input_cache_creation_1h'] as written_1h,
        coalesce(
            u['input_cache_creation'], u['cache_creation_input_tokens'],
            u['input_cache_creation_tokens'], u['prompt_details.cache_write']
        ) as written,
        coalesce(
            u['output_reasoning'], u['output_reasoning_tokens'], u['reasoning_tokens'],
            u['completion_details.reasoning'], u['reasoning']
        ) as reasoning,
        coalesce(u['input_audio'], u['input_audio_tokens'], u['prompt_details.audio'])
            as input_audio,
        coalesce(u['output_audio'], u['output_audio_tokens'], u['completion_details.audio'])
            as output_audio,
        list_sum(list_transform(
            list_filter(
                map_entries(u), lambda entry: entry.key not in ('total', 'total_tokens')
            ),
            lambda entry: entry.value
        )) as parts,
    from opened
),

-- The total says whether the details are subsets of input and output, or parts beside them.
judged as (
    select
        *,
        case when total = input_count + output_count then true when total = parts then false end
            as inclusive,
    from counted
)

select
    record_file,
    record_line,
    id as request_id,
    -- Mostly the id is a span's; LiteLLM makes one of the response's.
    ids_of([
        case when is_span_key(span_key(trace_id, id)) then span_key(trace_id, id) end,
        nullif(regexp_extract(id, '^time-[0-9-]+_(.+)$', 1), '')
    ]) as other_ids,
    span_or_id(trace_id, parent_id) as parent_request_id,
    coalesce(known(session_id), trace_id) as session_id,
    time_of(start_time) as started_at,
    time_of(first_time) as first_token_at,
    time_of(end_time) as ended_at,
    case when end_time is null then try_cast(latency as double) * 1000 end as duration_ms,
    case when first_time is null then try_cast(first_latency as double) * 1000 end as ttft_ms,
    ---------- what answered
    coalesce(told[1], told[2], told[3], told[4], told[5], asked[8]) as provider,
    known(model) as model_requested,
    known(model) as model_logged,
    ---------- who asked
    known(environment) as environment,
    known(user_id) as user_id,
    entries_but(
        map_concat(
            {
                'trace': known(trace_name),
                'prompt': known(prompt_name),
                'release': known(release)
            }::map(varchar, varchar),
            tag_entries(list_transform(try(tags->>'$[*]'), lambda tag: tag::varchar))
        ),
        own_keys()
    ) as labels,
    ---------- known before the answer
    case when coalesce(first_time, first_latency) is not null then true end as stream,
    tier_of(asked[7]) as service_tier,
    asked[6] as reasoning_effort,
    len(prompt) as n_messages,
    coalesce(asked[2], asked[3], asked[4], asked[5]) as max_output_tokens,
    asked[1] as temperature,
    prompt_of(prompt) as prompt_text,
    system_of(prompt) as system_prompt,
    case when prompt is not null then has_image(input) end as has_images,
    ---------- tokens
    -- Audio is a part of its own where the details are parts.
    input_count + if(inclusive is false, coalesce(input_audio, 0), 0) as input_tokens,
    output_count + if(inclusive is false, coalesce(output_audio, 0), 0) as output_tokens,
    total as total_tokens,
    inclusive as input_includes_cache,
    inclusive as output_includes_reasoning,
    cache_read as cache_read_tokens,
    written_5m as cache_write_5m_tokens,
    written_1h as cache_write_1h_tokens,
    -- Some write the sum beside its two parts.
    if(written = coalesce(written_5m, 0) + coalesce(written_1h, 0) and written > 0
        and coalesce(written_5m, written_1h) is not null, 0, written) as cache_write_unknown_tokens,
    reasoning as reasoning_tokens,
    input_audio as input_audio_tokens,
    output_audio as output_audio_tokens,
    ---------- outcome
    case
        when level = 'ERROR' and regexp_matches(status_message, '(?i)rate.?limit|\b429\b|overload')
            then 'throttled'
        when level = 'ERROR' and regexp_matches(status_message, '(?i)cancel|abort') then 'cancelled'
        when level = 'ERROR' then 'error'
        else 'ok'
    end as status,
    -- Without a price Langfuse writes a total of 0.
    case
        when coalesce(costs, '{}') = '{}' then nullif(try_cast(total_cost as double), 0)
        else coalesce(try_cast(total_cost as double), try_cast(try(costs->>'$.total') as double))
    end as logged_cost_usd,
    null::varchar as name,
    null::varchar as value,
    null::varchar as score_source,
    null::timestamptz as scored_at,
    case
        when type not in ('GENERATION', 'EMBEDDING') then 'ignored: no model call'
    end as outcome
from judged
union all by name
select
    record_file,
    record_line,
    score.observationId as request_id,
    case when score.observationId is null then coalesce(session, trace) end as session_id,
    score.name as name,
    share_of(score.value) as value,
    lower(score.source) as score_source,
    time_of(score.timestamp) as scored_at,
    case when share_of(score.value) is null then 'ignored: a category, no number' end as outcome,
from (
    select
        record_file,
        record_line,
        opened.id as trace,
        opened.sessionId as session,
        unnest(opened.scores) as score,
    from traces
)
union all by name
select record_file, record_line, 'rejected: a trace that cannot be read' as outcome
from traces
where opened is null
union all by name
select record_file, record_line, 'ignored: no observation' as outcome
from source
where trace is null
    and coalesce(id, type, traceId, trace_id, startTime, start_time) is null
    and coalesce(metadata, input, model, environment, level, usage, tags) is not null
