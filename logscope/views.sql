-- The views that every reader of a store sees, over the tables as they are stored.
-- What follows from other rows (operation, attempt, requests in flight) is computed here, when asked
-- for: a query that does not name these columns pays nothing for them.

-- What `latency --like` tells of the values of a group. Percentiles are interpolated as numpy does,
-- or are the first value that so many do not exceed (`stepped`).
create macro told_of(value, percentiles) as {
    'n': count(value),
    'avg': round(avg(value), 9),
    'std': round(stddev_pop(value), 9),
    'min': min(value),
    'percentiles': percentiles,
    'max': max(value)
};

create macro figures(value) as told_of(value, quantile_cont(value, [0.5, 0.9, 0.95, 0.99]));

create macro stepped(value) as told_of(value, quantile_disc(value, [0.5, 0.9, 0.95, 0.99]));

create view requests as
with ahead as (
    select
        *,
        -- The next success with the same prompt in the session; what is known of a prompt is its
        -- length, its form and the hash of the system prompt.
        first_value(
            case
                when status = 'ok' then struct_pack(
                    operation_id := coalesce(operation_id, request_id), started_at := started_at
                )
            end
            ignore nulls
        ) over (
            partition by
                session_id, prompt_chars, prompt_steps, prompt_questions, n_messages,
                system_prompt_hash
            order by started_at, request_id
            rows between 1 following and unbounded following
        ) as next_ok
    from stored_requests
),
joined as (
    select
        * exclude (next_ok),
        -- What the producer marked, it marked. Else a failure belongs to the next success, if that
        -- began within 60 s of its end.
        operation_id is null
        and status in ('error', 'throttled')
        and session_id is not null
        and prompt_chars is not null
        and next_ok.started_at <= coalesce(ended_at, started_at) + interval 60 second as is_retried,
        case
            when operation_id is not null then operation_id
            when is_retried then next_ok.operation_id
            else request_id
        end as operation
    from ahead
),
started as (
    select
        * exclude (is_retried, operation) replace (
            operation as operation_id,
            row_number() over (
                partition by operation order by started_at, attempt nulls last, request_id
            )::integer as attempt
        ),
        operation_id as logged_operation_id,
        case
            when operation_id is not null then 'producer'
            when is_retried then 'rule: same session and prompt, ok within 60 s of the failure'
        end as joined_by,
        started_at as moment,
        1 as step
    from joined
),
loaded as (
    select
        *,
        -- Requests of the same model and region under way when this one started, itself included.
        sum(step) over (
            partition by model, region
            order by moment, step desc
            range between unbounded preceding and current row
        )::integer as in_flight
    from (
        select * from started
        -- The ends, as rows of their own and not by a join: a join stays where nobody reads what it
        -- adds. One whose end is not known is under way for itself alone, not for ever.
        union all by name
        select model, region, coalesce(ended_at, started_at) as moment, -1 as step
        from stored_requests
    )
)
select * exclude (moment, step)
from loaded
where step = 1;
comment on view requests is 'One row per request: one call to one model, one attempt.';
comment on column requests.operation_id is 'What the caller wanted; retries and fallbacks share it: as the producer marked them, else by the rule in joined_by, else the request alone.';
comment on column requests.logged_operation_id is 'The operation as the producer marked it; NULL if it did not.';
comment on column requests.joined_by is 'What made the request an attempt of its operation: producer, a rule, or NULL if nothing did.';
comment on column requests.in_flight is 'Requests of the same model and region under way when this one started, itself included.';

create view operations as
select
    operation_id,
    min(session_id) as session_id,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    min(day) as day,
    (epoch_us(max(ended_at)) - epoch_us(min(started_at))) / 1000.0 as duration_ms,
    count(*) as attempts,
    case
        when count(*) > 1 then concat_ws(
            ' and ',
            max(joined_by) filter (where joined_by = 'producer'),
            max(joined_by) filter (where joined_by <> 'producer')
        )
    end as joined_by,
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
comment on column operations.operation_id is 'As in requests.';
comment on column operations.session_id is 'The session it belongs to; NULL if none was marked.';
comment on column operations.started_at is 'When its first attempt was sent.';
comment on column operations.ended_at is 'When its last attempt ended.';
comment on column operations.day is 'UTC date of its start.';
comment on column operations.duration_ms is 'From the first start to the last end, so tools and retries are inside; ms.';
comment on column operations.attempts is 'Requests it took.';
comment on column operations.joined_by is 'What joined its attempts: producer (its own marks), the rule, or both; NULL for a single one.';
comment on column operations.models is 'Models of its attempts, by name.';
comment on column operations.outcome is 'ok if any attempt was ok, else how it failed.';
comment on column operations.worst_status is 'The worst status of any attempt.';
comment on column operations.cost_usd is 'Sum of the known costs; see requests_without_cost.';
comment on column operations.requests_without_cost is 'Attempts of which no cost is known.';

create view sessions as
select
    session_id,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    min(day) as day,
    (epoch_us(max(ended_at)) - epoch_us(min(started_at))) / 1000.0 as duration_ms,
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
comment on column sessions.session_id is 'As the caller marked it.';
comment on column sessions.started_at is 'When its first request was sent.';
comment on column sessions.ended_at is 'When its last request ended.';
comment on column sessions.day is 'UTC date of its start.';
comment on column sessions.duration_ms is 'From the first start to the last end; ms.';
comment on column sessions.operations is 'Operations in it.';
comment on column sessions.attempts is 'Requests in it.';
comment on column sessions.models is 'Models of its requests, by name.';
comment on column sessions.worst_status is 'The worst status of any request.';
comment on column sessions.cost_usd is 'Sum of the known costs; see requests_without_cost.';
comment on column sessions.requests_without_cost is 'Requests of which no cost is known.';

-- Made in the door only: what stands there for the choice of a command line.
comment on view stored_requests is 'The requests as they are stored; read requests instead.';
comment on view selection is 'All requests with the key of their group: what the table macros ask.';
comment on view groups is 'The groups of the table macros: model, region and task by key.';
comment on view generated_gaps is 'Gaps between generated chunks, pooled over each group; ms.';
comment on view answer_gaps is 'Gaps between chunks of the answer, the usage left out, pooled over each group; ms.';
