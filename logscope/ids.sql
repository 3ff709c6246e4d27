-- Which ids name which call, as far as an ingest is concerned: those in its records, and those of
-- stored calls that its records name. Reads `records`, `stored_rows` and `climbed`.
-- One row per request_id and id (`id`) of a call that has more than one.
with given as (
    select own_id as request_id, unnest(list_append(other_ids, own_id)) as id
    from records
    where is_request and outcome is null and other_ids is not null
),

-- Every id that the records use, whatever for: requests, streams, scores and parents.
used as (
    select own_id as id from records where outcome is null
    union
    select parent_request_id from records where outcome is null
    union
    select id from climbed
    union
    select id from given
),

kept as (
    select request_id, unnest(other_ids) as id from stored_rows where other_ids is not null
),

linked as (
    select request_id, id from given
    union
    select request_id, id from kept semi join used using (id)
),

-- A call without other ids may be named by another one's.
alone as (
    select own_id as request_id from records where is_request and outcome is null
    union
    select request_id from stored_rows
)

select request_id, id from linked where id <> ''
union
select request_id, request_id as id
from alone
where request_id in (select id from linked)
    or request_id in (select request_id from linked)
