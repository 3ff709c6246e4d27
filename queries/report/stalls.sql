-- How many streams stalled, and for how long: a stall is a gap of more than a second.
-- unit: streams, ms
-- grain: one row per group
select
    group_key,
    count(*) as n,
    count(*) filter (where stall_ms > 0) as n_stalled,
    sum(cast(stall_ms as decimal(18, 3))) as stall_ms,
    max(max_gap_ms) as longest_gap_ms
from selection
where max_gap_ms is not null
group by group_key
