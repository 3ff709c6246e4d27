-- AIPerf, profile_export.jsonl of a load test: one object per request, without the model's name.
-- writes: aiperf_profile.jsonl
-- To ignore: a request of the warm-up. To reject: half a record.
-- One line per request.
with measured as (
    select
        truth.*,
        greatest(output_tokens - 1, 1) as gaps,
        chunks.offsets_us,
        -- The gaps between chunks; a copy borrows none.
        coalesce(
            list_transform(
                chunks.offsets_us[2:],
                lambda moment, position: (moment - chunks.offsets_us[position]) / 1000.0
            ),
            []
        ) as gaps_ms,
    from truth
    left join chunks on truth.request_no = chunks.request_no
    where truth.file = 'aiperf_profile'
),

recorded as (
    select
        started_us,
        request_no,
        kind,
        to_json({
            'metadata': {
                'session_num': row_number() over (order by started_us, request_no) - 1,
                'x_request_id': request_id,
                'x_correlation_id': uuid_of('correlation', request_no),
                'conversation_id': uuid_of('conversation', request_no),
                'turn_index': 0,
                'request_start_ns': started_us * 1000,
                'request_ack_ns': case when answered then (started_us + 35000) * 1000 end,
                'request_end_ns': ended_us * 1000,
                'worker_id': 'worker_' || left(hex_of('worker', request_no % 4), 8),
                'record_processor_id': 'record_processor_' || left(hex_of('processor', 0), 8),
                'benchmark_phase': if(kind = 'ignored', 'warmup', 'profiling'),
                'was_cancelled': status = 'cancelled',
                'cancellation_time_ns': case when status = 'cancelled' then ended_us * 1000 end,
            },
            'metrics': if(
                answered,
                to_json({
                    'input_sequence_length': {'value': input_tokens, 'unit': 'tokens'},
                    'time_to_first_token': {'value': ttft_ms, 'unit': 'ms'},
                    'request_latency': {'value': duration_ms, 'unit': 'ms'},
                    'output_token_count': {'value': output_tokens, 'unit': 'tokens'},
                    'inter_chunk_latency': {'value': gaps_ms, 'unit': 'ms'},
                    'output_sequence_length': {'value': output_tokens, 'unit': 'tokens'},
                    'inter_token_latency': {
                        'value': (duration_ms - ttft_ms) / gaps, 'unit': 'ms'
                    },
                    'output_token_throughput_per_user': {
                        'value': 1000 * gaps / (duration_ms - ttft_ms), 'unit': 'tokens/sec/user',
                    },
                }),
                to_json({'error_isl': {'value': input_tokens, 'unit': 'tokens'}})
            ),
            'error': case when not answered then {
                'code': http_status,
                'type': if(status = 'cancelled', 'RequestCancellationError', error_type),
                'message': 'Lorem ipsum.',
            } end,
        })::varchar as record,
    from measured
)

select half_if_rejected(kind, record) as line
from recorded
order by started_us, request_no
