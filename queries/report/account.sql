-- What can be added up: requests by how they ended, cost, tokens, and what is not known about them.
-- unit: requests, USD, tokens
-- grain: one row per group
-- Sums of disjoint groups add up to the sum of the whole, exactly: money is decimal. A cost, a first
-- token or a score that is not known is in no sum and is counted in a column of its own.
select
    group_key,
    count(*) as n,
    count(*) filter (where status = 'ok') as n_ok,
    count(*) filter (where status = 'error') as n_error,
    count(*) filter (where status = 'throttled') as n_throttled,
    count(*) filter (where status = 'cancelled') as n_cancelled,
    sum(cost_usd) as cost_usd,
    count(*) filter (where cost_usd is null) as n_without_cost,
    count(*) filter (where status = 'ok' and cost_usd is null) as n_ok_without_cost,
    count(*) filter (where status = 'ok' and ttft_ms is null) as n_ok_without_ttft,
    count(*) filter (where status = 'ok' and duration_ms is null) as n_ok_without_duration,
    count(*) filter (where status = 'ok' and (input_tokens is null or output_tokens is null))
        as n_ok_without_tokens,
    count(*) filter (where model is null) as n_without_model,
    count(*) filter (where region is null) as n_without_region,
    count(*) filter (where task is null) as n_without_task,
    count(*) filter (where team is null) as n_without_team,
    count(*) filter (where session_id is null) as n_without_session,
    sum(input_tokens) as input_tokens,
    sum(cache_read_tokens) as cache_read_tokens,
    sum(output_tokens) as output_tokens,
    sum(reasoning_tokens) as reasoning_tokens
from selection
group by group_key
