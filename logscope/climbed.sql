-- The spans around each span that a request names as its parent, up through spans that are no
-- requests: the way from a call to the one that caused it may lead through other services, files and
-- ingests. Reads `next_spans`, `stored_spans`, `staged` and `stored_rows`.
-- One row per named span (`span_id`) and span around it (`id`), `steps` above.
with recursive concerned as (
    select trace_id from next_spans
    union
    select split_part(unnest(list_append(ids_of(other_ids), request_id)), ':', 1)
    from staged
    where outcome is null and coalesce(other_ids::varchar, request_id) like '%:%'
    union
    select split_part(parent_request_id, ':', 1) from staged where outcome is null
),

links as materialized (
    select span_key(trace_id, span_id) as span_id, span_key(trace_id, parent_id) as id, true as is_new
    from next_spans
    union all
    select span_key(trace_id, span_id), span_key(trace_id, parent_id), false
    from stored_spans
    semi join concerned using (trace_id)
    anti join next_spans using (trace_id, span_id)
),

named as (
    select parent_request_id as span_id from staged where outcome is null
    union
    select parent_request_id from stored_rows
),

climbed as (
    select span_id, id, 1 as steps, is_new
    from links
    semi join named using (span_id)
    union all
    select climbed.span_id, links.id, climbed.steps + 1, climbed.is_new or links.is_new
    from climbed
    join links on links.span_id = climbed.id
    -- Spans that are around each other would have no end.
    where climbed.steps < 1000
)

from climbed
