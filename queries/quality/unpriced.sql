-- What has no price: requests with a model and tokens that the price book does not know.
-- unit: requests, tokens
-- grain: one row per provider, model and service tier without a price
-- A tier that was not logged is the standard one. Give prices in [prices] of logscope.toml.
select
    provider,
    model,
    coalesce(service_tier, 'standard') as service_tier,
    count(*) as requests,
    sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens,
    sum(logged_cost_usd) as logged_cost_usd,
    min(started_at) as first_at,
    max(started_at) as last_at
from selection
where status = 'ok'
    and cost_usd is null
    and model is not null
    and input_tokens is not null
    and output_tokens is not null
group by provider, model, coalesce(service_tier, 'standard')
order by requests desc, provider nulls last, model nulls last, service_tier
