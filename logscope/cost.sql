-- What each request cost, by the price in force when it started.
-- reads: priced_input (rows of requests, without cost_usd and price_id) and prices.
--
-- The price is the one for provider, logged model (else the requested one), served tier, UTC day,
-- time of day and input size. A size tier is a cliff: the whole request pays it. The counters are
-- disjoint and each pays its own price; audio and image tokens lie inside the uncached input and
-- the output and move to their price. A cache write of unlogged lifetime pays the 5-minute price.
-- An unlogged served tier is standard.
--
-- NULL, never 0: no price for the model or its tier; no input or no output counter (a model without
-- an output price, such as an embedding, needs no output); a counter above 0 without a known price;
-- more than 100 million tokens or 10,000 searches, which no single request has.
-- 0: an answer from the proxy's own cache. A fee per request is due only if there were tokens.
--
-- Amounts are whole numbers of 1e-12 USD, as prices have at most six decimals per million tokens:
-- exact, rounded once at the end, and several times faster than decimals of 38 digits.
-- One row per row of priced_input, with all its columns.
with in_force as (
    -- Bounds without NULL, so that the join is plain comparisons, and prices as whole numbers.
    select
        price_id,
        coalesce(provider, '') as provider,
        model_logged,
        service_tier,
        coalesce(valid_from, date '0001-01-01') as first_day,
        coalesce(valid_until, date '9999-12-31') as end_day,
        coalesce(from_minute_of_day, 0) as first_minute,
        coalesce(until_minute_of_day, 1440) as end_minute,
        coalesce(above_input_tokens, -1) as above,
        coalesce(up_to_input_tokens, 9223372036854775807) as up_to,
        cast(cast(input_usd_per_mtok as decimal(12, 6)) * 1000000 as bigint) as input,
        cast(cast(cache_read_usd_per_mtok as decimal(12, 6)) * 1000000 as bigint) as cache_read,
        cast(cast(cache_write_5m_usd_per_mtok as decimal(12, 6)) * 1000000 as bigint)
            as cache_write_5m,
        cast(cast(cache_write_1h_usd_per_mtok as decimal(12, 6)) * 1000000 as bigint)
            as cache_write_1h,
        cast(cast(output_usd_per_mtok as decimal(12, 6)) * 1000000 as bigint) as output,
        cast(cast(reasoning_usd_per_mtok as decimal(12, 6)) * 1000000 as bigint) as reasoning,
        cast(cast(input_audio_usd_per_mtok as decimal(12, 6)) * 1000000 as bigint) as input_audio,
        cast(cast(output_audio_usd_per_mtok as decimal(12, 6)) * 1000000 as bigint) as output_audio,
        cast(cast(input_image_usd_per_mtok as decimal(12, 6)) * 1000000 as bigint) as input_image,
        cast(cast(web_search_usd as decimal(38, 10)) * 1000000000000 as bigint) as web_search,
        cast(cast(coalesce(request_usd, 0) as decimal(38, 10)) * 1000000000000 as bigint) as request
    from prices
),

counted as (
    -- The counters without NULL, and bounded so that a nonsensical one cannot overflow a sum.
    select
        *,
        coalesce(provider, '') as _provider,
        coalesce(model_logged, model_requested) as _model,
        coalesce(service_tier, 'standard') as _tier,
        epoch_ms(started_at) // 60000 % 1440 as _minute,
        least(coalesce(input_uncached_tokens, 0), 1000000000) as _uncached,
        least(coalesce(input_audio_tokens, 0), _uncached) as _audio_in,
        least(coalesce(input_image_tokens, 0), _uncached - _audio_in) as _image_in,
        least(coalesce(cache_read_tokens, 0), 1000000000) as _read,
        least(coalesce(cache_write_5m_tokens, 0), 1000000000)
            + least(coalesce(cache_write_unknown_tokens, 0), 1000000000) as _write_5m,
        least(coalesce(cache_write_1h_tokens, 0), 1000000000) as _write_1h,
        least(coalesce(output_text_tokens, 0), 1000000000) as _text,
        least(coalesce(output_audio_tokens, 0), _text) as _audio_out,
        least(coalesce(reasoning_tokens, 0), 1000000000) as _reasoning,
        _uncached + _read + _write_5m + _write_1h as _input,
        coalesce(
            input_uncached_tokens,
            cache_read_tokens,
            cache_write_5m_tokens,
            cache_write_1h_tokens,
            cache_write_unknown_tokens
        ) is not null as _input_known,
        coalesce(output_text_tokens, reasoning_tokens) is not null as _output_known
    from priced_input
),

matched as (
    select
        counted.*,
        in_force.price_id as _price_id,
        case
            when cache_hit then 0
            when not _input_known or not (_output_known or in_force.output is null) then null
            when _input + _text + _reasoning > 100000000 or web_searches > 10000 then null
            when in_force.price_id is not null
                then
                    case when _uncached - _audio_in - _image_in > 0
                        then (_uncached - _audio_in - _image_in) * in_force.input else 0 end
                    + case when _audio_in > 0 then _audio_in * in_force.input_audio else 0 end
                    + case when _image_in > 0 then _image_in * in_force.input_image else 0 end
                    + case when _read > 0 then _read * in_force.cache_read else 0 end
                    + case when _write_5m > 0 then _write_5m * in_force.cache_write_5m else 0 end
                    + case when _write_1h > 0 then _write_1h * in_force.cache_write_1h else 0 end
                    + case when _text > _audio_out
                        then (_text - _audio_out) * in_force.output else 0 end
                    + case when _audio_out > 0 then _audio_out * in_force.output_audio else 0 end
                    + case when _reasoning > 0 then _reasoning * in_force.reasoning else 0 end
                    + case when web_searches > 0 then web_searches * in_force.web_search else 0 end
                    + case when _input + _text + _reasoning > 0 then in_force.request else 0 end
        end as _cost
    from counted
    left join in_force
        on counted._provider = in_force.provider
        and counted._model = in_force.model_logged
        and counted._tier = in_force.service_tier
        and counted.day >= in_force.first_day
        and counted.day < in_force.end_day
        and counted._minute >= in_force.first_minute
        and counted._minute < in_force.end_minute
        and counted._input > in_force.above
        and counted._input <= in_force.up_to
)

select
    * exclude (
        _provider, _model, _tier, _minute, _uncached, _audio_in, _image_in, _read, _write_5m,
        _write_1h, _text, _audio_out, _reasoning, _input, _input_known, _output_known, _price_id,
        _cost
    ),
    cast(cast(_cost as decimal(18, 0)) * 0.000000000001 as decimal(18, 10)) as cost_usd,
    case when _cost is not null and not coalesce(cache_hit, false) then _price_id end as price_id
from matched
