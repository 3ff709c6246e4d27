-- No time is negative, and the first token comes before the end.
-- unit: ms
-- grain: one row per request that breaks it
select request_id, ttft_ms, duration_ms, tpot_ms
from requests
where ttft_ms < 0 or duration_ms < 0 or tpot_ms <= 0
    or first_token_at < started_at or ended_at < started_at or first_token_at > ended_at
