-- How operations ended: retries and fallbacks count as one, and one good attempt is enough.
-- unit: operations
-- grain: one row per group
-- An operation whose attempts fall in several groups is in each of them.
with per_operation as (
    select
        group_key,
        operation_id,
        count(*) as attempts,
        max(case when status = 'ok' then 1 else 0 end) as succeeded,
        max(case when status = 'cancelled' then 1 else 0 end) as was_cancelled
    from selection
    group by group_key, operation_id
)

select
    group_key,
    count(*) as operations,
    sum(succeeded) as n_ok,
    sum(case when succeeded = 0 and was_cancelled = 1 then 1 else 0 end) as n_cancelled,
    sum(case when succeeded = 0 and was_cancelled = 0 then 1 else 0 end) as n_failed,
    sum(case when attempts > 1 then 1 else 0 end) as n_retried,
    sum(case when attempts > 1 and succeeded = 1 then 1 else 0 end) as n_saved_by_retry
from per_operation
group by group_key
