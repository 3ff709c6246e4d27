-- The tables of a logscope store: every column, its type and what it means. Read this first.
-- Units stand in the names. NULL means unknown, 0 means zero. Times are UTC. Money is decimal,
-- because sums of floats change with the number of threads.

create table requests (
    ---------- identity
    request_id varchar,
    parent_request_id varchar,
    operation_id varchar,
    session_id varchar,
    attempt integer,
    other_ids varchar[],
    ---------- times
    started_at timestamptz,
    first_token_at timestamptz,
    ended_at timestamptz,
    day date,
    ---------- what answered
    provider varchar,
    model varchar,
    model_requested varchar,
    model_logged varchar,
    deployment varchar,
    route varchar,
    ---------- who asked, and from where
    region varchar,
    region_logged varchar,
    task varchar,
    team varchar,
    environment varchar,
    key_alias varchar,
    user_hash varchar,
    labels map(varchar, varchar),
    ---------- known before the answer
    stream boolean,
    service_tier varchar,
    reasoning_effort varchar,
    n_messages integer,
    n_tools integer,
    max_output_tokens bigint,
    temperature double,
    prompt_chars bigint,
    prompt_steps integer,
    prompt_questions integer,
    prompt_has_code boolean,
    has_images boolean,
    system_prompt_hash varchar,
    ---------- tokens: disjoint counters, then their sums
    input_uncached_tokens bigint,
    cache_read_tokens bigint,
    cache_write_5m_tokens bigint,
    cache_write_1h_tokens bigint,
    cache_write_unknown_tokens bigint,
    output_text_tokens bigint,
    reasoning_tokens bigint,
    input_audio_tokens bigint,
    output_audio_tokens bigint,
    input_image_tokens bigint,
    web_searches integer,
    input_tokens bigint,
    output_tokens bigint,
    token_semantics varchar,
    ---------- latency
    ttft_ms double,
    ttft_visible_ms double,
    duration_ms double,
    overhead_ms double,
    tpot_ms double,
    output_tps double,
    n_chunks integer,
    max_gap_ms double,
    stall_ms double,
    ---------- outcome
    status varchar,
    http_status integer,
    error_type varchar,
    finish_reason varchar,
    n_tool_calls integer,
    cache_hit boolean,
    limit_requests bigint,
    remaining_requests bigint,
    limit_tokens bigint,
    remaining_tokens bigint,
    ---------- money
    cost_usd decimal(18, 10),
    logged_cost_usd decimal(18, 10),
    price_id varchar,
    ---------- the router's choice
    propensity double,
    config_id varchar,
    rule_id varchar,
    ---------- where the record came from
    format varchar,
    file_id varchar,
    line bigint
);
comment on table requests is 'One row per request: one call to one model, one attempt.';
comment on column requests.request_id is 'The provider''s or the gateway''s id of the call; equal ids are one request.';
comment on column requests.parent_request_id is 'The request or span that caused this one, as logged.';
comment on column requests.operation_id is 'What the caller wanted; retries and fallbacks share it.';
comment on column requests.session_id is 'Operations that belong together, as the caller marked them.';
comment on column requests.attempt is 'Position within the operation, from 1.';
comment on column requests.other_ids is 'Other ids of the same call: the proxy''s, trace:span; records that share any id are one request.';
comment on column requests.started_at is 'When the request was sent.';
comment on column requests.first_token_at is 'First generated event by the log of the request; a stream log tells ttft_ms instead.';
comment on column requests.ended_at is 'When the last byte of the answer had arrived.';
comment on column requests.day is 'UTC date of started_at; the partition.';
comment on column requests.provider is 'Who served it: openai, anthropic, bedrock, azure, vertex_ai, gemini, ...';
comment on column requests.model is 'Canonical name: dates, prefixes and inference profiles stripped.';
comment on column requests.model_requested is 'The model the caller asked for, as logged.';
comment on column requests.model_logged is 'The model that served, as logged.';
comment on column requests.deployment is 'The proxy''s id of the endpoint it chose.';
comment on column requests.route is 'The name the caller asked a proxy for (a model group).';
comment on column requests.region is 'Where it was served, after the region rules.';
comment on column requests.region_logged is 'The region, host or endpoint that the producer logged.';
comment on column requests.task is 'What the request was for, after the task rules.';
comment on column requests.team is 'Who pays, after the team rules.';
comment on column requests.environment is 'Deployment environment, as logged.';
comment on column requests.key_alias is 'Alias of the API key; never the key.';
comment on column requests.user_hash is 'Hash of the end user; never the user.';
comment on column requests.labels is 'The caller''s own metadata, at most 32 entries, masked.';
comment on column requests.stream is 'Whether the answer was streamed.';
comment on column requests.service_tier is 'The tier served: standard, batch, priority, flex.';
comment on column requests.reasoning_effort is 'Reasoning effort asked for, as logged.';
comment on column requests.n_messages is 'Messages in the prompt.';
comment on column requests.n_tools is 'Tools offered to the model.';
comment on column requests.max_output_tokens is 'Limit on output asked for; tokens.';
comment on column requests.temperature is 'Sampling temperature asked for.';
comment on column requests.prompt_chars is 'Length of the prompt text; characters. The text itself is never stored.';
comment on column requests.prompt_steps is 'Numbered or bulleted lines in the prompt.';
comment on column requests.prompt_questions is 'Question marks in the prompt.';
comment on column requests.prompt_has_code is 'Whether the prompt holds a code fence.';
comment on column requests.has_images is 'Whether the prompt holds images.';
comment on column requests.system_prompt_hash is 'Hash of the system prompt.';
comment on column requests.input_uncached_tokens is 'Input tokens neither read from nor written to a prompt cache.';
comment on column requests.cache_read_tokens is 'Input tokens read from the provider''s prompt cache.';
comment on column requests.cache_write_5m_tokens is 'Input tokens written to a 5-minute prompt cache.';
comment on column requests.cache_write_1h_tokens is 'Input tokens written to a 1-hour prompt cache.';
comment on column requests.cache_write_unknown_tokens is 'Input tokens written to a prompt cache of unlogged lifetime.';
comment on column requests.output_text_tokens is 'Output tokens that are not reasoning.';
comment on column requests.reasoning_tokens is 'Output tokens spent on reasoning.';
comment on column requests.input_audio_tokens is 'Audio tokens, already inside the input counters.';
comment on column requests.output_audio_tokens is 'Audio tokens, already inside the output counters.';
comment on column requests.input_image_tokens is 'Image tokens, already inside the input counters.';
comment on column requests.web_searches is 'Web searches billed with the request.';
comment on column requests.input_tokens is 'All input tokens: the sum of the disjoint input counters.';
comment on column requests.output_tokens is 'All output tokens: text and reasoning.';
comment on column requests.token_semantics is 'How the producer counted: inclusive, disjoint or unknown.';
comment on column requests.ttft_ms is 'First generated event - start; ms.';
comment on column requests.ttft_visible_ms is 'First event a user sees - start; ms.';
comment on column requests.duration_ms is 'End - start; ms.';
comment on column requests.overhead_ms is 'The proxy''s own share of the duration; ms.';
comment on column requests.tpot_ms is '(end - first token) / (output tokens - 1); ms per token, from 2 tokens.';
comment on column requests.output_tps is '1000 / tpot_ms; tokens per second after the first.';
comment on column requests.n_chunks is 'Chunks in the stream log.';
comment on column requests.max_gap_ms is 'Longest gap between two chunks; ms.';
comment on column requests.stall_ms is 'Sum of the gaps over 1 s; ms.';
comment on column requests.status is 'ok, error, throttled or cancelled.';
comment on column requests.http_status is 'HTTP status code, where logged.';
comment on column requests.error_type is 'Class of the error, as logged; never its message.';
comment on column requests.finish_reason is 'Why the model stopped, as logged.';
comment on column requests.n_tool_calls is 'Tool calls in the answer.';
comment on column requests.cache_hit is 'Answered from the proxy''s own response cache (not prompt caching).';
comment on column requests.limit_requests is 'Requests that the provider allows in its time window, by the headers of the answer.';
comment on column requests.remaining_requests is 'Those left in the window after this request, by the headers of the answer.';
comment on column requests.limit_tokens is 'Tokens that the provider allows in its time window, by the headers of the answer.';
comment on column requests.remaining_tokens is 'Those left in the window after this request, by the headers of the answer.';
comment on column requests.cost_usd is 'Cost by the price in force at started_at; USD. NULL without a price.';
comment on column requests.logged_cost_usd is 'Cost as the producer logged it; USD.';
comment on column requests.price_id is 'The row of prices that cost_usd used.';
comment on column requests.propensity is 'Probability with which the router chose this model; NULL if not logged.';
comment on column requests.config_id is 'Routing configuration in force, as logged.';
comment on column requests.rule_id is 'Routing rule that applied, as logged.';
comment on column requests.format is 'Log format the row came from.';
comment on column requests.file_id is 'File the row came from; see files.';
comment on column requests.line is 'Record number in that file, from 1.';

create table streams (
    request_id varchar,
    day date,
    offsets_ms double[],
    kinds varchar[],
    tokens_per_chunk bigint[],
    ---------- what follows from them, so that few questions have to read the lists
    n_chunks integer,
    n_generated integer,
    n_answered integer,
    generated_at integer,
    generated_ms double[],
    answered_ms double[],
    first_chunk_ms double,
    first_generated_ms double,
    second_generated_ms double,
    first_visible_ms double,
    last_generated_ms double,
    last_answer_ms double,
    last_chunk_ms double,
    max_gap_ms double,
    n_stalls integer,
    stall_ms double,
    n_coalesced integer,
    has_reasoning boolean,
    ---------- where the record came from
    file_id varchar,
    line bigint
);
comment on table streams is 'One row per stream: the arrival times of a request''s chunks.';
comment on column streams.request_id is 'The request that was streamed.';
comment on column streams.day is 'UTC date of its start; the partition.';
comment on column streams.offsets_ms is 'Arrival of each chunk since the request''s start; ms.';
comment on column streams.kinds is 'Kind of each chunk: role, text, reasoning, tool, usage; NULL if unknown.';
comment on column streams.tokens_per_chunk is 'Tokens in each chunk, where known.';
comment on column streams.n_chunks is 'Chunks of any kind.';
comment on column streams.n_generated is 'Chunks of text, reasoning or a tool call; without kinds all of them.';
comment on column streams.n_answered is 'Chunks that are not the usage; without kinds all of them.';
comment on column streams.generated_at is 'Place of the first generated chunk, from 1.';
comment on column streams.generated_ms is 'Arrival of each generated chunk, where others lie between them; else they follow each other and this is NULL.';
comment on column streams.answered_ms is 'Arrival of each chunk that is not the usage, where one of these lies before another of those; else they are the first n_answered ones and this is NULL.';
comment on column streams.first_chunk_ms is 'First chunk of any kind - start; ms.';
comment on column streams.first_generated_ms is 'First generated chunk - start; ms.';
comment on column streams.second_generated_ms is 'Second generated chunk - start; ms.';
comment on column streams.first_visible_ms is 'First chunk of text or a tool call - start; ms. NULL without kinds.';
comment on column streams.last_generated_ms is 'Last generated chunk - start; ms.';
comment on column streams.last_answer_ms is 'Last chunk that is not the usage - start; ms.';
comment on column streams.last_chunk_ms is 'Last chunk of any kind - start; ms.';
comment on column streams.max_gap_ms is 'Longest gap between two chunks; ms.';
comment on column streams.n_stalls is 'Gaps over 1 s, rounded to the microsecond.';
comment on column streams.stall_ms is 'Sum of the gaps over 1 s; ms.';
comment on column streams.n_coalesced is 'Generated chunks that came less than a millisecond after the one before, rounded to the microsecond.';
comment on column streams.has_reasoning is 'Whether a chunk is reasoning; NULL without kinds.';
comment on column streams.file_id is 'File of the record counted as stored; NULL where that is the request''s own.';
comment on column streams.line is 'Record number in that file, from 1.';

create table scores (
    request_id varchar,
    session_id varchar,
    name varchar,
    value double,
    source varchar,
    scored_at timestamptz,
    file_id varchar,
    line bigint
);
comment on table scores is 'One row per score: a quality signal on a request or a session.';
comment on column scores.request_id is 'The request scored, if one was.';
comment on column scores.session_id is 'The session scored, if one was.';
comment on column scores.name is 'What was judged.';
comment on column scores.value is 'From 0 (worst) to 1 (best).';
comment on column scores.source is 'Who judged: human, rule, model, ...';
comment on column scores.scored_at is 'When it was judged.';
comment on column scores.file_id is 'File of the record counted as stored; see files.';
comment on column scores.line is 'Record number in that file, from 1.';

create table bills (
    bill_id varchar,
    provider varchar,
    model varchar,
    model_logged varchar,
    day date,
    starts_at timestamptz,
    ends_at timestamptz,
    kind varchar,
    input_uncached_tokens bigint,
    cache_read_tokens bigint,
    cache_write_5m_tokens bigint,
    cache_write_1h_tokens bigint,
    cache_write_unknown_tokens bigint,
    output_text_tokens bigint,
    reasoning_tokens bigint,
    input_tokens bigint,
    output_tokens bigint,
    requests bigint,
    cost_usd decimal(18, 10),
    project varchar,
    service_tier varchar,
    labels map(varchar, varchar),
    format varchar
);
comment on table bills is 'One row per aggregate of a provider for a time bucket: usage or cost.';
comment on column bills.bill_id is 'Hash of what tells it from others: provider, logged model, kind, bucket, project, tier, labels.';
comment on column bills.provider is 'Who sent the bill; with a gateway''s own table, who served.';
comment on column bills.model is 'Canonical name; NULL where the report was not grouped by model.';
comment on column bills.model_logged is 'The model as the report names it.';
comment on column bills.day is 'UTC date of starts_at; the partition.';
comment on column bills.starts_at is 'Start of the time bucket.';
comment on column bills.ends_at is 'End of the time bucket; it is not part of it.';
comment on column bills.kind is 'usage: counters (and perhaps a cost); cost: an amount of money.';
comment on column bills.input_uncached_tokens is 'Input tokens neither read from nor written to a prompt cache.';
comment on column bills.cache_read_tokens is 'Input tokens read from the prompt cache.';
comment on column bills.cache_write_5m_tokens is 'Input tokens written to a 5-minute prompt cache.';
comment on column bills.cache_write_1h_tokens is 'Input tokens written to a 1-hour prompt cache.';
comment on column bills.cache_write_unknown_tokens is 'Input tokens written to a prompt cache of unreported lifetime.';
comment on column bills.output_text_tokens is 'Output tokens that are not reasoning; NULL where reasoning is not reported.';
comment on column bills.reasoning_tokens is 'Output tokens spent on reasoning.';
comment on column bills.input_tokens is 'All input tokens, cache inside.';
comment on column bills.output_tokens is 'All output tokens, reasoning inside.';
comment on column bills.requests is 'Requests in the bucket.';
comment on column bills.cost_usd is 'Amount in the bucket as reported; USD.';
comment on column bills.project is 'Project or workspace; NULL where the report was not grouped by it.';
comment on column bills.service_tier is 'The tier served: standard, batch, priority, flex.';
comment on column bills.labels is 'What else the report was grouped by: key, line item, team, ...';
comment on column bills.format is 'Log format the row came from.';

create table files (
    file_id varchar,
    path varchar,
    format varchar,
    size_bytes bigint,
    sha256 varchar,
    ingested_at timestamptz,
    records bigint,
    stored bigint,
    merged bigint,
    ignored bigint,
    rejected bigint
);
comment on table files is 'One row per file read. records = stored + merged + ignored + rejected.';
comment on column files.file_id is 'First 16 digits of sha256: a copy is the same file. One that grows keeps the id of its first reading.';
comment on column files.path is 'Where it lay when it was read; - is standard input.';
comment on column files.format is 'The log format it was read by; see `logscope formats`.';
comment on column files.size_bytes is 'Its size as it lay there, packed or not; bytes.';
comment on column files.sha256 is 'SHA-256 of its bytes as it lay there; hex.';
comment on column files.ingested_at is 'When it was read.';
comment on column files.records is 'Records in it, of any kind.';
comment on column files.stored is 'Records that became a row.';
comment on column files.merged is 'Records of a request that another record had told of already.';
comment on column files.ignored is 'Valid records that are no model call.';
comment on column files.rejected is 'Unreadable or impossible records; see rejects.';

create table rejects (
    file_id varchar,
    path varchar,
    line bigint,
    reason varchar,
    excerpt varchar
);
comment on table rejects is 'One row per rejected record.';
comment on column rejects.file_id is 'The file it stands in; see files.';
comment on column rejects.path is 'Where that file lay when it was read.';
comment on column rejects.line is 'Record number in the file, from 1; NULL for the file as a whole.';
comment on column rejects.reason is 'Why it was rejected.';
comment on column rejects.excerpt is 'Its keys and types; a text shows as its length, because it may be a prompt.';

create table merges (
    file_id varchar,
    line bigint,
    record varchar,
    request_id varchar,
    shared_id varchar,
    into_file_id varchar,
    into_line bigint,
    outcome varchar
);
comment on table merges is 'One row per record that is no row of its own: merged, or a parent''s.';
comment on column merges.file_id is 'File the record stands in; see files.';
comment on column merges.line is 'Its number in that file, from 1.';
comment on column merges.record is 'What it is: request, stream, score or bill.';
comment on column merges.request_id is 'The request it tells of; NULL for a bill or the score of a session.';
comment on column merges.shared_id is 'The id by which it was recognised.';
comment on column merges.into_file_id is 'File of the record that is counted as stored; NULL if that is not known, or for the first of a parent.';
comment on column merges.into_line is 'Its number in that file.';
comment on column merges.outcome is 'merged, or ignored: repeats its children.';

create table parents as select * from requests;
comment on table parents is 'One row per request that only repeats what its children used: no call, in no sum. Columns as in requests.';

create table spans (
    trace_id varchar,
    span_id varchar,
    parent_id varchar
);
comment on table spans is 'One row per span that is no request: the way up from a call to the one around it may lead through it.';
comment on column spans.trace_id is 'The trace; hex.';
comment on column spans.span_id is 'The span in it; hex.';
comment on column spans.parent_id is 'The span around that one; hex.';

create table prices (
    price_id varchar,
    provider varchar,
    model varchar,
    model_logged varchar,
    service_tier varchar,
    valid_from date,
    valid_until date,
    from_minute_of_day integer,
    until_minute_of_day integer,
    above_input_tokens bigint,
    up_to_input_tokens bigint,
    input_usd_per_mtok decimal(18, 10),
    cache_read_usd_per_mtok decimal(18, 10),
    cache_write_5m_usd_per_mtok decimal(18, 10),
    cache_write_1h_usd_per_mtok decimal(18, 10),
    output_usd_per_mtok decimal(18, 10),
    reasoning_usd_per_mtok decimal(18, 10),
    input_audio_usd_per_mtok decimal(18, 10),
    output_audio_usd_per_mtok decimal(18, 10),
    input_image_usd_per_mtok decimal(18, 10),
    web_search_usd decimal(18, 10),
    request_usd decimal(18, 10),
    source varchar
);
comment on table prices is 'One row per price: provider and logged model, served tier, period and input-size tier.';
comment on column prices.price_id is 'Provider, logged model, and what sets the row apart: first day, time of day, tier, input size.';
comment on column prices.provider is 'As in requests.provider; NULL where that is.';
comment on column prices.model is 'Canonical name.';
comment on column prices.model_logged is 'The logged name it was matched for.';
comment on column prices.service_tier is 'The tier served it holds for: standard, batch, flex, priority. No row, no known price.';
comment on column prices.valid_from is 'First day of validity, UTC; NULL since ever.';
comment on column prices.valid_until is 'First day it is no longer valid, UTC; NULL while in force.';
comment on column prices.from_minute_of_day is 'Peak and off-peak prices: first minute after midnight UTC; NULL all day.';
comment on column prices.until_minute_of_day is 'First minute after midnight UTC it no longer holds; NULL all day.';
comment on column prices.above_input_tokens is 'It holds for requests with more input tokens than this, and the whole request pays it; NULL no lower limit.';
comment on column prices.up_to_input_tokens is 'It holds up to this many input tokens; NULL no upper limit.';
comment on column prices.input_usd_per_mtok is 'USD per million input tokens, neither read from nor written to a cache.';
comment on column prices.cache_read_usd_per_mtok is 'USD per million; the input price where none is published.';
comment on column prices.cache_write_5m_usd_per_mtok is 'USD per million, also for writes of unlogged lifetime; the input price where none is published.';
comment on column prices.cache_write_1h_usd_per_mtok is 'USD per million; NULL where only a 5-minute price is published, because an hour costs more.';
comment on column prices.output_usd_per_mtok is 'USD per million output tokens; NULL for models without output, such as embeddings.';
comment on column prices.reasoning_usd_per_mtok is 'USD per million; the output price but for very few models.';
comment on column prices.input_audio_usd_per_mtok is 'USD per million; the input price where none is published.';
comment on column prices.output_audio_usd_per_mtok is 'USD per million; the output price where none is published.';
comment on column prices.input_image_usd_per_mtok is 'USD per million; the input price where none is published.';
comment on column prices.web_search_usd is 'USD per web search; NULL unknown.';
comment on column prices.request_usd is 'USD per request on top of the tokens; NULL none.';
comment on column prices.source is 'Where the price stands: genai-prices with its version, prices.toml of logscope, logscope.toml.';

create table request_types (
    request_id varchar,
    cluster varchar,
    rule_id varchar,
    config_id varchar
);
comment on table request_types is 'One row per request of the last recommendation: its cluster and its rule.';
comment on column request_types.request_id is 'The request.';
comment on column request_types.cluster is 'Name of its request type; see `logscope types`.';
comment on column request_types.rule_id is 'The rule of the recommendation that it falls under.';
comment on column request_types.config_id is 'The recommendation; see recommendations.';

create table recommendations (
    config_id varchar,
    created_at timestamptz,
    verdict varchar,
    recommendation varchar
);
comment on table recommendations is 'One row per recommendation made; the last column is the file, as JSON.';
comment on column recommendations.config_id is 'Its id, a hash of what it proposes; requests.config_id names it once the router follows it.';
comment on column recommendations.created_at is 'When it was made.';
comment on column recommendations.verdict is 'What it comes to, such as KEEP or EXPLORE.';
comment on column recommendations.recommendation is 'The whole of it; JSON, as `logscope recommend -o` writes it.';
