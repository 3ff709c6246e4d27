-- How many requests there were, and how they ended.
-- unit: requests
-- grain: one row per group
select
    group_key,
    count(*) as n,
    count(*) filter (where status = 'ok') as n_ok
from selection
group by group_key
