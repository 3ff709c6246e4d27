-- Latency, throttling and errors under load: by how many requests were in flight at each start.
-- unit: requests, ms; shares from 0 to 1
-- grain: one row per group and load bucket
-- In flight are requests of the same model and region, the new one included; buckets double: 1, 2-3,
-- 4-7, ... Times are those of ok requests, exact, p95 from 60 of them.
-- Beware: callers that wait for an answer before they ask again send less when answers are slow. Such
-- a closed loop hides the queueing that independent callers would have met (coordinated omission),
-- so these numbers bound the cost of load from below.
with loaded as (
    select
        group_key,
        cast(power(2, floor(log2(in_flight))) as bigint) as from_in_flight,
        status,
        case when status = 'ok' then ttft_ms end as ttft_ms,
        case when status = 'ok' then tpot_ms end as tpot_ms
    from selection
    where in_flight >= 1
),

measured as (
    select
        group_key,
        from_in_flight,
        count(*) as n,
        avg(case when status = 'throttled' then 1.0 else 0.0 end) as throttled,
        avg(case when status = 'error' then 1.0 else 0.0 end) as errors,
        count(ttft_ms) as ttft_n,
        percentile_cont(0.5) within group (order by ttft_ms) as ttft_p50_ms,
        percentile_cont(0.95) within group (order by ttft_ms) as ttft_p95_ms,
        count(tpot_ms) as tpot_n,
        percentile_cont(0.5) within group (order by tpot_ms) as tpot_p50_ms,
        percentile_cont(0.95) within group (order by tpot_ms) as tpot_p95_ms
    from loaded
    group by group_key, from_in_flight
)

select
    group_key,
    from_in_flight,
    2 * from_in_flight - 1 as to_in_flight,
    n,
    throttled,
    errors,
    ttft_n,
    ttft_p50_ms,
    case when ttft_n >= 60 then ttft_p95_ms end as ttft_p95_ms,
    tpot_n,
    tpot_p50_ms,
    case when tpot_n >= 60 then tpot_p95_ms end as tpot_p95_ms
from measured
