-- Every request is one row.
-- unit: requests
-- grain: one row per request id that stands twice
select request_id, count(*) as n
from requests
group by request_id
having count(*) > 1
