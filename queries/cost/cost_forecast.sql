-- What the coming week will cost, if weeks go on to differ as they did.
-- unit: USD
-- grain: one row per group that cost something in the last week
-- params: tz=UTC
-- Of whole weeks (from Monday, in the time zone) up to the last one selected. The coming week is told to
-- cost what the last one did; the error is the root mean square of the changes from week to week, as
-- logarithms, and the 95 % interval that of t with as many degrees of freedom as there are changes. No
-- trend and no season: what they do to weeks is in the changes. NULL under 3 changes; a change counts
-- only between weeks that follow each other and both cost something. Requests without a known cost are
-- in no sum.
with quantiles as (
    -- Of t, at 97.5 %.
    select *
    from (
        values
        (3, 3.182446), (4, 2.776445), (5, 2.570582), (6, 2.446912), (7, 2.364624),
        (8, 2.306004), (9, 2.262157), (10, 2.228139), (11, 2.200985), (12, 2.178813)
    ) as t (changes, quantile)
),

-- Every time zone's weeks begin with one of these, and there are few of them for the calendar.
quarters_of_hours as (
    select
        group_key,
        min(started_at) as started_at,
        sum(cost_usd) as cost_usd
    from selection
    where cost_usd is not null
    group by group_key, epoch_us(started_at) // 900000000
),

weekly as (
    select
        group_key,
        cast(date_trunc('week', started_at at time zone $tz) as date) as week,
        cast(sum(cost_usd) as double) as cost_usd
    from quarters_of_hours
    group by group_key, cast(date_trunc('week', started_at at time zone $tz) as date)
),

compared as (
    select
        group_key,
        week,
        cost_usd,
        lag(week) over (partition by group_key order by week) as week_before,
        lag(cost_usd) over (partition by group_key order by week) as cost_before_usd
    from weekly
    where cost_usd > 0
),

spreads as (
    select
        group_key,
        least(count(*), 12) as changes,
        sqrt(avg(power(ln(cost_usd / cost_before_usd), 2))) as spread
    from compared
    where week_before = week - interval 7 day
    group by group_key
)

select
    weekly.group_key,
    cast(weekly.week + interval 7 day as date) as week,
    round(weekly.cost_usd, 6) as forecast_usd,
    round(weekly.cost_usd * exp(-quantiles.quantile * spreads.spread), 6) as low_usd,
    round(weekly.cost_usd * exp(quantiles.quantile * spreads.spread), 6) as high_usd,
    coalesce(spreads.changes, 0) as past_changes,
    round(case when quantiles.quantile is not null then spreads.spread end, 6) as spread
from weekly
left join spreads on weekly.group_key = spreads.group_key
left join quantiles on spreads.changes = quantiles.changes
where weekly.week = (select max(week) from weekly)
