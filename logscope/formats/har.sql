-- HAR, HTTP archive of a browser or a proxy: one entry per request.
-- source: https://chromedevtools.github.io/devtools-protocol/
-- get: Chrome DevTools, Network, Export HAR (with content), or mitmdump --set hardump=FILE.
-- beware: No real record was seen, and whether Chrome writes `_eventSourceMessages` for streams that are
--   fetched by a script is not known; without them there is no first token (the first byte is a header).
--   Their `time` is taken as epoch seconds, which is inferred. Only calls to paths of model APIs are
--   requests. Bodies and prompts are not kept; a HAR holds keys and cookies, so delete it afterwards.
-- reads: json
-- records: log.entries
-- detect: (first->'$.log.entries') is not null or (json_exists(first, '$.startedDateTime') and
--   json_exists(first, '$.request') and json_exists(first, '$.timings'))
-- columns: startedDateTime VARCHAR, "time" VARCHAR, request STRUCT(url VARCHAR, method VARCHAR, postData
--   STRUCT(text VARCHAR)), response STRUCT(status VARCHAR, headers STRUCT(name VARCHAR, value
--   VARCHAR)[], content STRUCT(text VARCHAR, encoding VARCHAR)), "_eventSourceMessages" STRUCT("time" VARCHAR, data VARCHAR)[]
-- One row per entry.
with opened as (
    select
        *,
        time_of(startedDateTime) as began_at,
        case
            when response.content.encoding = 'base64'
                then try(decode(from_base64(response.content.text)))
            else response.content.text
        end as body,
        request.postData.text as asked,
        list_filter("_eventSourceMessages", lambda message: left(ltrim(message.data), 1) = '{')
            as messages,
        http_code(response.status) as code,
    from source
),

told as (
    select
        *,
        case
            when len(messages) > 0 then list_transform(messages, lambda message: message.data)
            else events_of(body)
        end as events,
        list_sort(list_filter(
            list_transform(messages, lambda message: struct_pack(
                offset_ms := ms_between(began_at, time_of(message."time")),
                kind := event_kind(message.data)
            )),
            lambda chunk: chunk.offset_ms >= 0 and chunk.kind is not null
        )) as chunks,
    from opened
),

counted as (
    select
        *,
        usage_of(events) as usage,
        begin_usage_of(events) as begin_usage,
        coalesce(
            last_of(list_transform(events, lambda event: try(event->>'$.message.id'))),
            last_of(list_transform(events, lambda event: try(event->>'$.response.id'))),
            last_of(list_transform(events, lambda event: try(event->>'$.id')))
        ) as response_id,
        coalesce(
            last_of(list_transform(events, lambda event: try(event->>'$.message.model'))),
            last_of(list_transform(events, lambda event: try(event->>'$.response.model'))),
            last_of(list_transform(events, lambda event: try(event->>'$.model')))
        ) as served,
    from told
)

select
    record_file,
    record_line,
    coalesce(response_id, left(sha256(concat_ws('|', startedDateTime, request.url, asked)), 24))
        as request_id,
    began_at as started_at,
    -- -1 and NaN are how HAR writers say that they do not know.
    case when try_cast("time" as double) >= 0 then try_cast("time" as double) end as duration_ms,
    list_filter(chunks, lambda chunk: is_output(chunk.kind))[1].offset_ms as ttft_ms,
    case when len(chunks) > 0 then list_transform(chunks, lambda chunk: chunk.offset_ms) end
        as offsets_ms,
    case when len(chunks) > 0 then list_transform(chunks, lambda chunk: chunk.kind) end as kinds,
    case
        when contains(request.url, 'api.openai.com') then 'openai'
        when contains(request.url, 'api.anthropic.com') then 'anthropic'
        when contains(request.url, 'generativelanguage.googleapis.com') then 'gemini'
        when contains(request.url, '.azure.com') then 'azure'
        when contains(request.url, 'bedrock-runtime') then 'bedrock'
    end as provider,
    try(asked->>'$.model') as model_requested,
    coalesce(served, try(asked->>'$.model')) as model_logged,
    endpoint_of(request.url) as region_logged,
    coalesce(
        try_cast(try(asked->>'$.stream') as boolean), case when len(messages) > 0 then true end
    ) as stream,
    coalesce(
        usage->>'$.prompt_tokens', begin_usage->>'$.input_tokens', usage->>'$.input_tokens'
    ) as input_tokens,
    coalesce(usage->>'$.completion_tokens', usage->>'$.output_tokens') as output_tokens,
    usage->>'$.total_tokens' as total_tokens,
    coalesce(
        usage->>'$.prompt_tokens_details.cached_tokens',
        begin_usage->>'$.cache_read_input_tokens', usage->>'$.cache_read_input_tokens'
    ) as cache_read_tokens,
    coalesce(
        begin_usage->>'$.cache_creation_input_tokens', usage->>'$.cache_creation_input_tokens'
    ) as cache_write_unknown_tokens,
    usage->>'$.completion_tokens_details.reasoning_tokens' as reasoning_tokens,
    case
        when (usage->>'$.prompt_tokens') is not null then true
        when contains(request.url, 'anthropic') then false
    end as input_includes_cache,
    true as output_includes_reasoning,
    case
        when code >= 400 then throttled_or_error(code)
        when code is null and try_cast(response.status as integer) = 0 then 'cancelled'
        when code is not null then 'ok'
    end as status,
    code as http_status,
    header_of(response.headers, [
        'x-ratelimit-limit-requests', 'anthropic-ratelimit-requests-limit'
    ]) as limit_requests,
    header_of(response.headers, [
        'x-ratelimit-remaining-requests', 'anthropic-ratelimit-requests-remaining'
    ]) as remaining_requests,
    header_of(response.headers, [
        'x-ratelimit-limit-tokens', 'anthropic-ratelimit-tokens-limit'
    ]) as limit_tokens,
    header_of(response.headers, [
        'x-ratelimit-remaining-tokens', 'anthropic-ratelimit-tokens-remaining'
    ]) as remaining_tokens,
    case
        when request.url is not null and not regexp_matches(
            request.url,
            '(?i)/(chat/)?completions|/responses|/embeddings|/v1/messages|:(stream)?generatecontent'
                || '|/converse|/invoke'
        ) then 'ignored: no model call'
        when request.method not in ('POST') then 'ignored: no model call'
    end as outcome
from counted
