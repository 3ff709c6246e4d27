-- Which requests only repeat what their children used: agents, chains and wrappers that report the
-- usage of the calls inside. Reads `rows` (new or changed), `stored_rows`, `touched`, `known_ids` and
-- `climbed`. It is decided on all rows as they are now, so that it does not matter which came first.
-- One row per request concerned that has children: whether it `repeats` them.
with recursive current_rows as (
    select request_id, parent_request_id, input_tokens, output_tokens, true as is_new
    from rows
    union all
    select request_id, parent_request_id, input_tokens, output_tokens, false
    from stored_rows
    anti join touched using (request_id)
),

-- The span that a row names as its parent, and those around it through spans that are no requests.
named as (
    select request_id, parent_request_id as id, 0 as steps, false as is_new
    from current_rows
    where parent_request_id is not null
    union all
    select request_id, climbed.id, climbed.steps, climbed.is_new
    from current_rows
    join climbed on climbed.span_id = parent_request_id
    union all
    -- To one log a span is none, to another it is a call.
    select known_ids.request_id, climbed.id, climbed.steps, climbed.is_new
    from climbed
    join known_ids on known_ids.id = climbed.span_id
),

-- The next of them is the parent; it may be named by any of its ids. One named as a span is around
-- its child in time.
next_above as (
    select
        named.request_id,
        min_by(coalesce(known_ids.request_id, id), steps) as parent_id,
        min_by(is_span_key(id), steps) as is_inside,
        min_by(named.is_new, steps) as is_new,
    from named
    left join known_ids using (id)
    where coalesce(known_ids.request_id, id) <> named.request_id
        and coalesce(known_ids.request_id, id) in (select request_id from current_rows)
    group by named.request_id
),

children as materialized (
    select
        next_above.parent_id,
        next_above.is_inside,
        coalesce(input_tokens, output_tokens) is not null as has_usage,
        current_rows.* replace (current_rows.is_new or next_above.is_new as is_new),
    from current_rows
    join next_above using (request_id)
),

-- The spans around a call with usage, also around spans without any.
around as (
    select parent_id, is_new from children where is_inside and has_usage
    union
    select children.parent_id, children.is_new or around.is_new
    from around
    join children on children.request_id = around.parent_id
    where children.is_inside and not children.has_usage
),

parents as (
    select
        parent_id,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        bool_or(is_inside) as is_around,
        bool_or(is_new) as is_new,
    from children
    group by parent_id
),

judged as (
    select
        current_rows.request_id,
        coalesce(
            parents.input_tokens = current_rows.input_tokens
                and parents.output_tokens = current_rows.output_tokens,
            false
        ) as adds_up,
        coalesce(current_rows.input_tokens, current_rows.output_tokens) is not null as has_usage,
        parents.is_around,
        current_rows.request_id in (select parent_id from around) as is_around_usage,
        parents.is_new
            or current_rows.is_new
            or current_rows.request_id in (select parent_id from around where is_new) as is_concerned,
    from current_rows
    join parents on parents.parent_id = current_rows.request_id
)

select
    request_id,
    -- A span around a call is no other call: it has the usage of the one inside, or none.
    adds_up or is_around and (is_around_usage or not has_usage) as repeats,
from judged
where is_concerned
