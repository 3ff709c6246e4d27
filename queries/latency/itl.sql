-- Inter-token latency: the gaps between generated chunks, pooled over the streams of ok requests.
-- unit: ms
-- grain: one row per group
-- withheld: p95 under 60 gaps, p99 under 300
-- definition: arrival of a generated chunk - arrival of the one before; role-only and usage chunks
--   are none. Long answers weigh more. n counts gaps.
-- A chunk is coalesced if it came within a millisecond of the one before: several events in one
-- read. `is_coalesced`: more than a tenth are, or a chunk holds over 1.5 tokens. Then a gap is no
-- token's time: use tpot.
-- `generated_gaps` stands beside `selection`: n and percentiles of each group's gaps (gaps.py).
with counted as (
    select
        selection.group_key,
        count(*) as streams,
        sum(selection.output_text_tokens)
        / nullif(sum(
            case when selection.output_text_tokens is not null then streams.n_generated end
        ), 0) as tokens_per_chunk,
        sum(streams.n_coalesced) / nullif(sum(greatest(streams.n_generated - 1, 0)), 0)
            as coalesced_share
    from selection
    join streams on selection.request_id = streams.request_id
    where selection.status = 'ok'
    group by selection.group_key
)

select
    counted.group_key,
    coalesce(pooled.n, 0) as n,
    counted.streams,
    pooled.p50 as p50_ms,
    case when pooled.n >= 60 then pooled.p95 end as p95_ms,
    case when pooled.n >= 300 then pooled.p99 end as p99_ms,
    pooled.max as max_ms,
    counted.tokens_per_chunk,
    counted.coalesced_share,
    counted.coalesced_share > 0.1 or counted.tokens_per_chunk > 1.5 as is_coalesced
from counted
left join generated_gaps as pooled on counted.group_key = pooled.group_key
