-- Stalls within streams: how many, how long, and what they are of stream time and of tokens.
-- unit: ms; shares from 0 to 1
-- grain: one row per group
-- params: over_ms=1000
-- definition: a stall is a gap between two chunks of more than over_ms, rounded to the microsecond.
-- Stream time runs from the first chunk to the last. n counts streams of two chunks and more.
with stalled as (
    -- Those over 1 s are stored; others are looked for, where there can be any.
    select
        request_id, n_chunks, first_chunk_ms, last_chunk_ms, max_gap_ms,
        n_stalls,
        stall_ms
    from streams
    where cast($over_ms as double) = 1000

    union all

    select
        request_id, n_chunks, first_chunk_ms, last_chunk_ms, max_gap_ms,
        len(stalls_ms),
        coalesce(list_sum(stalls_ms), 0)
    from (
        select
            *,
            list_filter(
                list_transform(
                    case when max_gap_ms > cast($over_ms as double) then offsets_ms[2:] end,
                    lambda moment, place: moment - offsets_ms[place]
                ),
                lambda gap: gap >= cast($over_ms as double) + 0.0005
            ) as stalls_ms
        from streams
        where cast($over_ms as double) <> 1000
    )
),

timed as (
    select
        selection.group_key,
        selection.output_tokens,
        stalled.max_gap_ms,
        stalled.last_chunk_ms - stalled.first_chunk_ms as stream_ms,
        coalesce(stalled.n_stalls, 0) as n_stalls,
        cast(stalled.stall_ms as decimal(18, 3)) as stall_ms
    from selection
    join stalled on selection.request_id = stalled.request_id
    where stalled.n_chunks >= 2
)

select
    group_key,
    count(*) as n,
    count(case when n_stalls > 0 then 1 end) as n_stalled,
    cast(sum(n_stalls) as bigint) as stalls,
    sum(stall_ms) as stall_ms,
    sum(stall_ms) / nullif(sum(cast(stream_ms as decimal(18, 3))), 0) as share_of_stream_time,
    1000 * sum(case when output_tokens is not null then n_stalls end)
    / nullif(sum(output_tokens), 0) as stalls_per_1000_tokens,
    max(max_gap_ms) as longest_gap_ms
from timed
group by group_key
