-- logscope's own stream format, NDJSON: when each chunk of an answer arrived.
-- writes: native_streams.jsonl
-- To ignore: a stream of which no chunk came. To reject: half a record.
-- One line per stream.
with recorded as (
    select
        truth.kind,
        to_json({
            'request_id': truth.request_id,
            'started_at': iso_of(truth.started_us),
            -- The role comes just before the first token, the usage with the end.
            'offsets_ms': case
                when truth.kind = 'request' then list_transform(
                    [chunks.role_us] || chunks.offsets_us || [chunks.offsets_us[-1]],
                    lambda moment: moment / 1000.0
                )
                when truth.kind = 'ignored' then []
                else [0.5, 1.5, 2.5]
            end,
            'kinds': case
                when truth.kind = 'request' then ['role'] || chunks.kinds || ['usage']
                when truth.kind = 'ignored' then []
                else ['role', 'text', 'usage']
            end,
            'tokens_per_chunk': case
                when truth.kind = 'request' then [0] || chunks.tokens || [0]
                when truth.kind = 'ignored' then []
                else [0, 1, 0]
            end,
        })::varchar as record,
        truth.started_us,
        truth.request_no,
    from truth
    left join chunks on truth.request_no = chunks.request_no
    where truth.stream_logged
)

select half_if_rejected(kind, record) as line
from recorded
order by started_us, request_no
