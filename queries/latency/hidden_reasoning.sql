-- Reasoning that was billed but never streamed: it makes tokens per second look too high.
-- unit: requests, tokens, tokens per second
-- grain: one row per group
-- n counts ok, streamed requests with reasoning tokens. Whether they were streamed is known where
-- the log tells the kinds of chunks (n_judged). `tps_billed` divides all tokens by the time after
-- the first, `tps_streamed` only those that arrived; both are medians over the hidden ones.
with reasoned as (
    select
        selection.group_key,
        selection.reasoning_tokens,
        selection.output_tokens,
        selection.output_tps,
        1000.0 * (selection.output_text_tokens - 1)
        / nullif(selection.duration_ms - selection.ttft_ms, 0) as streamed_tps,
        not streams.has_reasoning as is_hidden
    from selection
    left join streams on selection.request_id = streams.request_id
    where
        selection.status = 'ok'
        and selection.reasoning_tokens > 0
        and (selection.stream or streams.request_id is not null)
)

select
    group_key,
    count(*) as n,
    count(is_hidden) as n_judged,
    count(case when is_hidden then 1 end) as n_hidden,
    cast(sum(case when is_hidden then reasoning_tokens end) as bigint) as hidden_tokens,
    sum(case when is_hidden then reasoning_tokens end)
    / nullif(sum(case when is_hidden then output_tokens end), 0) as hidden_share,
    percentile_cont(0.5) within group (order by case when is_hidden then output_tps end)
        as tps_billed,
    percentile_cont(0.5) within group (order by case when is_hidden then streamed_tps end)
        as tps_streamed
from reasoned
group by group_key
