-- What each measure of latency is, and what others call it or compute instead.
-- unit: in the column unit
-- grain: one row per measure
-- Each measure is a query of that name. NULL: they have no such number. `(...)` warns of a number
-- of theirs with a like name that is another quantity. `latency --like aiperf|vllm|guidellm|otel`
-- computes theirs. Percentiles: vLLM and AIPerf interpolate as here; GuideLLM steps, OpenTelemetry
-- interpolates within buckets that end at 81.92 s, Langfuse estimates from a sample of 8,192,
-- Artificial Analysis tells the median of 72 hours.
with definitions (
    place,
    measure,
    formula,
    unit,
    vllm,
    aiperf,
    guidellm,
    opentelemetry,
    litellm,
    langfuse,
    artificial_analysis
) as (
    values
    (
        1,
        'first_event',
        'first chunk of any kind - start',
        'ms',
        'TTFT: first event with choices, even role-only',
        null,
        null,
        null,
        'completionStartTime - startTime, even role-only; response_time of a stream',
        null,
        null
    ),
    (
        2,
        'first_token',
        'first text, reasoning or tool event - start',
        'ms',
        '(TTFT is first_event)',
        'time_to_first_token',
        'time_to_first_token_ms',
        'client: operation.time_to_first_chunk; server: time_to_first_token',
        '(completionStartTime is first_event)',
        'completion_start_time - start_time, as the SDK sets it',
        'TTFT: first token after the request was sent'
    ),
    (
        3,
        'first_visible',
        'first text or tool event - start',
        'ms',
        null,
        'time_to_first_output_token',
        'time_to_first_output_token_ms',
        null,
        null,
        null,
        'time to first answer token: thinking added'
    ),
    (
        4,
        'itl',
        'gap between two generated chunks, pooled over streams',
        'ms',
        'ITL: pooled, role chunk included',
        'inter_chunk_latency (inter_token_latency is tpot)',
        '(inter_token_latency_ms is tpot)',
        'client: operation.time_per_output_chunk',
        null,
        null,
        null
    ),
    (
        5,
        'chunk_gap',
        '(last generated chunk - first) / (chunks - 1), per stream',
        'ms',
        null,
        null,
        null,
        null,
        null,
        null,
        null
    ),
    (
        6,
        'tpot',
        '(end - first token) / (output tokens - 1), from 2 tokens',
        'ms',
        'TPOT: from its first event',
        'inter_token_latency',
        'inter_token_latency_ms: to the last chunk, weighed by tokens',
        'server: time_per_output_token',
        null,
        null,
        null
    ),
    (
        7,
        'tpot_with_ttft',
        '(end - start) / output tokens',
        'ms',
        null,
        null,
        'time_per_output_token_ms: to the last chunk, weighed by tokens',
        null,
        'router: formerly ttft / tokens',
        null,
        null
    ),
    (
        8,
        'decode_tps',
        '1000 * (output tokens - 1) / (end - first token), from 2 tokens',
        'tokens/s',
        '(output_throughput: tokens / run time)',
        'output_token_throughput_per_user',
        null,
        null,
        null,
        'tokens / whole seconds after the first, boundaries counted',
        'output speed: tokens/s after the first chunk'
    ),
    (
        9,
        'end_to_end_tps',
        '1000 * output tokens / (end - start)',
        'tokens/s',
        null,
        'e2e_output_token_throughput',
        'output_tokens_per_second of a request (in the summary: of the run)',
        null,
        null,
        'tokensPerSecond: input + output / whole seconds',
        null
    ),
    (
        10,
        'duration',
        'end - start',
        'ms',
        'E2EL: to the last chunk but usage',
        'request_latency: to the last content',
        'request_latency, in s',
        'client: operation.duration, failed ones too; server: request.duration',
        'endTime - startTime',
        'end_time - start_time',
        'total response time: of 500 output tokens'
    ),
    (
        11,
        'operation_time',
        'last end - first start of an operation, retries inside',
        'ms',
        null,
        null,
        null,
        null,
        null,
        null,
        null
    ),
    (
        12,
        'session_time',
        'last end - first start of a session',
        'ms',
        null,
        null,
        null,
        null,
        null,
        null,
        null
    ),
    (
        13,
        'overhead',
        'the proxy''s own share, as it logged it',
        'ms',
        null,
        null,
        null,
        null,
        'litellm_overhead_time_ms',
        null,
        null
    ),
    (
        14,
        'stream_stalls',
        'gaps over 1 s: count, share of stream time, per 1,000 tokens',
        'ms',
        null,
        null,
        null,
        null,
        null,
        null,
        null
    ),
    (
        15,
        'objectives',
        'goodput: operations that met every objective / all judged; failed ones missed',
        'share',
        '(request_goodput: per second; failed ones left out, a single token always meets its TPOT)',
        'good_request_fraction (goodput: per second)',
        null,
        null,
        null,
        null,
        null
    )
)

select
    measure,
    formula,
    unit,
    vllm,
    aiperf,
    guidellm,
    opentelemetry,
    litellm,
    langfuse,
    artificial_analysis
from definitions
order by place
