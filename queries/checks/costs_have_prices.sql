-- A cost above zero names its price, and no cost is negative.
-- unit: USD
-- grain: one row per request that breaks it
select request_id, cost_usd, price_id
from requests
where (cost_usd > 0 and price_id is null) or cost_usd < 0
