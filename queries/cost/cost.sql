-- What the requests cost, by the price in force when each started, and what they consumed.
-- unit: USD, tokens
-- grain: one row per group
-- A request without a price costs NULL and is counted in n_without_cost; it is in no sum.
select
    group_key,
    count(*) as n,
    count(distinct operation_id) as operations,
    count(*) filter (where cost_usd is null) as n_without_cost,
    sum(cost_usd) as cost_usd,
    sum(logged_cost_usd) as logged_cost_usd,
    sum(cost_usd) / nullif(count(distinct operation_id) filter (where cost_usd is not null), 0)
        as cost_per_operation_usd,
    sum(input_tokens) as input_tokens,
    sum(input_uncached_tokens) as input_uncached_tokens,
    sum(cache_read_tokens) as cache_read_tokens,
    sum(cache_write_5m_tokens) as cache_write_5m_tokens,
    sum(cache_write_1h_tokens) as cache_write_1h_tokens,
    sum(output_tokens) as output_tokens,
    sum(reasoning_tokens) as reasoning_tokens
from selection
group by group_key
