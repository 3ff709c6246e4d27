-- Latency as GuideLLM's summary defines it, under its metric names.
-- unit: in the column unit
-- grain: one row per group and metric
-- order: metric
-- Successful requests only. Its inter-token latency runs from the first to the last generated chunk
-- of a request; its time per output token has the wait for the first inside. In both a request
-- counts once for each such token, so n tells tokens there, elsewhere requests. A percentile is the
-- first value that so many per cent do not exceed. Tokens per second are those of the whole run,
-- from its first token to its last, not a request's own of the same name. Without a stream log the
-- last token comes with the end of the request. What is not known is left out; GuideLLM takes it for
-- 0. avg, std and p50 are its mean, std_dev and median.
with timed as (
    select
        selection.group_key,
        selection.started_at,
        selection.ended_at,
        selection.input_tokens,
        selection.output_tokens,
        selection.ttft_ms,
        selection.ttft_visible_ms,
        selection.duration_ms,
        coalesce(streams.last_generated_ms, selection.duration_ms) as last_ms
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
        (epoch_us(max(ended_at)) - epoch_us(min(started_at))) / 1e6 as run_s,
        max(epoch_us(started_at) / 1e6 + last_ms / 1000)
        - min(epoch_us(started_at) / 1e6 + coalesce(ttft_ms, last_ms) / 1000) as tokens_s
    from timed
    group by group_key
),

rates as (
    select
        group_key,
        n,
        unnest([
            {
                'metric': 'requests_per_second', 'unit': 'requests/s',
                'rate': n / nullif(run_s, 0)
            },
            {
                'metric': 'output_tokens_per_second', 'unit': 'tokens/s',
                'rate': round(output_tokens / nullif(tokens_s, 0), 9)
            },
            {
                'metric': 'tokens_per_second', 'unit': 'tokens/s',
                'rate': round((input_tokens + output_tokens) / nullif(tokens_s, 0), 9)
            }
        ], recursive := true)
    from runs
),

-- By request.
counted as (
    select
        group_key,
        unnest([
            {'metric': 'time_to_first_token_ms', 'unit': 'ms', 'told': stepped(ttft_ms)},
            {
                'metric': 'time_to_first_output_token_ms', 'unit': 'ms',
                'told': stepped(ttft_visible_ms)
            },
            {'metric': 'request_latency', 'unit': 's', 'told': stepped(duration_ms / 1000)}
        ], recursive := true)
    from timed
    group by group_key
),

-- By token, with the wait for the first or without: a flag is sorted in half the time of a name.
weighed as (
    select
        group_key,
        false as has_first,
        output_tokens - 1 as weight,
        (last_ms - ttft_ms) / (output_tokens - 1) as value
    from timed
    where output_tokens > 1 and last_ms is not null and ttft_ms is not null

    union all

    select group_key, true, output_tokens, last_ms / output_tokens
    from timed
    where output_tokens > 0 and last_ms is not null
),

totals as (
    select
        group_key,
        has_first,
        sum(weight) as total,
        sum(weight * value) / sum(weight) as mean
    from weighed
    group by group_key, has_first
),

running as (
    select
        *,
        sum(weight) over (
            partition by group_key, has_first order by value
            rows between unbounded preceding and current row
        ) as up_to
    from weighed
)

select
    running.group_key,
    case when running.has_first then 'time_per_output_token_ms' else 'inter_token_latency_ms' end
        as metric,
    'ms' as unit,
    cast(max(totals.total) as bigint) as n,
    round(max(totals.mean), 9) as avg,
    round(sqrt(sum(weight * power(value - mean, 2)) / max(totals.total)), 9) as std,
    min(running.value) as min,
    min(case when up_to >= 0.5 * total then value end) as p50,
    min(case when up_to >= 0.9 * total then value end) as p90,
    min(case when up_to >= 0.95 * total then value end) as p95,
    min(case when up_to >= 0.99 * total then value end) as p99,
    max(running.value) as max
from running
join totals on running.group_key = totals.group_key and running.has_first = totals.has_first
group by running.group_key, running.has_first

union all

select
    group_key,
    metric,
    unit,
    n,
    avg,
    std,
    min,
    percentiles[1],
    percentiles[2],
    percentiles[3],
    percentiles[4],
    max
from counted
where n > 0

union all

select group_key, metric, unit, n, rate, null, null, null, null, null, null, null
from rates
where rate is not null
