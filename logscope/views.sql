-- The views that every reader of a store sees, over the tables as they are stored.
-- What follows from other rows (operation, attempt, requests in flight) is computed here, when asked
-- for: a query that does not name these columns pays nothing for them.

create view requests as
select * exclude (moment, step)
from (
    select
        *,
        -- Requests of the same model and region under way when this one started, itself included.
        sum(step) over (
            partition by model, region
            order by moment, step desc
            range between unbounded preceding and current row
        )::integer as in_flight
    from (
        select
            stored.* replace (
                coalesce(stored.operation_id, stored.request_id) as operation_id,
                row_number() over (
                    partition by coalesce(stored.operation_id, stored.request_id)
                    order by stored.started_at, stored.attempt nulls last, stored.request_id
                )::integer as attempt
            ),
            started_at as moment,
            1 as step
        from stored_requests as stored
        -- The ends, as rows of their own and not by a join: a join stays where nobody reads what it
        -- adds. One whose end is not known is under way for itself alone, not for ever.
        union all by name
        select model, region, coalesce(ended_at, started_at) as moment, -1 as step
        from stored_requests
    )
)
where step = 1;
comment on view requests is 'One row per request: one call to one model, one attempt.';

create view operations as
select
    operation_id,
    min(session_id) as session_id,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    min(day) as day,
    date_diff('microsecond', min(started_at), max(ended_at)) / 1000.0 as duration_ms,
    count(*) as attempts,
    list(distinct model order by model) filter (where model is not null) as models,
    case
        when bool_or(status = 'ok') then 'ok'
        when bool_or(status = 'cancelled') then 'cancelled'
        when bool_or(status = 'throttled') and not bool_or(status = 'error') then 'throttled'
        else 'error'
    end as outcome,
    case
        when bool_or(status = 'error') then 'error'
        when bool_or(status = 'throttled') then 'throttled'
        when bool_or(status = 'cancelled') then 'cancelled'
        when bool_or(status = 'ok') then 'ok'
    end as worst_status,
    sum(cost_usd) as cost_usd,
    count(*) filter (where cost_usd is null) as requests_without_cost
from requests
group by operation_id;
comment on view operations is 'One row per operation: what the caller wanted, retries and fallbacks inside.';
comment on column operations.outcome is 'ok if any attempt was ok, else how it failed.';
comment on column operations.worst_status is 'The worst status of any attempt.';
comment on column operations.cost_usd is 'Sum of the known costs; see requests_without_cost.';

create view sessions as
select
    session_id,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    min(day) as day,
    date_diff('microsecond', min(started_at), max(ended_at)) / 1000.0 as duration_ms,
    count(distinct operation_id) as operations,
    count(*) as attempts,
    list(distinct model order by model) filter (where model is not null) as models,
    case
        when bool_or(status = 'error') then 'error'
        when bool_or(status = 'throttled') then 'throttled'
        when bool_or(status = 'cancelled') then 'cancelled'
        when bool_or(status = 'ok') then 'ok'
    end as worst_status,
    sum(cost_usd) as cost_usd,
    count(*) filter (where cost_usd is null) as requests_without_cost
from requests
where session_id is not null
group by session_id;
comment on view sessions is 'One row per session: operations that belong together.';
