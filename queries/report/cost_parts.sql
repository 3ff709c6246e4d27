-- What the cost is made of: tokens of each kind and what they cost at the price each request paid.
-- unit: requests, tokens, USD
-- grain: one row per group
-- Requests with a known cost only; n_paid are those that cost something (a throttled one does not). What is no token of text (audio, images, searches, fees per
-- request) is in other_usd, so that the parts add up to cost_usd.
with priced as (
    select
        selection.group_key,
        selection.cost_usd,
        coalesce(selection.input_uncached_tokens, 0) as uncached_tokens,
        coalesce(selection.cache_read_tokens, 0) as cache_read_tokens,
        coalesce(selection.cache_write_5m_tokens, 0)
        + coalesce(selection.cache_write_unknown_tokens, 0) as cache_write_5m_tokens,
        coalesce(selection.cache_write_1h_tokens, 0) as cache_write_1h_tokens,
        coalesce(selection.output_text_tokens, 0) as text_tokens,
        coalesce(selection.reasoning_tokens, 0) as reasoning_tokens,
        coalesce(prices.input_usd_per_mtok, 0) as input_price,
        coalesce(prices.cache_read_usd_per_mtok, 0) as cache_read_price,
        coalesce(prices.cache_write_5m_usd_per_mtok, 0) as cache_write_5m_price,
        coalesce(prices.cache_write_1h_usd_per_mtok, 0) as cache_write_1h_price,
        coalesce(prices.output_usd_per_mtok, 0) as output_price,
        coalesce(prices.reasoning_usd_per_mtok, 0) as reasoning_price
    from selection
    left join prices on selection.price_id = prices.price_id
    where selection.cost_usd is not null
),

summed as (
    select
        group_key,
        count(*) filter (where cost_usd > 0) as n_paid,
        sum(cost_usd) as cost_usd,
        sum(uncached_tokens) as uncached_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_5m_tokens) as cache_write_5m_tokens,
        sum(cache_write_1h_tokens) as cache_write_1h_tokens,
        sum(text_tokens) as text_tokens,
        sum(reasoning_tokens) as reasoning_tokens,
        sum(cast(uncached_tokens * input_price as decimal(38, 10))) / 1000000 as uncached_usd,
        sum(cast(cache_read_tokens * cache_read_price as decimal(38, 10)))
        / 1000000 as cache_read_usd,
        sum(cast(cache_write_5m_tokens * cache_write_5m_price as decimal(38, 10)))
        / 1000000 as cache_write_5m_usd,
        sum(cast(cache_write_1h_tokens * cache_write_1h_price as decimal(38, 10)))
        / 1000000 as cache_write_1h_usd,
        sum(cast(text_tokens * output_price as decimal(38, 10))) / 1000000 as text_usd,
        sum(cast(reasoning_tokens * reasoning_price as decimal(38, 10)))
        / 1000000 as reasoning_usd
    from priced
    group by group_key
)

select
    *,
    cost_usd - uncached_usd - cache_read_usd - cache_write_5m_usd - cache_write_1h_usd
    - text_usd - reasoning_usd as other_usd
from summed
