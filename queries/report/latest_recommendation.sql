-- The recommendation made last, whole, as JSON.
-- unit: recommendations
-- grain: one row, or none
select config_id, created_at, verdict, recommendation
from recommendations
order by created_at desc nulls last, config_id
limit 1
