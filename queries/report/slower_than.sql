-- How many first tokens came later than a limit.
-- unit: requests
-- grain: one row per group
-- params: ttft_ms=1000
select
    group_key,
    count(*) as n,
    count(*) filter (where ttft_ms > cast($ttft_ms as double)) as n_over
from selection
where status = 'ok' and ttft_ms is not null
group by group_key
