-- OpenAI organization usage: pages of time buckets, as /v1/organization/usage/* answers.
-- source: https://platform.openai.com/docs/api-reference/usage
-- get: curl -G -H "Authorization: Bearer $OPENAI_ADMIN_KEY"
--   https://api.openai.com/v1/organization/usage/completions -d start_time=1792368000
--   -d bucket_width=1d -d group_by=model -d group_by=project_id > usage.json, one file per page
--   (`next_page`).
-- beware: Documentation only: no real page was seen but the documented example. Aggregates: no
--   latency, no errors. Model, project, key, user and tier are only there where the report was
--   grouped by them; the same usage grouped in two ways is two bills, so keep to one grouping.
--   `input_tokens` has the cache inside.
-- reads: json
-- rows: many
-- detect: (first->>'object') in ('page', 'bucket') and contains(first::varchar,
--   '"organization.usage.')
-- columns: object VARCHAR, start_time VARCHAR, end_time VARCHAR, results STRUCT(object VARCHAR,
--   input_tokens VARCHAR, input_cached_tokens VARCHAR, input_cache_write_tokens VARCHAR,
--   input_uncached_tokens VARCHAR, output_tokens VARCHAR, num_model_requests VARCHAR, project_id
--   VARCHAR, user_id VARCHAR, api_key_id VARCHAR, model VARCHAR, batch VARCHAR, service_tier
--   VARCHAR)[], data STRUCT(start_time VARCHAR, end_time VARCHAR, results STRUCT(object VARCHAR,
--   input_tokens VARCHAR, input_cached_tokens VARCHAR, input_cache_write_tokens VARCHAR,
--   input_uncached_tokens VARCHAR, output_tokens VARCHAR, num_model_requests VARCHAR, project_id
--   VARCHAR, user_id VARCHAR, api_key_id VARCHAR, model VARCHAR, batch VARCHAR, service_tier
--   VARCHAR)[])[]
-- One row per result.
with buckets as (
    -- A page holds buckets; a bucket may also stand for itself.
    select
        record_file,
        record_line,
        unnest(case
            when len(data) > 0 then data
            else [{'start_time': start_time, 'end_time': end_time, 'results': results}]
        end) as bucket
    from source
    where coalesce(object, start_time) is not null or data is not null or results is not null
),

opened as (
    select
        record_file,
        record_line,
        bucket,
        unnest(case when len(bucket.results) > 0 then bucket.results else [null] end) as result
    from buckets
)

select
    record_file,
    record_line,
    'usage' as bill_kind,
    'openai' as provider,
    result.model as model_logged,
    time_of(bucket.start_time) as starts_at,
    time_of(bucket.end_time) as ends_at,
    result.project_id as project,
    case
        when result.batch = 'true' then 'batch'
        else tier_of(result.service_tier)
    end as service_tier,
    entries_but(
        {
            'usage': split_part(result.object, '.', 3),
            'api_key_id': result.api_key_id,
            'user': left(sha256(result.user_id), 16)
        }::map(varchar, varchar),
        []
    ) as labels,
    result.num_model_requests as requests,
    result.input_tokens as input_tokens,
    result.input_uncached_tokens as input_uncached_tokens,
    result.input_cached_tokens as cache_read_tokens,
    result.input_cache_write_tokens as cache_write_unknown_tokens,
    result.output_tokens as output_tokens,
    true as input_includes_cache,
    case
        when result is null then 'ignored: an empty bucket'
        when split_part(result.object, '.', 3) in ('vector_stores', 'code_interpreter_sessions')
            then 'ignored: no model call'
    end as outcome
from opened
