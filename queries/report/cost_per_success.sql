-- What an operation that succeeded cost, failed attempts included.
-- unit: USD, operations
-- grain: one row per group
-- Cost of all attempts of the group over the operations that one of its attempts answered; requests
-- without a known cost are left out. The 95 % interval is that of a ratio over sessions, which come
-- as they come; it is withheld under 30 sessions.
with attempts as (
    select
        group_key,
        coalesce(session_id, operation_id) as session,
        operation_id,
        sum(cost_usd) as cost_usd,
        max(case when status = 'ok' then 1 else 0 end) as succeeded
    from selection
    where cost_usd is not null
    group by group_key, coalesce(session_id, operation_id), operation_id
),

per_session as (
    select
        group_key,
        session,
        sum(cost_usd) as cost_usd,
        sum(succeeded) as succeeded
    from attempts
    group by group_key, session
),

ratios as (
    select
        group_key,
        count(*) as sessions,
        sum(succeeded) as succeeded,
        sum(cost_usd) as cost_usd,
        cast(sum(cost_usd) as double) / nullif(sum(succeeded), 0) as cost_per_success_usd
    from per_session
    group by group_key
),

spread as (
    select
        per_session.group_key,
        sum(power(
            cast(per_session.cost_usd as double)
            - ratios.cost_per_success_usd * per_session.succeeded, 2
        )) as squares
    from per_session
    join ratios on per_session.group_key = ratios.group_key
    group by per_session.group_key
),

bounded as (
    select
        ratios.*,
        case
            when ratios.sessions >= 30
                then 1.959964 * sqrt(
                    spread.squares * ratios.sessions / (ratios.sessions - 1)
                ) / ratios.succeeded
        end as half_width
    from ratios
    join spread on ratios.group_key = spread.group_key
)

select
    group_key,
    sessions,
    succeeded,
    cost_usd,
    round(cost_per_success_usd, 9) as cost_per_success_usd,
    round(greatest(cost_per_success_usd - half_width, 0), 9) as low_usd,
    round(cost_per_success_usd + half_width, 9) as high_usd
from bounded
