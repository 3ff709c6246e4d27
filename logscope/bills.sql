-- Bills, new and stored, by one set of rules: disjoint counters, canonical names, each bill once. A
-- report that was fetched while its bucket was still filling counts less: the fullest version
-- stands, whatever the order in which they came. Reads the records that are bills, `stored_bills`
-- and `canonical`. One row per bill_id.
with counted as (
    select
        *,
        coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0)
        + coalesce(cache_write_1h_tokens, 0) + coalesce(cache_write_unknown_tokens, 0)
            as cached_tokens,
    from records
    where outcome is null and is_bill
),

split as (
    select
        *,
        coalesce(
            input_uncached_tokens,
            case
                when input_includes_cache and cached_tokens <= input_tokens
                    then input_tokens - cached_tokens
                else input_tokens
            end
        ) as uncached,
    from counted
),

given as (
    select
        bill_id,
        canonical.provider,
        canonical.model,
        split.model_logged,
        (starts_at at time zone 'UTC')::date as day,
        starts_at,
        ends_at,
        bill_kind as kind,
        uncached as input_uncached_tokens,
        cache_read_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        cache_write_unknown_tokens,
        output_tokens - reasoning_tokens as output_text_tokens,
        reasoning_tokens,
        uncached + cached_tokens as input_tokens,
        output_tokens,
        requests,
        amount_usd as cost_usd,
        project,
        service_tier,
        labels,
        format,
    from split
    join canonical
        on split.provider is not distinct from canonical.provider_logged
        and split.model_logged is not distinct from canonical.model_logged
),

versions as (
    select * from given
    union all by name
    select * exclude (filename) from stored_bills semi join given using (bill_id)
)

select unnest(max_by(
    versions,
    struct_pack(
        a := coalesce(requests, -1),
        b := coalesce(input_tokens, 0) + coalesce(output_tokens, 0),
        c := coalesce(cost_usd, -1),
        d := versions::varchar
    )
))
from versions
group by bill_id
