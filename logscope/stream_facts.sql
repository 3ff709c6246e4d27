-- What follows from a stream's chunks; reads `fullest_streams`. One row per stream.
with placed as (
    select
        *,
        -- A role-only or usage-only chunk is no generated event. Without kinds every chunk counts.
        case
            when kinds is not null then list_filter(
                range(1, len(offsets_ms) + 1),
                lambda place: coalesce(kinds[place], 'text') in ('text', 'reasoning', 'tool')
            )
        end as places,
    from fullest_streams
),

generated as (
    select
        *,
        list_transform(
            offsets_ms[2:], lambda moment, place: moment - offsets_ms[place]
        ) as gaps_ms,
        case when kinds is null then offsets_ms else list_select(offsets_ms, places) end
            as arrived_ms,
        case
            when kinds is null then offsets_ms
            else list_filter(
                offsets_ms, lambda moment, place: coalesce(kinds[place], 'text') <> 'usage'
            )
        end as answer_ms,
    from placed
),

stalled as (
    select
        *,
        -- A stall is a gap over 1 s once rounded to the microsecond: a difference of floats may lie
        -- a hair beside the one of the times logged.
        list_filter(gaps_ms, lambda gap: gap >= 1000.0005) as stalls_ms,
    from generated
)

select
    request_id,
    day,
    offsets_ms,
    kinds,
    tokens_per_chunk,
    len(offsets_ms)::integer as n_chunks,
    len(arrived_ms)::integer as n_generated,
    len(answer_ms)::integer as n_answered,
    case when kinds is null then 1 else places[1] end::integer as generated_at,
    case when places[-1] - places[1] + 1 > len(places) then arrived_ms end as generated_ms,
    case when answer_ms <> offsets_ms[: len(answer_ms)] then answer_ms end as answered_ms,
    offsets_ms[1] as first_chunk_ms,
    arrived_ms[1] as first_generated_ms,
    arrived_ms[2] as second_generated_ms,
    case
        when kinds is not null then list_filter(
            offsets_ms, lambda moment, place: coalesce(kinds[place], 'text') in ('text', 'tool')
        )[1]
    end as first_visible_ms,
    arrived_ms[-1] as last_generated_ms,
    answer_ms[-1] as last_answer_ms,
    offsets_ms[-1] as last_chunk_ms,
    list_max(gaps_ms) as max_gap_ms,
    len(stalls_ms)::integer as n_stalls,
    coalesce(list_sum(stalls_ms), 0)::double as stall_ms,
    -- Several events in one read arrive within a millisecond of each other; rounded likewise.
    len(list_filter(
        arrived_ms[2:], lambda moment, place: moment - arrived_ms[place] < 0.9995
    ))::integer as n_coalesced,
    list_contains(kinds, 'reasoning') as has_reasoning,
    file_id,
    line,
from stalled
