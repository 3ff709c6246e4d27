-- What the cost is made of: tokens of each kind and what they cost at the price each request paid.
-- unit: requests, tokens, USD
-- grain: one row per group
-- Requests with a known cost only; n_paid are those that cost something (a throttled one does not).
-- What is no token of text (audio, images, searches, fees per request) is in other_usd, so that the
-- parts add up to cost_usd.
with by_price as (
    -- Tokens at one price are added up before they are multiplied by it: exact either way.
    select
        group_key,
        price_id,
        count(*) filter (where cost_usd > 0) as n_paid,
        sum(cost_usd) as cost_usd,
        coalesce(sum(input_uncached_tokens), 0) as uncached_tokens,
        coalesce(sum(cache_read_tokens), 0) as cache_read_tokens,
        coalesce(sum(cache_write_5m_tokens), 0)
        + coalesce(sum(cache_write_unknown_tokens), 0) as cache_write_5m_tokens,
        coalesce(sum(cache_write_1h_tokens), 0) as cache_write_1h_tokens,
        coalesce(sum(output_text_tokens), 0) as text_tokens,
        coalesce(sum(reasoning_tokens), 0) as reasoning_tokens
    from selection
    where cost_usd is not null
    group by group_key, price_id
),

priced as (
    select
        by_price.*,
        cast(uncached_tokens as bigint) * coalesce(prices.input_usd_per_mtok, 0) as uncached,
        cast(cache_read_tokens as bigint)
        * coalesce(prices.cache_read_usd_per_mtok, 0) as cache_read,
        cast(cache_write_5m_tokens as bigint)
        * coalesce(prices.cache_write_5m_usd_per_mtok, 0) as cache_write_5m,
        cast(cache_write_1h_tokens as bigint)
        * coalesce(prices.cache_write_1h_usd_per_mtok, 0) as cache_write_1h,
        cast(text_tokens as bigint) * coalesce(prices.output_usd_per_mtok, 0) as text,
        cast(reasoning_tokens as bigint)
        * coalesce(prices.reasoning_usd_per_mtok, 0) as reasoning
    from by_price
    left join prices on by_price.price_id = prices.price_id
),

summed as (
    select
        group_key,
        sum(n_paid) as n_paid,
        sum(cost_usd) as cost_usd,
        sum(uncached_tokens) as uncached_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_5m_tokens) as cache_write_5m_tokens,
        sum(cache_write_1h_tokens) as cache_write_1h_tokens,
        sum(text_tokens) as text_tokens,
        sum(reasoning_tokens) as reasoning_tokens,
        sum(uncached) / 1000000 as uncached_usd,
        sum(cache_read) / 1000000 as cache_read_usd,
        sum(cache_write_5m) / 1000000 as cache_write_5m_usd,
        sum(cache_write_1h) / 1000000 as cache_write_1h_usd,
        sum(text) / 1000000 as text_usd,
        sum(reasoning) / 1000000 as reasoning_usd
    from priced
    group by group_key
)

select
    * replace (cast(n_paid as bigint) as n_paid),
    cost_usd - uncached_usd - cache_read_usd - cache_write_5m_usd - cache_write_1h_usd
    - text_usd - reasoning_usd as other_usd
from summed
