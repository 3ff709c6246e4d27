-- Timed event streams, logscope's own convention: one line per event, with the time it arrived.
-- source: logscope/formats/timed_sse.sql
-- get: Write NDJSON while reading the answer, one object per line of the event stream: when it came
--   (`t` seconds or `elapsed_ms` milliseconds since the request was sent, or `ts`, ISO 8601 or epoch
--   seconds) and what came (`data`, the event's data, or `line`, the raw line). Give every line
--   `request_id` where one file holds several streams, and one line (the first, without data)
--   `sent_at` and, if you like, `model` and `provider`.
-- beware: There is no standard for timed recordings; this is ours. Without `request_id` a file is one
--   stream, whose id is read from its events. Without `sent_at` a stream belongs to a request that
--   another log tells of; then `ts` cannot be used. Lines of one stream must be in one file.
-- reads: json
-- rows: many
-- detect: (json_exists(first, '$.t') or json_exists(first, '$.ts') or json_exists(first,
--   '$.elapsed_ms')) and (json_exists(first, '$.sent_at') or (json_type(first->'data') = 'VARCHAR' and
--   left(ltrim(first->>'data'), 1) in ('{', '[')) or regexp_matches((first->>'line'),
--   '^(data|event|id|retry)?:'))
-- columns: request_id VARCHAR, sent_at VARCHAR, provider VARCHAR, model VARCHAR, t VARCHAR, ts VARCHAR,
--   elapsed_ms VARCHAR, data VARCHAR, line VARCHAR
-- One row per stream.
with lines as (
    select
        *,
        coalesce(known(data), nullif(regexp_extract(line, '^data: ?(.*)$', 1), '')) as event,
    from source
    where coalesce(request_id, sent_at, t, ts, elapsed_ms, data, line) is not null
),

-- Sorted as lists of structs and joined: a window, or lists that aggregate in order, can block.
starts as (
    select record_file, coalesce(request_id, '') as stream, min(time_of(sent_at)) as start_time
    from lines
    group by all
),

begun as (
    select
        lines.*,
        start_time,
        coalesce(
            try_cast(elapsed_ms as double),
            try_cast(t as double) * 1000,
            ms_between(start_time, time_of(ts))
        ) as offset_ms,
        event_kind(event) as kind,
    from lines
    join starts
        on lines.record_file = starts.record_file and coalesce(request_id, '') = starts.stream
),

grouped as (
    select
        record_file,
        request_id as given_id,
        min(start_time) as start_time,
        max(provider) as provider,
        max(model) as model,
        list_sort(list(struct_pack(
            line_number := record_line, offset_ms := offset_ms, kind := kind, event := event
        ))) as parts,
    from begun
    group by record_file, request_id
),

streams as (
    select
        * exclude (parts),
        parts[1].line_number as record_line,
        list_transform(
            list_filter(parts, lambda part: left(ltrim(part.event), 1) = '{'),
            lambda part: part.event
        ) as events,
        list_sort(list_transform(
            list_filter(parts, lambda part: part.kind is not null and part.offset_ms >= 0),
            lambda part: struct_pack(
                offset_ms := part.offset_ms, place := part.line_number, kind := part.kind
            )
        )) as chunks,
        len(list_filter(parts, lambda part: part.kind is not null and part.offset_ms is null))
            as n_untimed,
    from grouped
),

told as (
    select
        *,
        list_transform(chunks, lambda chunk: chunk.offset_ms) as offsets,
        usage_of(events) as usage,
        -- Anthropic tells the input when the stream begins.
        begin_usage_of(events) as begin_usage,
        coalesce(
            last_of(list_transform(events, lambda event: try(event->>'$.message.id'))),
            last_of(list_transform(events, lambda event: try(event->>'$.response.id'))),
            last_of(list_transform(events, lambda event: try(event->>'$.id'))),
            last_of(list_transform(events, lambda event: try(event->>'$.responseId')))
        ) as response_id,
        coalesce(
            last_of(list_transform(events, lambda event: try(event->>'$.message.model'))),
            last_of(list_transform(events, lambda event: try(event->>'$.response.model'))),
            last_of(list_transform(events, lambda event: try(event->>'$.model'))),
            model
        ) as served,
    from streams
),

-- A stream without a start of its own can only join a request that another log tells of.
dated as (
    select *, start_time is not null as is_dated from told
)

select
    record_file,
    record_line,
    coalesce(known(given_id), response_id) as request_id,
    start_time as started_at,
    case when is_dated then offsets[-1] end as duration_ms,
    case
        when is_dated then list_filter(chunks, lambda chunk: is_output(chunk.kind))[1].offset_ms
    end as ttft_ms,
    offsets as offsets_ms,
    list_transform(chunks, lambda chunk: chunk.kind) as kinds,
    case when is_dated then provider end as provider,
    case when is_dated then model end as model_requested,
    case when is_dated then served end as model_logged,
    case when is_dated then true end as stream,
    case when is_dated then coalesce(
        usage->>'$.prompt_tokens', begin_usage->>'$.input_tokens', usage->>'$.input_tokens',
        usage->>'$.promptTokenCount'
    ) end as input_tokens,
    case when is_dated then coalesce(
        usage->>'$.completion_tokens', usage->>'$.output_tokens', usage->>'$.candidatesTokenCount'
    ) end as output_tokens,
    case when is_dated then coalesce(usage->>'$.total_tokens', usage->>'$.totalTokenCount') end
        as total_tokens,
    case when is_dated then coalesce(
        usage->>'$.prompt_tokens_details.cached_tokens',
        usage->>'$.input_tokens_details.cached_tokens',
        begin_usage->>'$.cache_read_input_tokens', usage->>'$.cachedContentTokenCount'
    ) end as cache_read_tokens,
    case when is_dated then begin_usage->>'$.cache_creation_input_tokens' end
        as cache_write_unknown_tokens,
    case when is_dated then coalesce(
        usage->>'$.completion_tokens_details.reasoning_tokens',
        usage->>'$.output_tokens_details.reasoning_tokens', usage->>'$.thoughtsTokenCount'
    ) end as reasoning_tokens,
    begin_usage is null as input_includes_cache,
    (usage->>'$.candidatesTokenCount') is null as output_includes_reasoning,
    case when is_dated then coalesce(
        last_of(list_transform(events, lambda event: try(event->>'$.choices[0].finish_reason'))),
        last_of(list_transform(events, lambda event: try(event->>'$.delta.stop_reason')))
    ) end as finish_reason,
    case
        when n_untimed > 0 then 'rejected: an event without a time, or `ts` without `sent_at`'
        when coalesce(len(chunks), 0) = 0 then 'ignored: no events'
    end as outcome
from dated
