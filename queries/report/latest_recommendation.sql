-- The recommendation made last, whole, as JSON.
-- unit: recommendations
-- grain: one row, or none
select config_id, created_at, verdict, recommendation
from recommendations
order by
    case when config_id in (select config_id from request_types) then 0 else 1 end,
    created_at desc nulls last,
    config_id
limit 1
