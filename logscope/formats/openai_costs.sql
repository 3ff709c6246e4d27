-- OpenAI organization costs: pages of daily buckets, as /v1/organization/costs answers.
-- source: https://platform.openai.com/docs/api-reference/usage/costs
-- get: curl -G -H "Authorization: Bearer $OPENAI_ADMIN_KEY"
--   https://api.openai.com/v1/organization/costs -d start_time=1792368000 -d group_by=line_item
--   -d group_by=project_id > costs.json, one file per page (`next_page`).
-- beware: Documentation only: no real page was seen but the documented example. Days only. A line
--   item names a model in front of a comma ("gpt-5.4, input"), which is inferred, not documented.
--   The same costs grouped in two ways are two bills, so keep to one grouping. Amounts in another
--   currency than USD are rejected.
-- reads: json
-- rows: many
-- detect: (first->>'object') in ('page', 'bucket') and contains(first::varchar,
--   '"organization.costs.result"')
-- columns: object VARCHAR, start_time VARCHAR, end_time VARCHAR, results STRUCT(amount STRUCT(value
--   VARCHAR, currency VARCHAR), line_item VARCHAR, project_id VARCHAR, api_key_id VARCHAR)[], data
--   STRUCT(start_time VARCHAR, end_time VARCHAR, results STRUCT(amount STRUCT(value VARCHAR,
--   currency VARCHAR), line_item VARCHAR, project_id VARCHAR, api_key_id VARCHAR)[])[]
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
    'cost' as bill_kind,
    'openai' as provider,
    nullif(regexp_extract(result.line_item, '^([a-z0-9][a-z0-9._:-]*-[a-z0-9._:-]*), ', 1), '')
        as model_logged,
    time_of(bucket.start_time) as starts_at,
    time_of(bucket.end_time) as ends_at,
    result.project_id as project,
    entries_but(
        {'line_item': result.line_item, 'api_key_id': result.api_key_id}::map(varchar, varchar),
        []
    ) as labels,
    result.amount.value as amount_usd,
    case
        when result is null then 'ignored: an empty bucket'
        when lower(result.amount.currency) <> 'usd' then 'rejected: an amount that is not in USD'
    end as outcome
from opened
