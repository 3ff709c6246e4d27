-- Latency as GuideLLM defines it, under its metric names.
-- unit: in the column unit
-- grain: one row per group and metric
-- order: metric
-- Successful requests only. Its inter-token latency is per request, first to last generated chunk;
-- its time per output token has the wait for the first inside. Its own summaries step through the
-- distribution; here percentiles interpolate, so they may differ by one request's value.
with timed as (
    select
        selection.group_key,
        selection.input_tokens,
        selection.output_tokens,
        selection.ttft_ms,
        selection.ttft_visible_ms,
        selection.duration_ms,
        coalesce(streams.last_generated_ms, selection.duration_ms) as last_ms,
        case when selection.output_tokens > 1 then selection.output_tokens - 1 end
            as later_tokens
    from selection
    left join streams on selection.request_id = streams.request_id
    where selection.status = 'ok'
),

-- Of the group's whole run, not per request: one value.
runs as (
    select
        group_key,
        count(*) as n,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        (epoch_us(max(ended_at)) - epoch_us(min(started_at))) / 1e6 as run_s
    from selection
    where status = 'ok'
    group by group_key
),

rates as (
    select
        group_key,
        n,
        unnest([
            {'metric': 'requests_per_second', 'unit': 'requests/s', 'rate': n / run_s}
        ], recursive := true)
    from runs
    where run_s > 0
),

told as (
    select
        group_key,
        unnest([
            {'metric': 'time_to_first_token_ms', 'unit': 'ms', 'told': figures(ttft_ms)},
            {
                'metric': 'time_to_first_output_token_ms', 'unit': 'ms',
                'told': figures(ttft_visible_ms)
            },
            {
                'metric': 'inter_token_latency_ms', 'unit': 'ms',
                'told': figures((last_ms - ttft_ms) / later_tokens)
            },
            {
                'metric': 'time_per_output_token_ms', 'unit': 'ms',
                'told': figures(last_ms / nullif(output_tokens, 0))
            },
            {'metric': 'request_latency', 'unit': 's', 'told': figures(duration_ms / 1000)},
            {
                'metric': 'output_tokens_per_second', 'unit': 'tokens/s',
                'told': figures(1000.0 * output_tokens / nullif(duration_ms, 0))
            },
            {
                'metric': 'tokens_per_second', 'unit': 'tokens/s',
                'told': figures(1000.0 * (input_tokens + output_tokens) / nullif(duration_ms, 0))
            }
        ], recursive := true)
    from timed
    group by group_key

    union all

    select group_key, metric, unit, n, rate, null, null, null, null
    from rates
    where rate is not null
)

select
    group_key,
    metric,
    unit,
    n,
    avg,
    std,
    min,
    percentiles[1] as p50,
    percentiles[2] as p90,
    percentiles[3] as p95,
    percentiles[4] as p99,
    max
from told
where n > 0
