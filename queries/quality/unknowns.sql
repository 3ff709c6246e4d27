-- What requests leave unknown, where that comes from, what it makes impossible and what helps.
-- unit: requests; shares from 0 to 1
-- grain: one row per thing that some request lacks
-- Model, tokens and price are asked of requests that were ok; a failed call has no cost to know. A
-- score of a session is one of its requests too.
with scored as (
    select distinct request_id from scores where request_id is not null
),

scored_sessions as (
    select distinct session_id from scores where session_id is not null
),

asked as (
    select
        selection.format,
        selection.status,
        selection.model,
        selection.ttft_ms,
        selection.region,
        selection.task,
        selection.team,
        selection.session_id,
        selection.cost_usd,
        selection.cost_usd is null
            and (selection.input_tokens is null or selection.output_tokens is null) as no_tokens,
        coalesce(scored.request_id, scored_sessions.session_id) as scored
    from selection
    left join scored on selection.request_id = scored.request_id
    left join scored_sessions on selection.session_id = scored_sessions.session_id
),

lacked as (
    select 1 as place, 'ttft' as unknown, format, ttft_ms is null as lacks from asked
    union all
    select 2, 'region', format, region is null from asked
    union all
    select 3, 'task', format, task is null from asked
    union all
    select 4, 'team', format, team is null from asked
    union all
    select 5, 'model', format, model is null from asked where status = 'ok'
    union all
    select 6, 'tokens', format, no_tokens from asked where status = 'ok'
    union all
    select 7, 'price', format, cost_usd is null
    from asked where status = 'ok' and model is not null and not no_tokens
    union all
    select 8, 'session', format, session_id is null from asked
    union all
    select 9, 'score', format, scored is null from asked
),

by_format as (
    select
        place,
        unknown,
        format,
        count(*) as n,
        sum(case when lacks then 1 else 0 end) as n_unknown
    from lacked
    group by place, unknown, format
),

ranked as (
    select
        *,
        row_number() over (partition by place order by n_unknown desc, format) as nth
    from by_format
),

told as (
    select
        place,
        unknown,
        cast(sum(n) as bigint) as n,
        cast(sum(n_unknown) as bigint) as n_unknown,
        max(case when nth = 1 then format end) as mostly_from,
        max(case when nth = 1 then n_unknown * 1.0 / n end) as share_there
    from ranked
    group by place, unknown
)

select
    unknown,
    n_unknown as requests,
    n as of_requests,
    n_unknown * 1.0 / n as share,
    mostly_from,
    share_there,
    case unknown
        when 'ttft' then 'no first-token times of these requests'
        when 'region' then 'no comparison of regions, no regional price'
        when 'task' then 'no targets and no cost per task'
        when 'team' then 'no cost per team'
        when 'model' then 'no cost, no comparison of models'
        when 'tokens' then 'no cost and no time per token'
        when 'price' then 'every sum of costs is too low'
        when 'session' then 'no session times, wider intervals'
        when 'score' then 'no proof of quality, so no switch of models'
    end as makes_impossible,
    case unknown
        when 'ttft' then 'stream the answers, or log where the first token is kept: logscope formats NAME'
        when 'region' then 'log the endpoint, or give rules in [region] of logscope.toml'
        when 'task' then 'label the requests and say in logscope.toml: task = "label:NAME"'
        when 'team' then 'label the requests and say in logscope.toml: team = "label:NAME"'
        when 'model' then 'log the name of the model that answered'
        when 'tokens' then 'ask the provider for usage; in streams: stream_options.include_usage'
        when 'price' then 'add the models of `logscope query unpriced` to [prices] of logscope.toml'
        when 'session' then 'log a session or conversation id'
        when 'score' then 'ingest scores: request_id, name, value (logscope formats native_scores)'
    end as remedy
from told
where n_unknown > 0
order by place
