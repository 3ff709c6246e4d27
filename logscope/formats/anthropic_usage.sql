-- Anthropic usage report: pages of time buckets, as /v1/organizations/usage_report/messages answers.
-- source: https://docs.anthropic.com/en/api/admin-api/usage-cost/get-messages-usage-report
-- get: curl -G -H "x-api-key: $ANTHROPIC_ADMIN_KEY" -H "anthropic-version: 2023-06-01"
--   https://api.anthropic.com/v1/organizations/usage_report/messages
--   -d starting_at=2026-11-09T00:00:00Z -d bucket_width=1d -d "group_by[]=model"
--   -d "group_by[]=workspace_id" > usage.json, one file per page (`next_page`).
-- beware: Documentation only: no real page was seen. Aggregates: no number of requests, no latency.
--   Model, workspace, key and tier are only there where the report was grouped by them; a workspace
--   of null is the default one or no grouping. The same usage grouped in two ways is two bills, so
--   keep to one grouping. Input leaves the cache out. Web searches are not read.
-- reads: json
-- rows: many
-- detect: ((first->'data') is not null or (first->>'starting_at') is not null) and
--   regexp_matches(first::varchar, '"uncached_input_tokens"\s*:')
-- columns: starting_at VARCHAR, ending_at VARCHAR, results STRUCT(uncached_input_tokens VARCHAR,
--   cache_creation STRUCT(ephemeral_5m_input_tokens VARCHAR, ephemeral_1h_input_tokens VARCHAR),
--   cache_read_input_tokens VARCHAR, output_tokens VARCHAR, model VARCHAR, workspace_id VARCHAR,
--   api_key_id VARCHAR, account_id VARCHAR, service_account_id VARCHAR, service_tier VARCHAR,
--   context_window VARCHAR, inference_geo VARCHAR)[], data STRUCT(starting_at VARCHAR, ending_at
--   VARCHAR, results STRUCT(uncached_input_tokens VARCHAR, cache_creation
--   STRUCT(ephemeral_5m_input_tokens VARCHAR, ephemeral_1h_input_tokens VARCHAR),
--   cache_read_input_tokens VARCHAR, output_tokens VARCHAR, model VARCHAR, workspace_id VARCHAR,
--   api_key_id VARCHAR, account_id VARCHAR, service_account_id VARCHAR, service_tier VARCHAR,
--   context_window VARCHAR, inference_geo VARCHAR)[])[]
-- One row per result.
with buckets as (
    -- A page holds buckets; a bucket may also stand for itself.
    select
        record_file,
        record_line,
        unnest(case
            when len(data) > 0 then data
            else [{'starting_at': starting_at, 'ending_at': ending_at, 'results': results}]
        end) as bucket
    from source
    where starting_at is not null or data is not null or results is not null
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
    'anthropic' as provider,
    result.model as model_logged,
    time_of(bucket.starting_at) as starts_at,
    time_of(bucket.ending_at) as ends_at,
    result.workspace_id as project,
    tier_of(result.service_tier) as service_tier,
    entries_but(
        {
            'api_key_id': result.api_key_id,
            'account': left(sha256(result.account_id), 16),
            'service_account_id': result.service_account_id,
            'context_window': result.context_window,
            'inference_geo': result.inference_geo
        }::map(varchar, varchar),
        []
    ) as labels,
    result.uncached_input_tokens as input_uncached_tokens,
    result.cache_read_input_tokens as cache_read_tokens,
    result.cache_creation.ephemeral_5m_input_tokens as cache_write_5m_tokens,
    result.cache_creation.ephemeral_1h_input_tokens as cache_write_1h_tokens,
    result.output_tokens as output_tokens,
    case when result is null then 'ignored: an empty bucket' end as outcome
from opened
