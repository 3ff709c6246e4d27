-- Functions that every log format may use. None of them throws: what cannot be read is NULL.

-- Times. ISO 8601 (without an offset it means UTC) or epoch seconds; a double holds those to the
-- microsecond. Beyond the year 9999 it was no second.
create macro within_calendar(moment) as
    case
        when moment >= timestamptz '0001-01-01 00:00:00+00'
            and moment < timestamptz '9999-12-31 00:00:00+00' then moment
    end;
create macro time_of_us(us) as
    case
        when us between -62135596800000000 and 253402300799999999 then make_timestamptz(us::bigint)
    end;
create macro iso_time(text) as
    case when isfinite(try_cast(text as timestamptz)) then try_cast(text as timestamptz) end;
create macro time_of(text) as
    case
        when try_cast(text as double) is not null
            then time_of_us(round(try_cast(text as double) * 1e6))
        else iso_time(text::varchar)
    end;
create macro time_of_ms(text) as time_of_us(round(try_cast(text as double) * 1e3));
-- Nanoseconds since 1970 pass 2^53: an exact integer, never a double. Zero means not set.
create macro time_of_ns(text) as time_of_us(nullif(try_cast(text as hugeint), 0) // 1000);
-- .NET ticks: 100 ns since the year 1.
create macro time_of_ticks(text) as
    time_of_us(nullif(try_cast(text as hugeint), 0) // 10 - 62135596800000000);
-- A length of time, up to some months; no call takes longer.
create macro span_of_ms(ms) as
    to_microseconds(case when abs(ms) < 1e10 then (ms * 1000)::bigint end);
-- Of microseconds, because DuckDB asks the calendar for a difference or a sum of moments.
create macro ms_between(first, last) as (epoch_us(last) - epoch_us(first)) / 1000.0;
create macro later_by_ms(moment, ms) as
    make_timestamptz(epoch_us(moment) + (ms::double * 1000)::bigint);
create macro ms_between_ns(first, last) as
    (try_cast(last as hugeint) - try_cast(first as hugeint))::double / 1e6;

-- What took a day or more was no request.
create macro longest_ms() as 86400000;
create macro is_span_of_time(ms) as ms >= 0 and ms < longest_ms();
-- Another time of a record that began at `start` (both as texts). Where only one of them tells its
-- zone, the other may be in local time: then the time between them is not known.
create macro has_zone(text) as
    try_cast(text as double) is not null
    or regexp_matches(text, '(?i):[0-9.,]+ *(z|utc|gmt|[+-][0-9]{2}(:?[0-9]{2})?)$');
create macro time_beside(text, start) as
    case when has_zone(text) = has_zone(start) then time_of(text) end;

-- Text. The empty string, "None" and "null" are how some producers write that they do not know.
create macro known(text) as case when text not in ('', 'None', 'null') then text end;
-- The last value that is one.
create macro last_of(list) as list_filter(list, lambda item: item is not null)[-1];
-- The texts of a list as lines; NULL where there is none.
create macro joined_lines(texts) as
    coalesce(nullif(array_to_string(texts, chr(10)), ''), last_of(texts));

-- The value of the first header, of a list of {name, value}, that has one of the names.
create macro header_of(headers, names) as
    list_filter(headers, lambda header: list_contains(names, lower(header.name)))[1].value;

-- Maps. The scalar entries of a JSON object; nested ones and NULLs are left out.
create macro entries_map(text) as
    case
        when left(text, 1) = '{' and text <> '{}' then map_from_entries(list_transform(
            list_filter(
                map_entries(try(from_json(text, '"MAP(VARCHAR, JSON)"'))),
                lambda entry: json_type(entry.value) not in ('OBJECT', 'ARRAY', 'NULL')
            ),
            lambda entry: {'key': entry.key, 'value': entry.value->>'$'}
        ))
    end;
-- The same as a list, for where several are put together: making a map is the dear part.
create macro scalar_entries(text) as
    case
        when left(text, 1) = '{' and text <> '{}' then list_filter(
            map_entries(try(from_json(text, '"MAP(VARCHAR, VARCHAR)"'))),
            lambda entry: entry.value is not null and left(entry.value, 1) not in ('{', '[')
        )
    end;
-- A map without NULL values and without the named keys; NULL if nothing is left.
create macro map_or_null(entries) as case when len(entries) > 0 then map_from_entries(entries) end;
create macro entries_but(entries, names) as map_or_null(list_filter(
    map_entries(entries),
    lambda entry: entry.value is not null and not list_contains(names, entry.key)
));
-- Labels from lists of {key, value}: without NULL values and own keys; NULL if nothing is left. A key
-- that comes twice has its values joined.
create macro label_entries(entries) as list_filter(
    entries,
    lambda entry: entry.value is not null and not list_contains(own_keys(), entry.key)
);
create macro labels_of(entries) as
    case when len(entries) > 0 then coalesce(try(map_from_entries(entries)), pairs_map(entries)) end;
-- Keys that are read into columns of their own, so that they need not be labels as well.
create macro own_keys() as [
    'logscope_propensity', 'logscope_config_id', 'logscope_rule_id',
    'session_id', 'litellm_session_id', 'trace_id', 'span_id', 'conversation_id'
];
-- A map of {key, value} pairs; the values of a key that comes twice are joined by commas.
create macro pairs_map(pairs) as map_from_entries(list_transform(
    list_sort(list_distinct(list_transform(pairs, lambda pair: pair.key))),
    lambda name: {
        'key': name,
        'value': joined(list_transform(
            list_filter(pairs, lambda pair: pair.key = name), lambda pair: pair.value
        )),
    }
));
-- Tags of the form key:value as entries, the others together under `tags`. A web address is no
-- pair; the tags that LiteLLM makes of the user agent say nothing about the request.
create macro is_pair(tag) as regexp_matches(tag::varchar, '^[A-Za-z0-9_.-]+:[^/]');
create macro is_user_agent(tag) as starts_with(lower(tag::varchar), 'user-agent:');
create macro joined(texts) as array_to_string(list_sort(list_distinct(texts)), ',');
create macro tag_pairs(tags) as list_transform(
    list_filter(tags, lambda tag: tag <> '' and not is_user_agent(tag)),
    lambda tag: case
        when is_pair(tag) then {
            'key': split_part(tag::varchar, ':', 1),
            'value': trim(substr(tag::varchar, strpos(tag::varchar, ':') + 1))
        }
        else {'key': 'tags', 'value': tag::varchar}
    end
);
create macro tag_entries(tags) as case when len(tags) > 0 then pairs_map(tag_pairs(tags)) end;

-- Where: the region in a path (Vertex AI), else the host of an address without user and port.
create macro authority_of(url) as
    if(contains(url, '://'), split_part(url, '/', 3), split_part(url, '/', 1));
create macro host_of(url) as
    case
        when not regexp_matches(authority_of(url), '[@:?]') then authority_of(url)
        else regexp_extract(authority_of(url), '^(?:.*@)?([^:?]*)', 1)
    end;
create macro endpoint_of(url) as nullif(
    case
        when contains(url, '/locations/') and not contains(url, '/locations/global')
            then split_part(split_part(url, '/locations/', 2), '/', 1)
        else host_of(url)
    end,
    ''
);
-- The region in an Amazon resource name; some have none.
create macro arn_region(name) as
    nullif(regexp_extract(name, 'arn:aws[a-z-]*:bedrock:([a-z0-9-]+):', 1), '');

-- Names. An id of Amazon Bedrock that does not tell the model.
create macro is_opaque(model_id) as
    regexp_matches(
        model_id, '(application-inference-profile|provisioned-model|custom-model)[a-z-]*/'
    );
-- The tier that served. Producers write the standard one in three ways and priority in two; `auto`
-- is a wish, no tier.
create macro tier_of(name) as
    case
        when lower(name) in ('default', 'standard', 'on_demand') then 'standard'
        when lower(name) = 'fast' then 'priority'
        when lower(name) <> 'auto' then nullif(lower(name), '')
    end;

-- Identity. The other ids of a call, without those that are not known; NULL if there is none.
create macro ids_of(ids) as
    case
        when len(list_filter(ids, lambda id: known(id) is not null)) > 0
            then list_filter(ids, lambda id: known(id) is not null)
    end;
-- A span is known by its trace and its own id; both in hexadecimal digits.
create macro span_key(trace_id, span_id) as
    lower(known(trace_id)) || ':' || lower(known(span_id));
create macro is_span_key(id) as
    regexp_full_match(id, '[0-9a-f]{16,32}:[0-9a-f]{16}|[0-9a-f-]{36}:[0-9a-f-]{36}');
-- An observation of Langfuse: its id is the span's, by OpenTelemetry or (UUIDs) by Langfuse's own SDK.
create macro span_or_id(trace_id, id) as
    if(coalesce(is_span_key(span_key(trace_id, id)), false), span_key(trace_id, id), id);
-- What stands for a call is the best of its ids: one that a producer gave, before a random one
-- (UUID), before a span; of equal kinds the first in order.
create macro ranked_id(id) as
    case
        when is_span_key(id) then '2'
        when length(id) = 36 and try_cast(id as uuid) is not null then '1'
        else '0'
    end || id;
create macro best_id(ids) as list_min(list_transform(ids, lambda id: ranked_id(id)))[2:];
-- The ids of a call beside the one that stands for it; NULL if there is none.
create macro ids_beside(id, other_ids, own_id) as
    case
        when other_ids is not null or own_id is distinct from id
            then list_sort(list_distinct(ids_of(list_filter(
                list_append(coalesce(other_ids, []), own_id), lambda other: other <> id
            ))))
    end;
-- LiteLLM. The failed attempts of a call share its id, so each is known by its start as well; only
-- some versions number them, and a fallback begins to count anew.
create macro attempt_id(id, failed, started_at) as
    if(coalesce(failed, false), id || '#' || epoch_ms(started_at), id);
-- The one failure that versions since 1.90 log of a call, with or without retries.
create macro failure_id(id, failed) as case when failed then id || '#failed' end;

-- Counts. A number of thirteen digits counts no tokens; without it no sum can overflow.
create macro count_of(text) as try_cast(text as decimal(12, 0))::bigint;
create macro natural_of(text) as case when count_of(text) >= 0 then count_of(text) end;

-- LiteLLM's usage, in the spellings of OpenAI and of Anthropic.
create type litellm_usage as struct(
    prompt_tokens_details struct(
        cached_tokens bigint, cache_creation_tokens bigint,
        cache_creation_token_details struct(
            ephemeral_5m_input_tokens bigint, ephemeral_1h_input_tokens bigint
        ),
        audio_tokens bigint, image_tokens bigint, web_search_requests bigint
    ),
    completion_tokens_details struct(reasoning_tokens bigint, audio_tokens bigint),
    cache_read_input_tokens bigint, cache_creation_input_tokens bigint,
    server_tool_use struct(web_search_requests bigint),
    service_tier varchar
);

-- Outcome. A score may be a yes or a no.
create macro share_of(text) as
    case lower(text) when 'true' then 1.0 when 'false' then 0.0 else try_cast(text as double) end;
create macro http_code(text) as
    case when try_cast(text as integer) between 100 and 599 then try_cast(text as integer) end;
create macro throttled_or_error(http_status) as
    if(coalesce(http_status in (429, 529), false), 'throttled', 'error');

-- OTLP/JSON: what the two spellings of a resource with its spans have in common.
create type otlp_attributes as struct(key varchar, value map(varchar, varchar))[];
create type otlp_spans as struct(
    spans struct(
        traceId varchar, spanId varchar, parentSpanId varchar, startTimeUnixNano varchar,
        endTimeUnixNano varchar, attributes otlp_attributes,
        events struct(timeUnixNano varchar, name varchar, attributes otlp_attributes)[],
        status struct(code varchar)
    )[]
)[];
create type otlp_resource_spans as struct(
    resource struct(attributes otlp_attributes), scopeSpans otlp_spans,
    instrumentationLibrarySpans otlp_spans
);
-- How many keys of a map match.
create macro count_keys(entries, pattern) as
    len(list_filter(map_keys(entries), lambda key: regexp_matches(key, pattern)));
-- OpenTelemetry: attributes as a map of texts; a list stays JSON text (`arrayValue`). Of a key that
-- comes twice all values are kept.
create macro attributes_map(attributes) as coalesce(
    try(map_from_entries(list_transform(attributes, lambda attribute: {
        'key': attribute.key, 'value': map_values(attribute.value)[1]
    }))),
    pairs_map(list_transform(attributes, lambda attribute: {
        'key': attribute.key, 'value': map_values(attribute.value)[1]
    }))
);
-- The class of the last exception among the events of a span.
create macro exception_of(events) as list_filter(
    list_transform(
        list_filter(events, lambda event: contains(event.name, 'exception')),
        lambda event: attributes_map(event.attributes)['exception.type']
    ),
    lambda class: class is not null
)[-1];
-- A list in an attribute as plain JSON: instrumentations write JSON text or an arrayValue.
create macro json_text(attribute) as
    case
        when left(attribute, 1) = '[' then try_cast(attribute as json)
        when starts_with(attribute, '{"values":')
            then to_json(list_transform(
                try(attribute::json->'$.values[*]'), lambda value: value->>'$.stringValue'
            ))
    end;
-- The entries of a map whose keys begin with a prefix, without the prefix.
create macro entries_under(entries, prefix) as map_from_entries(list_transform(
    list_filter(map_entries(entries), lambda entry: starts_with(entry.key, prefix)),
    lambda entry: {'key': substr(entry.key, length(prefix) + 1), 'value': entry.value}
));

-- Prompts. The messages of a prompt in JSON, as roles and contents; a content of several parts
-- stays JSON text. LiteLLM writes one placeholder where messages are not to be logged.
create macro messages_of(text) as
    case
        when left(text, 1) = '[' and not contains(text, '"redacted-by-litellm"')
            then try(from_json(text, '[{"role": "VARCHAR", "content": "VARCHAR"}]'))
    end;
-- What a content says in words: of several parts the texts, not the images between them.
create macro words_of(content) as
    case
        when starts_with(content, '[')
            then coalesce(array_to_string(try(content->>'$[*].text'), chr(10)), content)
        else content
    end;
create macro texts_of(messages) as
    list_transform(messages, lambda message: words_of(message.content));
create macro prompt_of(messages) as joined_lines(texts_of(messages));
create macro system_of(messages) as
    case when messages[1].role in ('system', 'developer') then words_of(messages[1].content) end;
-- Whether messages (as JSON text) hold an image. Inside a text the quotes would be escaped.
-- A `case`, because all parts of an `and` are computed for every text.
create macro has_image(text) as
    case
        when contains(text, 'image') or contains(text, 'inline') then regexp_matches(
            text,
            '"(type"\s*:\s*"(image_url|image|input_image|image_file)"'
                || '|(image|inline_data|inlineData)"\s*:\s*\{)'
        )
        when text is not null then false
    end;
-- The same for messages that are read as such: a content of one text holds none.
create macro holds_image(messages) as coalesce(list_bool_or(list_transform(
    messages,
    lambda message: if(starts_with(message.content, '['), has_image(message.content), false)
)), false);
-- Messages that are read as such, unless LiteLLM's placeholder stands for them.
create macro unredacted(messages) as
    case
        when not coalesce(list_bool_or(list_transform(
            messages,
            lambda message: case
                when starts_with(message.content, '[')
                    then contains(message.content, '"redacted-by-litellm"')
                else message.content = 'redacted-by-litellm'
            end
        )), false) then messages
    end;

-- Streams. The events in a piece of an event stream (`data: {...}` lines, or one bare object).
create macro events_of(text) as
    case
        when left(ltrim(text), 1) = '{' then [text]
        else regexp_extract_all(text, '(?m)^data: ?(\{.*\})\s*$', 1)
    end;
-- What an event brings, for OpenAI (Chat, Responses), Anthropic and Gemini: text, reasoning, tool,
-- usage, or role for what brings nothing. Empty contents are nothing.
create macro event_facts(event) as try(event->>[
    '$.type', '$.delta.type', '$.choices[0].delta.content', '$.choices[0].text',
    '$.choices[0].delta.reasoning_content', '$.choices[0].delta.reasoning',
    '$.choices[0].delta.tool_calls[0]', '$.usage', '$.candidates[0].content.parts[0].text',
    '$.candidates[0].content.parts[0].thought', '$.candidates[0].content.parts[0].functionCall',
    '$.choices[0].message.content', '$.delta.text', '$.delta.thinking', '$.content_block.type',
    '$.usageMetadata'
]);
create macro kind_of_facts(facts) as
    case
        when facts is null then null
        when facts[2] = 'text_delta' then if(facts[13] <> '', 'text', 'role')
        when facts[2] = 'thinking_delta' then if(facts[14] <> '', 'reasoning', 'role')
        when facts[2] = 'input_json_delta' or facts[15] = 'tool_use' then 'tool'
        when facts[1] = 'response.output_text.delta' then 'text'
        when regexp_matches(facts[1], '^response\.reasoning.*\.delta$') then 'reasoning'
        when facts[1] = 'response.function_call_arguments.delta' then 'tool'
        when facts[1] in ('message_delta', 'response.completed') then 'usage'
        when coalesce(nullif(facts[3], ''), nullif(facts[4], ''), nullif(facts[12], '')) is not null
            then 'text'
        when coalesce(nullif(facts[5], ''), nullif(facts[6], '')) is not null then 'reasoning'
        when facts[7] is not null or facts[11] is not null then 'tool'
        when facts[9] <> '' then if(facts[10] = 'true', 'reasoning', 'text')
        when facts[8] is not null or facts[16] is not null then 'usage'
        else 'role'
    end;
create macro event_kind(event) as kind_of_facts(event_facts(event));
-- Whether a kind is generated output.
create macro is_output(kind) as coalesce(kind in ('text', 'reasoning', 'tool'), false);
-- The usage in the events of a stream: the last one, because it is cumulative.
create macro object_of(text) as case when left(text, 1) = '{' then try_cast(text as json) end;
create macro usage_of(events) as last_of(list_transform(events, lambda event: object_of(try(coalesce(
    event->>'$.usage', event->>'$.response.usage', event->>'$.usageMetadata'
)))));
create macro begin_usage_of(events) as last_of(list_transform(
    events, lambda event: object_of(try(event->>'$.message.usage'))
));
