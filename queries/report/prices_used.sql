-- The prices that the requests paid.
-- unit: requests, USD
-- grain: one row per price
with used as (
    select price_id, count(*) as n, sum(cost_usd) as cost_usd
    from selection
    where price_id is not null
    group by price_id
)

select
    prices.provider,
    prices.model,
    prices.service_tier,
    prices.valid_from,
    prices.above_input_tokens,
    prices.input_usd_per_mtok,
    prices.cache_read_usd_per_mtok,
    prices.output_usd_per_mtok,
    prices.source,
    sum(used.n) as n,
    sum(used.cost_usd) as cost_usd
from used
join prices on used.price_id = prices.price_id
group by
    prices.provider,
    prices.model,
    prices.service_tier,
    prices.valid_from,
    prices.above_input_tokens,
    prices.input_usd_per_mtok,
    prices.cache_read_usd_per_mtok,
    prices.output_usd_per_mtok,
    prices.source
order by
    prices.model nulls first,
    prices.provider nulls first,
    prices.service_tier nulls first,
    prices.above_input_tokens nulls first,
    prices.valid_from nulls first,
    prices.source nulls first
