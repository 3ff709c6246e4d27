-- A stream that has a request lies on its day, and agrees about the number of chunks.
-- unit: streams
-- grain: one row per stream that breaks it
select streams.request_id
from streams
join requests on streams.request_id = requests.request_id
where streams.day <> requests.day or requests.n_chunks is distinct from len(streams.offsets_ms)
