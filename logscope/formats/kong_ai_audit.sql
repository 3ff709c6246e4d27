-- Kong AI Gateway, log records with the AI audit fields: one object per request.
-- source: https://developer.konghq.com/ai-gateway/ai-audit-log-reference/
-- get: A logging plugin (file-log, http-log, tcp-log) beside ai-proxy or ai-proxy-advanced, with
--   config.logging.log_statistics: true on the AI plugin; file-log writes one object per line.
-- beware: Documentation only: no real record was seen. Without log_statistics there are no tokens. Key
--   names differ between versions (prompt_token, prompt_tokens); both are read. Cost is by the prices
--   set in Kong's own configuration, taken as USD. On a semantic cache hit latencies are missing.
--   Requests without AI fields are ignored.
-- reads: json
-- detect: json_exists(first, '$.latencies.kong') and json_exists(first, '$.started_at') and
--   json_exists(first, '$.request')
-- columns: started_at VARCHAR, ai VARCHAR, request STRUCT(id VARCHAR, uri VARCHAR), response
--   STRUCT(status VARCHAR), latencies STRUCT(request VARCHAR, kong VARCHAR, proxy VARCHAR), consumer
--   STRUCT(username VARCHAR, custom_id VARCHAR), route STRUCT(name VARCHAR), service STRUCT(name
--   VARCHAR), workspace_name VARCHAR
-- One row per request.
with plugins as (
    -- Each AI plugin writes under its own name; the proxy's part is the call.
    select
        *,
        list_filter(
            list_reverse_sort(list_transform(
                map_entries(try(from_json(ai, '"MAP(VARCHAR, JSON)"'))),
                lambda entry: struct_pack(
                    a := contains(entry.key, 'proxy'), b := entry.key, c := entry.value::varchar
                )
            )),
            lambda part: json_exists(part.c, '$.meta') or json_exists(part.c, '$.usage')
        )[1].c as part,
    from source
),

named as (
    select
        *,
        http_code(response.status) as code,
        try(part->>[
            '$.usage.prompt_tokens', '$.usage.prompt_token', '$.usage.completion_tokens',
            '$.usage.completion_token', '$.usage.total_tokens', '$.usage.total_token',
            '$.usage.cost', '$.usage.time_to_first_token', '$.meta.request_model',
            '$.meta.response_model', '$.meta.provider_name', '$.meta.llm_latency',
            '$.cache.cache_status', '$.meta.request_mode'
        ]) as told,
    from plugins
)

select
    record_file,
    record_line,
    request.id as request_id,
    time_of_ms(started_at) as started_at,
    told[8] as ttft_ms,
    coalesce(latencies.request, told[12]) as duration_ms,
    latencies.kong as overhead_ms,
    told[11] as provider,
    coalesce(known(told[9]), known(told[10])) as model_requested,
    coalesce(known(told[10]), known(told[9])) as model_logged,
    known(service.name) as deployment,
    known(route.name) as route,
    known(consumer.username) as key_alias,
    known(consumer.custom_id) as user_id,
    entries_but({'workspace': known(workspace_name)}::map(varchar, varchar), []) as labels,
    case
        when told[8] is not null or told[14] = 'stream' then true
        when told[14] = 'oneshot' then false
    end as stream,
    coalesce(told[1], told[2]) as input_tokens,
    coalesce(told[3], told[4]) as output_tokens,
    coalesce(told[5], told[6]) as total_tokens,
    told[7] as logged_cost_usd,
    case when code is not null then case
        when code = 499 then 'cancelled'
        when code >= 400 then throttled_or_error(code)
        else 'ok'
    end end as status,
    code as http_status,
    case lower(told[13])
        when 'hit' then true when 'miss' then false when 'bypass' then false when 'refresh' then false
    end as cache_hit,
    case when part is null and started_at is not null then 'ignored: no model call' end as outcome
from named
