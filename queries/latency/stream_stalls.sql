-- Stalls within streams: how many, how long, and what they are of stream time and of tokens.
-- unit: ms; shares from 0 to 1
-- grain: one row per group
-- params: over_ms=1000
-- definition: a stall is a gap between two chunks of more than over_ms.
-- Stream time runs from the first chunk to the last. n counts streams of two chunks and more.
with timed as (
    select
        selection.group_key,
        selection.max_gap_ms,
        selection.output_tokens,
        streams.offsets_ms[len(streams.offsets_ms)] - streams.offsets_ms[1] as stream_ms,
        -- Only streams that stalled are taken apart.
        case
            when selection.max_gap_ms > cast($over_ms as double)
                then list_filter(
                    list_transform(
                        streams.offsets_ms[2:],
                        lambda moment, place: moment - streams.offsets_ms[place]
                    ),
                    lambda gap: gap > cast($over_ms as double)
                )
        end as stalls
    from selection
    join streams on selection.request_id = streams.request_id
    where selection.max_gap_ms is not null
)

select
    group_key,
    count(*) as n,
    count(case when len(stalls) > 0 then 1 end) as n_stalled,
    cast(coalesce(sum(len(stalls)), 0) as bigint) as stalls,
    coalesce(sum(cast(list_sum(stalls) as decimal(18, 3))), 0) as stall_ms,
    coalesce(sum(cast(list_sum(stalls) as decimal(18, 3))), 0)
    / nullif(sum(cast(stream_ms as decimal(18, 3))), 0) as share_of_stream_time,
    1000 * sum(case when output_tokens is not null then coalesce(len(stalls), 0) end)
    / nullif(sum(output_tokens), 0) as stalls_per_1000_tokens,
    max(max_gap_ms) as longest_gap_ms
from timed
group by group_key
