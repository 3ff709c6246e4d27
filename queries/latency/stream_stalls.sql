-- Stalls within streams: how many, how long, and what they are of stream time and of tokens.
-- unit: ms; shares from 0 to 1
-- grain: one row per group
-- params: over_ms=1000
-- definition: a stall is a gap between two chunks of more than over_ms.
-- Stream time runs from the first chunk to the last. n counts streams of two chunks and more.
with stalls as (
    -- Those over 1 s are stored; others are looked for, where there can be any.
    select request_id, n_stalls, stall_ms
    from streams
    where cast($over_ms as double) = 1000

    union all

    select request_id, len(stalls_ms), list_sum(stalls_ms)
    from (
        select
            request_id,
            list_filter(
                list_transform(
                    offsets_ms[2:], lambda moment, place: moment - offsets_ms[place]
                ),
                lambda gap: gap > cast($over_ms as double)
            ) as stalls_ms
        from streams
        where cast($over_ms as double) <> 1000 and max_gap_ms > cast($over_ms as double)
    )
),

timed as (
    select
        selection.group_key,
        selection.output_tokens,
        streams.max_gap_ms,
        streams.last_chunk_ms - streams.first_chunk_ms as stream_ms,
        coalesce(stalls.n_stalls, 0) as n_stalls,
        coalesce(cast(stalls.stall_ms as decimal(18, 3)), 0) as stall_ms
    from selection
    join streams on selection.request_id = streams.request_id
    left join stalls on selection.request_id = stalls.request_id
    where streams.n_chunks >= 2
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
