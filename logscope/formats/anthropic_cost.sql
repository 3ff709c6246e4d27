-- Anthropic cost report: pages of daily buckets, as /v1/organizations/cost_report answers.
-- source: https://docs.anthropic.com/en/api/admin-api/usage-cost/get-cost-report
-- get: curl -G -H "x-api-key: $ANTHROPIC_ADMIN_KEY" -H "anthropic-version: 2023-06-01"
--   https://api.anthropic.com/v1/organizations/cost_report -d starting_at=2026-11-09T00:00:00Z
--   -d "group_by[]=workspace_id" -d "group_by[]=description" > cost.json, one file per page.
-- beware: Documentation only: no real page was seen. Amounts are decimal texts in cents: "123.45" is
--   1.2345 USD. Days only; what runs on Priority Tier is not in it. A workspace of null is the
--   default one or no grouping. The same costs grouped in two ways are two bills, so keep to one
--   grouping.
-- reads: json
-- rows: many
-- detect: ((first->'data') is not null or (first->>'starting_at') is not null) and
--   regexp_matches(first::varchar, '"starting_at"\s*:') and regexp_matches(first::varchar,
--   '"amount"\s*:') and not regexp_matches(first::varchar, '"uncached_input_tokens"\s*:')
-- columns: starting_at VARCHAR, ending_at VARCHAR, results STRUCT(amount VARCHAR, currency VARCHAR,
--   workspace_id VARCHAR, description VARCHAR, cost_type VARCHAR, token_type VARCHAR, model VARCHAR,
--   service_tier VARCHAR, context_window VARCHAR, inference_geo VARCHAR)[], data
--   STRUCT(starting_at VARCHAR, ending_at VARCHAR, results STRUCT(amount VARCHAR, currency VARCHAR,
--   workspace_id VARCHAR, description VARCHAR, cost_type VARCHAR, token_type VARCHAR, model VARCHAR,
--   service_tier VARCHAR, context_window VARCHAR, inference_geo VARCHAR)[])[]
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
    'cost' as bill_kind,
    'anthropic' as provider,
    result.model as model_logged,
    time_of(bucket.starting_at) as starts_at,
    time_of(bucket.ending_at) as ends_at,
    result.workspace_id as project,
    tier_of(result.service_tier) as service_tier,
    entries_but(
        {
            'description': result.description,
            'cost_type': result.cost_type,
            'token_type': result.token_type,
            'context_window': result.context_window,
            'inference_geo': result.inference_geo
        }::map(varchar, varchar),
        []
    ) as labels,
    -- Cents; in decimals all the way.
    try_cast(result.amount as decimal(18, 8)) * 0.01::decimal(3, 2) as amount_usd,
    case
        when result is null then 'ignored: an empty bucket'
        when lower(result.currency) <> 'usd' then 'rejected: an amount that is not in USD'
    end as outcome
from opened
