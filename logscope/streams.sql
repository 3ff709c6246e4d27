-- Each stream once: the fullest version of what is new and stored, on the day of its request, and the
-- place of the record that counts as stored (none where that is the request's own). Reads `records`,
-- `logged`, `stored_rows` and `stored_streams`.
-- One row per request_id; `day` is NULL where neither the stream nor a request tells it.
with given as (
    select
        request_id, started_at::date as day, offsets_ms, kinds, tokens_per_chunk,
        case when not is_request then struct_pack(file_id, line) end as place,
        false as is_stored,
    from records where outcome is null and is_stream
    union all
    select
        request_id, day, offsets_ms, kinds, tokens_per_chunk,
        case when file_id is not null then struct_pack(file_id, line) end, true
    from stored_streams where stored_id <> request_id
),

requested as (
    select request_id, min(started_at)::date as day
    from (
        select request_id, started_at from logged
        union all
        select request_id, started_at from stored_rows
    )
    semi join given using (request_id)
    group by request_id
),

versions as (
    select given.* replace (coalesce(requested.day, given.day) as day)
    from given left join requested using (request_id)
    union all
    select
        request_id, day, offsets_ms, kinds, tokens_per_chunk,
        case when file_id is not null then struct_pack(file_id, line) end, true
    from stored_streams semi join given using (request_id)
)

select
    request_id,
    unnest(max_by(
        struct_pack(day, offsets_ms, kinds, tokens_per_chunk),
        struct_pack(
            a := len(offsets_ms), b := kinds is not null, c := tokens_per_chunk is not null,
            d := offsets_ms::varchar, e := kinds::varchar, f := day is not null, g := day
        )
    )),
    unnest(first_place(place, is_stored)),
from versions
group by request_id
