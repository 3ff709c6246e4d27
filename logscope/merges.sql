-- The ledger's entries for the records of this ingest: what was merged, and the records of requests
-- that repeat their children. Reads `fates`, `stored_rows`, `touched` and `first_records`.
-- One row per record.
with entries as (
    select * from fates where fate = 'merged' or outcome = 'ignored: repeats its children'
),

-- Only where a request has several ids it takes a search to tell which one was shared.
many_ids as (
    select request_id from fates
    where record = 'request' and (other_ids is not null or own_id <> request_id)
    union
    select request_id from stored_rows semi join touched using (request_id)
    where other_ids is not null
),

members as (
    select request_id, own_id, other_ids from fates
    where record = 'request' and fate <> 'rejected'
    union all
    select request_id, stored_id, other_ids from stored_rows
),

shared as (
    select request_id, id
    from (
        select
            request_id,
            unnest(list_distinct(list_append(coalesce(other_ids, []), own_id))) as id,
        from members
        semi join many_ids using (request_id)
    )
    group by request_id, id
    having count(*) > 1
),

best_shared as (
    select request_id, list(id) as ids from shared group by request_id
)

select
    entries.file_id,
    entries.line,
    entries.record,
    entries.request_id,
    coalesce(
        best_id(list_intersect(
            best_shared.ids, list_append(coalesce(entries.other_ids, []), entries.own_id)
        )),
        entries.own_id
    ) as shared_id,
    case
        when entries.was_stored then first_records.file_id
        when not entries.is_first then entries.first_file_id
    end as into_file_id,
    case
        when entries.was_stored then first_records.line
        when not entries.is_first then entries.first_line
    end as into_line,
    coalesce(entries.outcome, 'merged') as outcome,
from entries
left join best_shared on entries.record = 'request' and best_shared.request_id = entries.request_id
left join first_records
    on entries.record = 'request' and first_records.request_id = entries.request_id
