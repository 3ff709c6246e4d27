-- GenAI-Perf (perf_analyzer), profile_export.json: one object per benchmark request.
-- source:
--   https://github.com/triton-inference-server/perf_analyzer/blob/main/docs/benchmarking.md
-- get: genai-perf profile ... writes artifacts/NAME/profile_export.json; keep the payloads and outputs.
-- beware: Chunks without content (a role, the usage, [DONE]) are dropped, as GenAI-Perf does. Requests
--   that start outside the measurement window are ignored as warm-up. Tokens are only there where the
--   server sent its usage. Times are the client's.
-- reads: json
-- records: experiments.requests
-- around: window_boundaries
-- detect: (first->'$.experiments[0].requests') is not null or (json_exists(first,
--   '$.response_timestamps') and json_exists(first, '$.timestamp'))
-- columns: timestamp VARCHAR, request_inputs STRUCT(payload VARCHAR, session_id VARCHAR),
--   response_timestamps VARCHAR[], response_outputs STRUCT(response VARCHAR)[], window_boundaries
--   VARCHAR[]
-- One row per request.
with opened as (
    select
        *,
        request_inputs.payload as payload,
        list_transform(response_outputs, lambda output: events_of(output.response)) as reads,
    from source as rows
),

-- One network read may hold several events; what it brings is the first output among them.
judged as (
    select
        *,
        flatten(reads) as events,
        list_transform(reads, lambda found: list_filter(
            list_transform(found, lambda event: event_kind(event)), lambda kind: is_output(kind)
        )[1]) as kinds_read,
        messages_of(object_of(payload)->>'$.messages') as prompt,
    from opened
),

timed as (
    select
        *,
        list_filter(
            list_transform(response_timestamps, lambda moment, place: struct_pack(
                offset_ms := ms_between_ns(timestamp, moment), kind := kinds_read[place]
            )),
            lambda chunk: chunk.kind is not null and chunk.offset_ms >= 0
        ) as chunks,
        last_of(list_transform(events, lambda event: try(event->>'$.id'))) as response_id,
        contains(response_outputs[1].response, 'data:') or len(response_timestamps) > 1 as streamed,
        usage_of(events) as usage,
    from judged
)

select
    record_file,
    record_line,
    coalesce(known(response_id), left(sha256(concat_ws('|', timestamp, payload)), 24)) as request_id,
    request_inputs.session_id as session_id,
    time_of_ns(timestamp) as started_at,
    time_of_ns(response_timestamps[-1]) as ended_at,
    ms_between_ns(timestamp, response_timestamps[-1]) as duration_ms,
    case when streamed then chunks[1].offset_ms end as ttft_ms,
    case when streamed and len(chunks) > 0
        then list_transform(chunks, lambda chunk: chunk.offset_ms) end as offsets_ms,
    case when streamed and len(chunks) > 0
        then list_transform(chunks, lambda chunk: chunk.kind) end as kinds,
    object_of(payload)->>'$.model' as model_requested,
    coalesce(
        last_of(list_transform(events, lambda event: try(event->>'$.model'))), object_of(payload)->>'$.model'
    ) as model_logged,
    streamed as stream,
    len(prompt) as n_messages,
    coalesce(object_of(payload)->>'$.max_tokens', object_of(payload)->>'$.max_completion_tokens') as max_output_tokens,
    object_of(payload)->>'$.temperature' as temperature,
    prompt_of(prompt) as prompt_text,
    usage->>'$.prompt_tokens' as input_tokens,
    usage->>'$.completion_tokens' as output_tokens,
    usage->>'$.total_tokens' as total_tokens,
    usage->>'$.prompt_tokens_details.cached_tokens' as cache_read_tokens,
    usage->>'$.completion_tokens_details.reasoning_tokens' as reasoning_tokens,
    last_of(list_transform(events, lambda event: try(event->>'$.choices[0].finish_reason')))
        as finish_reason,
    -- An answer without any content is none.
    case when len(chunks) > 0 then 'ok' when timestamp is not null then 'error' end as status,
    case
        when len(window_boundaries) > 1 and (
            try_cast(timestamp as hugeint) < try_cast(window_boundaries[1] as hugeint)
            or try_cast(timestamp as hugeint) > try_cast(window_boundaries[-1] as hugeint)
        ) then 'ignored: warm-up'
    end as outcome
from timed
