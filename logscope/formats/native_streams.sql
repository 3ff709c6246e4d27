-- logscope's own stream log: one record per stream, the arrival times of its chunks.
-- source: logscope/tables.sql
-- get: Write NDJSON, CSV or Parquet with `request_id` and `offsets_ms` (milliseconds since the
--   start of the request, one per chunk), and if you know them `kinds` (role, text, reasoning,
--   tool, usage), `tokens_per_chunk` and `started_at`. In CSV, lists are JSON text.
-- beware: A span may be named by `trace_id` and `span_id` instead of `request_id`. A stream belongs to
--   the day of its own `started_at`, else to that of its request; with neither it is rejected.
-- reads: json, csv, parquet
-- detect: json_exists(first, '$.offsets_ms') and (json_exists(first, '$.request_id') or
--   json_exists(first, '$.span_id')) and not json_exists(first, '$.model')
-- columns: request_id VARCHAR, trace_id VARCHAR, span_id VARCHAR, started_at VARCHAR, offsets_ms
--   JSON, kinds JSON, tokens_per_chunk JSON
-- One row per stream.
with streams as (
    select
        * exclude (trace_id, span_id) replace (
            coalesce(known(request_id), span_key(trace_id, span_id)) as request_id,
            time_of(started_at) as started_at,
            try_cast(offsets_ms as double[]) as offsets_ms,
            try_cast(kinds as varchar[]) as kinds,
            try_cast(tokens_per_chunk as bigint[]) as tokens_per_chunk
        ),
        coalesce(request_id, span_id, offsets_ms::varchar, started_at) is not null as is_record,
    from source
)

select
    * exclude (is_record),
    case
        when is_record and offsets_ms is null then 'rejected: offsets_ms is no list of numbers'
        when offsets_ms <> list_sort(offsets_ms) or offsets_ms[1] < 0
            then 'rejected: offsets_ms do not ascend from 0'
        when len(kinds) <> len(offsets_ms) or len(tokens_per_chunk) <> len(offsets_ms)
            then 'rejected: lists of unequal length'
    end as outcome
from streams
