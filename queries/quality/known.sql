-- What the logs of each format tell, and what they leave unknown.
-- unit: requests; shares from 0 to 1
-- grain: one row per log format
with scored as (
    select distinct request_id from scores where request_id is not null
),

scored_sessions as (
    select distinct session_id from scores where session_id is not null
),

told as (
    select
        requests.format,
        count(*) as requests,
        min(requests.started_at) as first_at,
        max(requests.started_at) as last_at,
        avg(case when requests.ttft_ms is null then 1.0 else 0.0 end) as unknown_ttft,
        avg(case when requests.region is null then 1.0 else 0.0 end) as unknown_region,
        avg(case when requests.task is null then 1.0 else 0.0 end) as unknown_task,
        avg(case when requests.team is null then 1.0 else 0.0 end) as unknown_team,
        avg(case when requests.session_id is null then 1.0 else 0.0 end) as unknown_session,
        -- A failed call without tokens has no cost to know.
        avg(case when requests.status <> 'ok' then null
            when requests.cost_usd is null then 1.0 else 0.0 end) as unknown_cost,
        -- The same, where model and tokens are there and the price is not.
        avg(case when requests.status <> 'ok' then null
            when requests.cost_usd is null and requests.model is not null
                and requests.input_tokens is not null and requests.output_tokens is not null
                then 1.0 else 0.0 end) as unknown_price,
        avg(case when scored.request_id is null and scored_sessions.session_id is null
            then 1.0 else 0.0 end) as unknown_score
    from requests
    left join scored on requests.request_id = scored.request_id
    left join scored_sessions on requests.session_id = scored_sessions.session_id
    group by requests.format
),

read as (
    select
        format,
        count(*) as files,
        sum(records) as records,
        sum(stored) as stored,
        sum(merged) as merged,
        sum(ignored) as ignored,
        sum(rejected) as rejected
    from files
    group by format
)

select
    read.format,
    read.files,
    cast(read.records as bigint) as records,
    cast(read.stored as bigint) as stored,
    cast(read.merged as bigint) as merged,
    cast(read.ignored as bigint) as ignored,
    cast(read.rejected as bigint) as rejected,
    coalesce(told.requests, 0) as requests,
    told.first_at,
    told.last_at,
    told.unknown_ttft,
    told.unknown_region,
    told.unknown_task,
    told.unknown_team,
    told.unknown_session,
    told.unknown_cost,
    told.unknown_price,
    told.unknown_score
from read
left join told on read.format = told.format
order by records desc, read.format
