-- The drawn world with readable names, units and NULLs; the formats select from here.
-- Reads `drawn` and `drawn_chunks` (codes and microseconds) and the lists set as variables.

-- Ids that no two worlds share.
create macro hex_of(what, number) as md5(concat_ws(' ', getvariable('seed'), what, number));
create macro uuid_of(what, number) as hex_of(what, number)::uuid::varchar;
-- A JSON object without its NULL members; producers that omit what they do not know.
create macro without_nulls(record) as json_merge_patch('{}', to_json(record))::varchar;
-- How two kinds of producers write a moment given in microseconds.
create macro iso_of(us) as strftime(make_timestamp(us), '%Y-%m-%dT%H:%M:%S.%fZ');
create macro ns_of(us) as (us * 1000)::varchar;
-- A record cut off in the middle, as a full disk or a killed writer leaves it.
create macro half_if_rejected(kind, record) as
    if(kind = 'rejected', left(record, length(record) // 2), record);

-- One row per attempt, plus the copies that each file is to ignore or to reject.
create temp view truth as
with named as (
    select
        *,
        getvariable('kinds')[kind + 1] as kind_name,
        getvariable('files')[file + 1] as file_name,
        getvariable('files')[home + 1] as home_name,
        getvariable('models')[model + 1] as model_name,
        getvariable('tasks')[task + 1] as task_name,
        outcome = -1 as answered,
        hex_of('request', request_no) as request_hex,
        epoch_us(getvariable('start')) + started as started_us,
        feature + 2 * task + 1 as feature_no,
    from drawn
)

select
    ---------- which record this is
    request_no,
    operation_no,
    session_no,
    attempt,
    kind_name as kind,
    file_name as file,
    home_name as home,
    twin,
    stream_logged,
    answered,
    ---------- ids
    case
        when home_name in ('bedrock_invocation', 'aiperf_profile') then request_hex::uuid::varchar
        when home_name = 'native_requests' then 'req-' || left(request_hex, 12)
        when home_name = 'otlp_genai' and model_name like 'claude%'
            then 'msg_01' || left(request_hex, 20)
        when home_name = 'otlp_genai' or answered then 'chatcmpl-' || left(request_hex, 24)
        else request_hex::uuid::varchar
    end as request_id,
    if(parent >= 0, 'req-' || left(hex_of('request', parent), 12), null) as parent_request_id,
    hex_of('operation', operation_no) as operation_hex,
    'session-' || left(hex_of('session', session_no), 12) as session_id,
    'user-' || lpad(user_no::varchar, 4, '0') as user_id,
    ---------- times; microseconds since 1970
    started_us,
    started_us + duration as ended_us,
    if(streamed and ttft >= 0, started_us + ttft, null) as first_token_us,
    if(streamed and ttft >= 0, ttft / 1000.0, null) as ttft_ms,
    duration / 1000.0 as duration_ms,
    overhead,
    started_us + duration + score_lag as scored_us,
    ---------- what answered, and who asked
    model_name as model,
    map {'gpt': 'openai', 'claude': 'anthropic', 'gemini': 'gemini'}[split_part(model_name, '-', 1)]
        as maker,
    -- The dated name in the answer; Anthropic's are not.
    model_name || coalesce(
        map {'gpt-5.5': '-2026-04-23', 'gpt-5.4': '-2026-03-05'}[model_name], ''
    ) as served,
    getvariable('regions')[region + 1] as region,
    if("group" >= 0, getvariable('routes')["group" + 1], null) as route,
    if(route >= 0, getvariable('routes')[route + 1], null) as first_route,
    task_name as task,
    getvariable('teams')[team + 1] as team,
    if(staging, 'staging', 'production') as environment,
    getvariable('features')[feature_no] as feature,
    -- Prompts are revised once, on the Monday of W45.
    if(started_us < epoch_us(timestamptz '2026-11-02 00:00:00+00'), 'v3', 'v4') as prompt_version,
    ---------- the request
    streamed as stream,
    if(has_effort, ['low', 'medium', 'high'][effort + 1], null) as reasoning_effort,
    2 + 2 * least(operation_index, 3) as n_messages,
    n_tools,
    nullif(max_output_tokens, -1) as max_output_tokens,
    if(has_temperature, getvariable('temperatures')[task + 1], null) as temperature,
    getvariable('system_texts')[task + 1] as system_text,
    getvariable('user_texts')[4 * task + prompt_no + 1] as user_text,
    ---------- tokens
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    input_tokens - cache_read_tokens - cache_write_5m_tokens - cache_write_1h_tokens
        as input_uncached_tokens,
    output_tokens,
    nullif(reasoning_tokens, -1) as reasoning_tokens,
    ---------- outcome
    if(answered, null, getvariable('error_types')[outcome + 1]) as error_type,
    if(answered, 200, getvariable('error_codes')[outcome + 1]) as http_status,
    case
        when answered then 'ok'
        when getvariable('error_codes')[outcome + 1] = 429 then 'throttled'
        when getvariable('error_codes')[outcome + 1] = 499 then 'cancelled'
        else 'error'
    end as status,
    case
        when not answered then null
        when output_tokens = max_output_tokens then 'length'
        when n_tool_calls > 0 then 'tool_calls'
        else 'stop'
    end as finish_reason,
    n_tool_calls,
    if(isnan(cost_usd), null, cost_usd) as cost_usd,
    ---------- the router's choice
    if(isnan(propensity), null, propensity) as propensity,
    if(isnan(propensity), null, getvariable('config_id')) as config_id,
    ---------- scores
    nullif(correct, -1)::double as correct,
    nullif(tool_args_correct, -1)::double as tool_args_correct,
    nullif(refusal_on_missing_record, -1)::double as refusal_on_missing_record,
from named;

-- One row per stream that is logged: its chunks in order of arrival.
create temp view chunks as
select
    request_no,
    list(offset_us order by position) as offsets_us,
    list(['text', 'reasoning', 'tool'][kind + 1] order by position) as kinds,
    list(tokens order by position) as tokens,
    any_value(role_us) as role_us,
from drawn_chunks
group by request_no;

-- The messages of a prompt, as chat completions write them.
create macro turns_of(n_messages) as flatten(list_transform(
    range((n_messages - 2) // 2),
    lambda turn: [
        {'role': 'user', 'content': 'Lorem ipsum?'},
        {'role': 'assistant', 'content': 'Dolor sit amet.'}
    ]
));
create macro messages_of(n_messages, system_text, user_text) as
    [{'role': 'system', 'content': system_text}]
    || turns_of(n_messages)
    || [{'role': 'user', 'content': user_text}];
create macro tools_of(n_tools) as
    if(n_tools > 0, list_transform(range(n_tools), lambda tool: {
        'type': 'function',
        'function': {'name': 'lookup_' || tool},
    }), null);
create macro tool_calls_of(request_no, n_tool_calls) as
    if(n_tool_calls > 0, list_transform(range(n_tool_calls), lambda tool: {
        'id': 'call_' || left(hex_of('call ' || tool, request_no), 12),
        'type': 'function',
        'function': {'name': 'lookup_' || tool, 'arguments': '{}'},
    }), null);

-- OTLP attributes; one whose value is NULL is left out.
create macro text_attribute(name, value) as
    {'key': name, 'value': if(value is null, null, to_json({'stringValue': value}))};
create macro count_attribute(name, value) as
    {'key': name, 'value': if(value is null, null, to_json({'intValue': value::varchar}))};
create macro number_attribute(name, value) as
    {'key': name, 'value': if(value is null, null, to_json({'doubleValue': value}))};
create macro flag_attribute(name, value) as
    {'key': name, 'value': if(value is null, null, to_json({'boolValue': value}))};
create macro list_attribute(name, value) as
    {'key': name, 'value': if(
        value is null, null, to_json({'arrayValue': {'values': [{'stringValue': value}]}})
    )};
