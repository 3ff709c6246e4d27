-- What became of each staged record: its file and line, what it is (request, stream, score,
-- bill) and, if it is no row, why. Requests have the one id that stands for all their ids
-- (`renamed`); `own_id` is the one in the record. Reads `staged`, `sources`, `renamed` and
-- `homeless`. One row per record.
with placed as (
    select
        staged.* exclude (request_id, file_id, line, outcome, row),
        coalesce(renamed.canonical_id, staged.request_id) as request_id,
        staged.request_id as own_id,
        sources.file_id,
        sources.records_before
            + coalesce(record_line, staged.row - sources.first_row + 1) as line,
        outcome as given,
        bill_kind is not null as is_bill,
        offsets_ms is not null and bill_kind is null as is_stream,
        bill_kind is null
            and name is not null
            and (staged.request_id is not null or session_id is not null)
            and model_logged is null as is_score,
    from staged
    join sources on sources.plain = staged.record_file
    left join renamed on renamed.request_id = staged.request_id
),

kinds as (
    select
        *,
        -- A stream log that also tells what was used is a request of its own.
        not is_score
        and not is_bill
        and (
            not is_stream
            or model_logged is not null
            or model_requested is not null
            or input_tokens is not null
            or output_tokens is not null
        ) as is_request,
        case
            when is_bill then left(sha256(concat_ws(
                chr(31), format, bill_kind, coalesce(provider, ''), coalesce(model_logged, ''),
                epoch_us(starts_at), epoch_us(ends_at), coalesce(project, ''),
                coalesce(service_tier, ''), list_sort(map_entries(labels))::varchar
            )), 16)
        end as bill_id,
    from placed
)

select
    * exclude (given),
    case
        when given is not null then given
        when is_bill and (starts_at is null or ends_at is null or ends_at <= starts_at)
            then 'rejected: no readable time bucket'
        when is_bill and coalesce(
            requests, input_tokens, input_uncached_tokens, output_tokens, amount_usd
        ) is null then 'rejected: no readable number'
        when is_bill then null
        when is_score and value is null then 'rejected: no readable value'
        when is_score and not value between 0 and 1 then 'rejected: value outside 0 to 1'
        when is_score then null
        when request_id is null then 'rejected: no request id'
        when is_stream and not is_request then case
            when request_id in (select request_id from homeless)
                then 'rejected: no start time and no such request'
        end
        when started_at is null then 'rejected: no readable start time'
        -- 1970 is a clock that was not set; beyond 2100 it was another unit.
        when not started_at between timestamptz '2000-01-01 00:00:00Z' and '2100-01-01 00:00:00Z'
            then 'rejected: start time before 2000 or after 2100'
    end as outcome,
from kinds
