-- Inter-token latency: the gaps between generated chunks, pooled over the streams of ok requests.
-- unit: ms
-- grain: one row per group
-- withheld: p95 under 60 gaps, p99 under 300
-- definition: arrival of a generated chunk - arrival of the one before; role-only and usage chunks
--   are none. Long answers weigh more. n counts gaps.
-- A chunk is coalesced if it came within a millisecond of the one before: several events in one
-- read. `is_coalesced`: more than a tenth are, or a chunk holds over 1.5 tokens. Then a gap is no
-- token's time: use tpot.
with streamed as (
    select
        selection.group_key,
        selection.output_text_tokens,
        -- Without kinds every chunk counts as generated.
        case
            when streams.kinds is null then streams.offsets_ms
            else list_filter(
                streams.offsets_ms,
                lambda moment, place: coalesce(streams.kinds[place], 'text') in (
                    'text', 'reasoning', 'tool'
                )
            )
        end as generated_ms
    from selection
    join streams on selection.request_id = streams.request_id
    where selection.status = 'ok'
),

gaps as (
    -- One row per gap. What is told once per stream is in its first row: streams are read once.
    select
        group_key,
        unnest(generated_ms[2:]) - unnest(generated_ms[:-2]) as gap_ms,
        unnest([len(generated_ms)]) as chunks,
        unnest([case when output_text_tokens is not null then len(generated_ms) end])
            as counted_chunks,
        unnest([output_text_tokens]) as tokens
    from streamed
),

pooled as (
    select
        group_key,
        count(gap_ms) as n,
        count(chunks) as streams,
        sum(tokens) / nullif(sum(counted_chunks), 0) as tokens_per_chunk,
        count(case when gap_ms < 1 then 1 end) / nullif(count(gap_ms), 0) as coalesced_share,
        -- One list: the values are held once for all three.
        quantile_cont(gap_ms, [0.5, 0.95, 0.99]) as percentiles,
        max(gap_ms) as max_ms
    from gaps
    group by group_key
)

select
    group_key,
    n,
    streams,
    percentiles[1] as p50_ms,
    case when n >= 60 then percentiles[2] end as p95_ms,
    case when n >= 300 then percentiles[3] end as p99_ms,
    max_ms,
    tokens_per_chunk,
    coalesced_share,
    coalesced_share > 0.1 or tokens_per_chunk > 1.5 as is_coalesced
from pooled
