-- What the demo's logs say, read straight from the files; FOLDER is replaced by where they lie.
-- One row per request of two gateways and of the native log; one per score.
create table standard as
select
    record->>'$.id' as id,
    record->>'$.model' as model,
    record->>'$.model_group' as route,
    regexp_extract(record->>'$.api_base', '(us-east-1|eu-west-1|ap-south-1)') as region,
    record->>'$.metadata.requester_metadata.task' as task,
    to_timestamp((record->>'$.startTime')::double) as started_at,
    (record->>'$.completionStartTime')::double - (record->>'$.startTime')::double as ttft_s,
    (record->>'$.endTime')::double - (record->>'$.completionStartTime')::double as rest_s,
    (record->>'$.stream')::boolean as streamed,
    (record->>'$.error_information.error_code') as error_code,
    (record->>'$.prompt_tokens')::bigint as input_tokens,
    (record->>'$.completion_tokens')::bigint as output_tokens,
    (cached->>'$.cached_tokens')::bigint as cache_read,
    (cached->>'$.cache_creation_token_details.ephemeral_5m_input_tokens')::bigint as write_5m,
    (cached->>'$.cache_creation_token_details.ephemeral_1h_input_tokens')::bigint as write_1h,
    record->>'$.trace_id' as trace_id,
    record->>'$.metadata.requester_metadata.session_id' as session_id,
    (record->>'$.response_cost')::double as cost,
    (record->>'$.metadata.spend_logs_metadata.logscope_propensity')::double as propensity,
from (
    select json as record, json->'$.response.usage.prompt_tokens_details' as cached
    from read_json_objects(
        'FOLDER/litellm_standard.jsonl', format = 'newline_delimited', ignore_errors = true
    )
)
where record->>'$.call_type' = 'acompletion';

create table calls as
select
    id, model, region, task, started_at, if(streamed, ttft_s * 1000, null) as ttft_ms, error_code,
    input_tokens, output_tokens
from standard
union all
select
    request_id,
    split_part(model, '/', -1),
    regexp_extract(api_base, '(us-east-1|eu-west-1|ap-south-1)'),
    null,
    try_cast("startTime" || '+00' as timestamptz),
    if(
        "completionStartTime" < "endTime",
        epoch("completionStartTime"::timestamp - "startTime"::timestamp) * 1000,
        null
    ),
    coalesce(metadata->>'$.error_information.error_code', ''),
    prompt_tokens::bigint,
    completion_tokens::bigint
from read_csv('FOLDER/litellm_spendlogs.csv', all_varchar = true)
where call_type = 'acompletion' and try_cast("startTime" as timestamp) is not null
union all
select
    request_id, model, region, task, started_at::timestamptz,
    epoch(first_token_at::timestamptz - started_at::timestamptz) * 1000,
    if(http_status = '200', '', http_status),
    coalesce(
        input_uncached_tokens::bigint + cache_read_tokens::bigint
        + cache_write_5m_tokens::bigint + cache_write_1h_tokens::bigint,
        0
    ),
    output_text_tokens::bigint
from read_csv('FOLDER/native_requests.csv', all_varchar = true)
where try_cast(started_at as timestamptz) is not null;

create table scores as
select * replace (value::double as value)
from read_csv('FOLDER/native_scores.csv', all_varchar = true)
where value is not null and try_cast(scored_at as timestamptz) is not null;
