-- What a stream says about its request; reads `next_streams`. One row per stream.
with gaps as (
    select
        request_id,
        offsets_ms,
        kinds,
        list_transform(
            offsets_ms[2:], lambda moment, position: moment - offsets_ms[position]
        ) as gaps_ms,
    from next_streams
)

select
    request_id,
    len(offsets_ms)::integer as n_chunks,
    list_max(gaps_ms) as max_gap_ms,
    -- A stall is a gap over 1 s.
    coalesce(list_sum(list_filter(gaps_ms, lambda gap: gap > 1000)), 0)::double as stall_ms,
    -- A role-only or usage-only chunk is no generated event.
    list_filter(
        offsets_ms,
        lambda moment, position: kinds is null or coalesce(kinds[position], 'text') in ('text', 'reasoning', 'tool')
    )[1] as ttft_ms,
    list_filter(
        offsets_ms,
        lambda moment, position: kinds is not null and coalesce(kinds[position], 'text') in ('text', 'tool')
    )[1] as ttft_visible_ms,
from gaps
