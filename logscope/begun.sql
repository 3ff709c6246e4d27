-- The operations that began on a route, by their first attempt: there the router chose a model.
-- Reads `typed` (the requests selected) and `scores`; $routes and $models are lists, $score a name.
-- `route` and `model` are positions in these lists, from 0 (-1: no model that ever answered).
-- One row per operation.
create or replace temp table begun as
with operations as (
    select operation, sum(cost_usd) as cost_usd, max(session) as session
    from typed group by operation
),
request_scores as (
    select operation, round(avg(value), 9) as score
    from scores join typed using (request_id)
    where name = $score group by operation
),
session_scores as (
    select md5_number_lower(session_id) as session, round(avg(value), 9) as score
    from scores where name = $score and request_id is null group by session_id
),
firsts as (
    select rowid as place, *
    from typed
    where attempt = 1 and not cached and list_contains($routes, route)
)
select
    place,
    list_position($routes, route) - 1 as route,
    coalesce(list_position($models, model), 0) - 1 as model,
    operations.cost_usd::double as cost_usd,
    coalesce(request_scores.score, session_scores.score) as score,
    propensity,
    input_tokens::double as input_tokens,
    coalesce(n_tools > 0, false) as tools,
    coalesce(has_images, false) as images,
    coalesce(stream, false) as stream,
    -- An operation without a session stands for itself.
    coalesce(operations.session, operation) as session,
    team,
    task,
    region,
from firsts
left join operations using (operation)
left join request_scores using (operation)
left join session_scores on operations.session = session_scores.session
order by place
