-- The sums of tokens are the sums of their disjoint parts.
-- unit: tokens
-- grain: one row per request that breaks it
select request_id, input_tokens, output_tokens
from requests
where input_tokens <> input_uncached_tokens + coalesce(cache_read_tokens, 0)
    + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)
    + coalesce(cache_write_unknown_tokens, 0)
    or output_tokens <> output_text_tokens + coalesce(reasoning_tokens, 0)
    or least(input_uncached_tokens, cache_read_tokens, output_text_tokens, reasoning_tokens) < 0
