-- What was asked for and how it ended, and the fullest minute in requests and in tokens.
-- unit: requests, tokens; shares from 0 to 1
-- grain: one row per group
-- A minute is one of the clock (UTC); a request and all its tokens, input and output, count in the
-- minute in which it started. A request without logged tokens is in no token sum and is counted in
-- n_without_tokens. Of equal minutes the first is named.
-- Headroom: the least share of the provider's limit that was left after a request, by the rate-limit
-- headers of its answer; n_with_limits requests have them. NULL where no log tells them: LiteLLM and
-- HAR may.
with per_minute as (
    select
        group_key,
        date_trunc('minute', started_at) as minute,
        count(*) as requests,
        sum(input_tokens + output_tokens) as tokens
    from selection
    group by group_key, date_trunc('minute', started_at)
),

peaks as (
    select group_key, max(requests) as requests, max(tokens) as tokens
    from per_minute
    group by group_key
),

peak_minutes as (
    select
        peaks.group_key,
        peaks.requests,
        peaks.tokens,
        min(case when per_minute.requests = peaks.requests then per_minute.minute end) as requests_at,
        min(case when per_minute.tokens = peaks.tokens then per_minute.minute end) as tokens_at
    from per_minute
    join peaks on per_minute.group_key = peaks.group_key
    group by peaks.group_key, peaks.requests, peaks.tokens
),

limits as (
    select
        group_key,
        started_at,
        request_id,
        remaining_requests,
        remaining_tokens,
        remaining_requests / limit_requests as requests_left,
        remaining_tokens / limit_tokens as tokens_left
    from selection
    where remaining_requests is not null or remaining_tokens is not null
),

headroom as (
    select
        group_key,
        count(*) as n_with_limits,
        min(remaining_requests) as least_remaining_requests,
        min(requests_left) as headroom_requests,
        min_by(started_at, (requests_left, started_at, request_id))
            filter (where requests_left is not null) as headroom_requests_at,
        min(remaining_tokens) as least_remaining_tokens,
        min(tokens_left) as headroom_tokens,
        min_by(started_at, (tokens_left, started_at, request_id))
            filter (where tokens_left is not null) as headroom_tokens_at
    from limits
    group by group_key
),

counted as (
    select
        group_key,
        count(*) as n,
        count(distinct operation_id) as operations,
        sum(case when status = 'ok' then 1 else 0 end) as n_ok,
        sum(case when status = 'error' then 1 else 0 end) as n_error,
        sum(case when status = 'throttled' then 1 else 0 end) as n_throttled,
        sum(case when status = 'cancelled' then 1 else 0 end) as n_cancelled,
        sum(case when input_tokens is null or output_tokens is null then 1 else 0 end)
            as n_without_tokens
    from selection
    group by group_key
)

select
    counted.group_key,
    counted.n,
    counted.operations,
    cast(counted.n_ok as bigint) as n_ok,
    cast(counted.n_error as bigint) as n_error,
    cast(counted.n_throttled as bigint) as n_throttled,
    cast(counted.n_cancelled as bigint) as n_cancelled,
    peak_minutes.requests as peak_requests_per_minute,
    peak_minutes.requests_at as peak_requests_at,
    cast(peak_minutes.tokens as bigint) as peak_tokens_per_minute,
    peak_minutes.tokens_at as peak_tokens_at,
    cast(counted.n_without_tokens as bigint) as n_without_tokens,
    coalesce(headroom.n_with_limits, 0) as n_with_limits,
    headroom.least_remaining_requests,
    headroom.headroom_requests,
    headroom.headroom_requests_at,
    headroom.least_remaining_tokens,
    headroom.headroom_tokens,
    headroom.headroom_tokens_at
from counted
join peak_minutes on counted.group_key = peak_minutes.group_key
left join headroom on counted.group_key = headroom.group_key
