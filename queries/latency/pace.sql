-- Whether the pace holds in long streams and sessions, or sinks: last third against first third.
-- unit: chunks per second (stream), tokens per second after the first (session)
-- grain: one row per group and kind
-- order: kind
-- params: from_s=300
-- Of streams and sessions of `from_s` seconds (five minutes) and more. A session's third is what
-- started in it. `n_sinking`: the last third is more than 10 % slower than the first, `n_rising`:
-- more than 10 % faster. About as many of both are chance.
with long_streams as (
    select
        selection.group_key,
        streams.offsets_ms,
        streams.offsets_ms[1] as first_ms,
        nullif(streams.offsets_ms[len(streams.offsets_ms)] - streams.offsets_ms[1], 0) / 3
            as third_ms
    from selection
    join streams on selection.request_id = streams.request_id
    where
        selection.status = 'ok'
        and selection.duration_ms >= 1000 * cast($from_s as double)
        -- Asked of the request, not of the stream: short streams are not even read.
        and selection.n_chunks >= 30
),

stream_pace as (
    select
        group_key,
        'stream' as kind,
        -- The first chunk ends the wait: it is in no third.
        1000.0 * len(list_filter(
            offsets_ms, lambda moment: moment > first_ms and moment <= first_ms + third_ms
        )) / third_ms as first_tps,
        1000.0 * len(list_filter(offsets_ms, lambda moment: moment > first_ms + 2 * third_ms))
        / third_ms as last_tps
    from long_streams
),

-- Short sessions leave before their requests are looked at again.
long_sessions as (
    select
        group_key,
        session_id,
        min(started_at) as session_start,
        (epoch_us(max(ended_at)) - epoch_us(min(started_at))) / 1000.0 as session_ms
    from selection
    where status = 'ok' and session_id is not null
    group by group_key, session_id
    having
        epoch_us(max(ended_at)) - epoch_us(min(started_at)) >= 1000000 * cast($from_s as double)
),

thirds as (
    select
        selection.group_key,
        selection.session_id,
        selection.output_tokens,
        cast(selection.duration_ms - selection.ttft_ms as decimal(18, 3)) as decode_ms,
        (epoch_us(selection.started_at) - epoch_us(long_sessions.session_start))
        / 1000.0 / long_sessions.session_ms as place
    from selection
    join long_sessions
        on selection.group_key = long_sessions.group_key
        and selection.session_id = long_sessions.session_id
    where selection.status = 'ok' and selection.tpot_ms is not null
),

session_pace as (
    select
        group_key,
        'session' as kind,
        1000.0 * sum(case when place < 1 / 3.0 then output_tokens - 1 end)
        / sum(case when place < 1 / 3.0 then decode_ms end) as first_tps,
        1000.0 * sum(case when place >= 2 / 3.0 then output_tokens - 1 end)
        / sum(case when place >= 2 / 3.0 then decode_ms end) as last_tps
    from thirds
    group by group_key, session_id
),

paced as (
    select * from stream_pace
    union all
    select * from session_pace
    where first_tps is not null and last_tps is not null
)

select
    group_key,
    kind,
    count(first_tps) as n,
    percentile_cont(0.5) within group (order by first_tps) as first_third_p50_tps,
    percentile_cont(0.5) within group (order by last_tps) as last_third_p50_tps,
    percentile_cont(0.5) within group (order by last_tps / nullif(first_tps, 0)) as ratio_p50,
    count(case when last_tps < 0.9 * first_tps then 1 end) as n_sinking,
    count(case when last_tps > 1.1 * first_tps then 1 end) as n_rising
from paced
group by group_key, kind
having count(first_tps) > 0
