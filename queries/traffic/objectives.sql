-- Goodput: the share of operations that met every objective, and who burns the error budget.
-- unit: operations; shares from 0 to 1
-- grain: one row per group and objective
-- params: objectives=[]
-- The objectives are those of [slo] in logscope.toml, or a JSON list: {"name", "task", "route",
-- "ttft_ms", "duration_ms", "goal"}. An operation has the objective of its task, else of its route,
-- else the one for all. It waits from its first start: retries are inside, as far as they are
-- selected; attempts before --since or after --until are not.
-- Missed: no attempt was ok (errors, throttled), or too late; cancelled only if it had by then waited
-- past the objective, else it met it. A time that is not logged is unknown and in no share, unless
-- the whole answer came soon enough for the first token too.
-- goodput = met / (met + missed). budget = misses that the goal allows; burned and left are shares of
-- it, left for the objective as a whole. An operation with attempts in several groups is in each.
with given as (
    select unnest(
        from_json_strict(
            cast($objectives as json),
            '[{"name": "varchar", "task": "varchar", "route": "varchar", "ttft_ms": "double",
               "duration_ms": "double", "goal": "double"}]'
        ),
        recursive := true
    )
),

objectives as (
    select
        coalesce(name, 'task ' || task, 'route ' || route, 'all') as name,
        task,
        route,
        ttft_ms,
        duration_ms,
        goal
    from given
),

moments as (
    -- In whole microseconds, so that a limit met to the dot is met.
    select
        operation_id,
        request_id,
        task,
        route,
        status,
        status in ('ok', 'cancelled') as was_served,
        duration_ms,
        started_at,
        epoch_us(started_at) as start_us,
        epoch_us(started_at) + cast(round(1000 * ttft_ms) as bigint) as first_token_us,
        epoch_us(started_at) + cast(round(1000 * duration_ms) as bigint) as end_us
    from selection
),

operations_whole as (
    select
        operation_id,
        min_by(task, (started_at, request_id)) as task,
        min_by(route, (started_at, request_id)) as route,
        max(case when status = 'ok' then 1 else 0 end) as succeeded,
        max(case when status = 'cancelled' then 1 else 0 end) as was_cancelled,
        count(status) as n_known,
        (min(case when was_served then first_token_us end) - min(start_us)) / 1000.0 as ttft_ms,
        case
            when max(case when was_served and duration_ms is null then 1 else 0 end) = 0
                then (max(end_us) - min(start_us)) / 1000.0
        end as duration_ms
    from moments
    group by operation_id
),

aimed as (
    select
        operations_whole.*,
        coalesce(by_task.name, by_route.name, for_all.name) as objective
    from operations_whole
    left join objectives as by_task on by_task.task = operations_whole.task
    left join objectives as by_route on by_route.route = operations_whole.route
    left join objectives as for_all on for_all.task is null and for_all.route is null
),

judged as (
    select
        aimed.*,
        objectives.ttft_ms as ttft_slo_ms,
        objectives.duration_ms as duration_slo_ms,
        objectives.goal,
        case
            when aimed.n_known = 0 then 'unknown'
            when aimed.succeeded = 0 and aimed.was_cancelled = 0 then 'failed'
            when coalesce(
                aimed.ttft_ms, case when aimed.succeeded = 0 then aimed.duration_ms end
            ) > objectives.ttft_ms then 'late'
            when aimed.duration_ms > objectives.duration_ms then 'late'
            when objectives.duration_ms is not null and aimed.duration_ms is null then 'unknown'
            when objectives.ttft_ms is null
                or coalesce(aimed.ttft_ms, aimed.duration_ms) <= objectives.ttft_ms then 'met'
            else 'unknown'
        end as verdict
    from aimed
    join objectives on aimed.objective = objectives.name
),

budgets as (
    select
        objective,
        round((1 - max(goal)) * sum(case when verdict <> 'unknown' then 1 else 0 end), 6) as budget,
        sum(case when verdict in ('failed', 'late') then 1 else 0 end) as n_missed
    from judged
    group by objective
),

grouped as (
    select distinct group_key, operation_id from selection
),

counted as (
    select
        grouped.group_key,
        judged.objective,
        max(judged.ttft_slo_ms) as ttft_slo_ms,
        max(judged.duration_slo_ms) as duration_slo_ms,
        max(judged.goal) as goal,
        count(*) as operations,
        sum(case when verdict = 'met' then 1 else 0 end) as n_met,
        sum(case when verdict in ('failed', 'late') then 1 else 0 end) as n_missed,
        sum(case when verdict = 'failed' then 1 else 0 end) as n_failed,
        sum(case when verdict = 'late' then 1 else 0 end) as n_late,
        sum(case when verdict = 'met' and succeeded = 0 then 1 else 0 end) as n_cancelled_in_time,
        sum(case when verdict = 'unknown' then 1 else 0 end) as n_unknown,
        avg(case when succeeded = 1 and ttft_ms is not null and ttft_slo_ms is not null
            then case when ttft_ms <= ttft_slo_ms then 1.0 else 0.0 end end) as ttft_attained,
        avg(case when succeeded = 1 and duration_ms is not null and duration_slo_ms is not null
            then case when duration_ms <= duration_slo_ms then 1.0 else 0.0 end end)
            as duration_attained
    from judged
    join grouped on judged.operation_id = grouped.operation_id
    group by grouped.group_key, judged.objective
)

select
    counted.group_key,
    counted.objective,
    counted.ttft_slo_ms,
    counted.duration_slo_ms,
    counted.goal,
    counted.operations,
    cast(counted.n_met as bigint) as n_met,
    cast(counted.n_missed as bigint) as n_missed,
    cast(counted.n_failed as bigint) as n_failed,
    cast(counted.n_late as bigint) as n_late,
    cast(counted.n_cancelled_in_time as bigint) as n_cancelled_in_time,
    cast(counted.n_unknown as bigint) as n_unknown,
    counted.n_met / nullif(counted.n_met + counted.n_missed, 0) as goodput,
    counted.ttft_attained,
    counted.duration_attained,
    budgets.budget,
    counted.n_missed / nullif(budgets.budget, 0) as budget_burned,
    1 - budgets.n_missed / nullif(budgets.budget, 0) as budget_left
from counted
join budgets on counted.objective = budgets.objective
