-- vLLM, `vllm bench serve --save-result --save-detailed`: one object per run, one list entry per request.
-- source: https://github.com/vllm-project/vllm/blob/main/vllm/benchmarks/serve.py
-- get: vllm bench serve ... --save-result --save-detailed (also with --append-result), with TZ=UTC.
-- beware: Source only: no real record was seen. Requests have no ids: they are made of the run and the
--   position. They have no dates either: `start_times` count from an unknown moment, so the run is
--   taken to end at its `date`, which is the machine's local time and read as UTC; run with TZ=UTC, or
--   days may be off. Latencies are exact. Latency is the first token plus all gaps; gaps are per chunk.
--   Failed requests have neither tokens nor times. Runs without --save-detailed are ignored.
-- reads: json
-- rows: many
-- detect: json_exists(first, '$.backend') and json_exists(first, '$.model_id') and
--   (json_exists(first, '$.ttfts') or json_exists(first, '$.mean_ttft_ms'))
-- columns: date VARCHAR, backend VARCHAR, model_id VARCHAR, endpoint_type VARCHAR, label VARCHAR,
--   request_rate VARCHAR, max_concurrency VARCHAR, completed VARCHAR, input_lens BIGINT[], output_lens
--   BIGINT[], ttfts DOUBLE[], itls DOUBLE[][], start_times DOUBLE[], errors VARCHAR[]
-- One row per request.
with runs as (
    select
        *,
        left(sha256(concat_ws('|', date, model_id, ttfts::varchar, itls::varchar,
            input_lens::varchar, start_times::varchar)), 16) as run,
        try_strptime(date, '%Y%m%d-%H%M%S') at time zone 'UTC' as run_ended_at,
        list_transform(ttfts, lambda ttft, place: ttft + coalesce(list_sum(itls[place]), 0))
            as latencies,
    from source
    where coalesce(date, backend, model_id) is not null
),

ended as (
    select
        *,
        list_max(list_transform(
            start_times, lambda moment, place: moment + coalesce(latencies[place], 0)
        )) as last_moment,
        unnest(case when len(ttfts) > 0 then range(1, len(ttfts) + 1) else [null] end) as place,
    from runs
),

requests as (
    select
        *,
        run_ended_at - span_of_ms(
            1000 * coalesce(last_moment - start_times[place], latencies[place])
        ) as started_at,
        coalesce(errors[place], '') <> '' as failed,
    from ended
)

select
    record_file,
    record_line,
    run || '-' || place as request_id,
    run as session_id,
    started_at,
    case when not failed then ttfts[place] * 1000 end as ttft_ms,
    case when not failed then latencies[place] * 1000 end as duration_ms,
    case
        when not failed and itls is not null then list_prepend(
            ttfts[place] * 1000,
            list_transform(itls[place], lambda gap, position:
                (ttfts[place] + list_sum(itls[place][:position])) * 1000)
        )
    end as offsets_ms,
    model_id as model_requested,
    model_id as model_logged,
    entries_but(
        {
            'backend': backend,
            'label': label,
            'request_rate': request_rate,
            'max_concurrency': max_concurrency
        }::map(varchar, varchar),
        []
    ) as labels,
    true as stream,
    input_lens[place] as input_tokens,
    case when not failed then output_lens[place] end as output_tokens,
    true as input_includes_cache,
    true as output_includes_reasoning,
    if(failed, 'error', 'ok') as status,
    case
        when place is null then 'ignored: a run without details (--save-detailed)'
        when run_ended_at is null then 'rejected: no readable date of the run'
    end as outcome
from requests
