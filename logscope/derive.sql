-- Columns that follow from others, from names and from streams; run at every ingest and refresh.
-- Reads `rows` (requests as logged), `names` (canonical names of what was logged) and
-- `stream_facts`. The rules of logscope.toml come on top (task, team, region), then the prices.
-- One row per request.
with named as (
    select
        rows.* replace (names.provider as provider),
        names.model,
        names.region,
        rows.started_at::date as day,
    from rows
    left join names
        on rows.provider is not distinct from names.provider_logged
        and rows.model_logged is not distinct from names.model_logged
        and rows.region_logged is not distinct from names.region_logged
),

streamed as (
    select
        named.* replace (
            stream_facts.n_chunks as n_chunks,
            stream_facts.max_gap_ms as max_gap_ms,
            stream_facts.stall_ms as stall_ms,
            -- A request without a first token of its own takes the one of its stream; without a
            -- visible one of its own that of its stream, if that is no earlier. What lies after the
            -- end was told by another clock.
            case
                when first_token_at is not null then named.ttft_ms
                when first_generated_ms <= coalesce(duration_ms, first_generated_ms) + 1
                    then first_generated_ms
            end as ttft_ms,
            case
                when named.ttft_visible_ms is not null then named.ttft_visible_ms
                when first_visible_ms <= coalesce(duration_ms, first_visible_ms) + 1
                    and (first_token_at is null or first_visible_ms >= named.ttft_ms - 1)
                    then first_visible_ms
            end as ttft_visible_ms
        )
    from named
    left join stream_facts using (request_id)
),

paced as (
    select
        *,
        case
            when output_tokens >= 2 and duration_ms > ttft_ms
                then (duration_ms - ttft_ms) / (output_tokens - 1)
        end as tpot_ms,
    from streamed
)

select
    *,
    1000 / tpot_ms as output_tps,
from paced
