"""The floor: the same file read by hand, as somebody would who knows DuckDB and wants a table of it.

One statement: `read_json` with the type of every field, all fields that the log format reads; the
prompt measured like there (characters, steps, questions, code, images, the hash of the system
prompt), because that is reading too; times as times; Parquet by day, because that is how such a
table is kept. Everything typed as strictly as this one producer allows, with nothing for records
that differ: no plain-text prompts, no rejects, no secrets masked, no labels put together. And none
of what a store adds: merging, one name per model, prices, accounting, a hash of the file, a commit.
"""

from __future__ import annotations

import sys

import duckdb

USAGE = """STRUCT(
    prompt_tokens_details STRUCT(
        cached_tokens BIGINT, cache_creation_tokens BIGINT, audio_tokens BIGINT,
        image_tokens BIGINT, web_search_requests BIGINT, cache_creation_token_details STRUCT(
            ephemeral_5m_input_tokens BIGINT, ephemeral_1h_input_tokens BIGINT)),
    completion_tokens_details STRUCT(reasoning_tokens BIGINT, audio_tokens BIGINT),
    cache_read_input_tokens BIGINT, cache_creation_input_tokens BIGINT)"""
COLUMNS = f"""{{
    id: 'VARCHAR', trace_id: 'VARCHAR', session_id: 'VARCHAR', call_type: 'VARCHAR',
    status: 'VARCHAR', stream: 'BOOLEAN', custom_llm_provider: 'VARCHAR', model: 'VARCHAR',
    model_group: 'VARCHAR', model_id: 'VARCHAR', api_base: 'VARCHAR', startTime: 'DOUBLE',
    completionStartTime: 'DOUBLE', endTime: 'DOUBLE', prompt_tokens: 'BIGINT',
    completion_tokens: 'BIGINT', total_tokens: 'BIGINT', response_cost: 'DOUBLE',
    response_cost_failure_debug_info: 'VARCHAR', cache_hit: 'BOOLEAN', end_user: 'VARCHAR',
    request_tags: 'VARCHAR[]', messages: 'STRUCT(role VARCHAR, content VARCHAR)[]',
    error_str: 'VARCHAR', error_information: 'STRUCT(error_code VARCHAR, error_class VARCHAR)',
    hidden_params: 'STRUCT(litellm_model_name VARCHAR, litellm_overhead_time_ms DOUBLE)',
    model_parameters: 'STRUCT(temperature DOUBLE, max_tokens BIGINT, max_completion_tokens BIGINT,
        max_output_tokens BIGINT, reasoning_effort VARCHAR, tools STRUCT(type VARCHAR)[])',
    metadata: 'STRUCT(user_api_key_alias VARCHAR, user_api_key_team_alias VARCHAR,
        user_api_key_team_id VARCHAR, user_api_key_end_user_id VARCHAR,
        spend_logs_metadata VARCHAR, requester_metadata VARCHAR)',
    response: 'STRUCT(model VARCHAR, service_tier VARCHAR, usage {USAGE},
        choices STRUCT(finish_reason VARCHAR, message STRUCT(tool_calls STRUCT(type VARCHAR)[]))[])'
}}"""

source, target = sys.argv[1:]
duckdb.execute("set TimeZone = 'UTC'")
duckdb.execute(
    f"""
    copy (
        with records as (
            select
                *,
                list_transform(messages, lambda message: if(
                    left(message.content, 1) = '[',
                    array_to_string(message.content->>'$[*].text', chr(10)),
                    message.content
                )) as texts,
            from read_json('{source}', format = 'newline_delimited', columns = {COLUMNS})
        ),
        prompts as (
            select *, array_to_string(texts, chr(10)) as prompt from records
        )
        select
            * exclude (messages, texts, prompt),
            make_timestamptz((startTime * 1e6)::bigint) as started_at,
            make_timestamptz((completionStartTime * 1e6)::bigint) as first_token_at,
            make_timestamptz((endTime * 1e6)::bigint) as ended_at,
            started_at::date as day,
            (completionStartTime - startTime) * 1000 as ttft_ms,
            (endTime - startTime) * 1000 as duration_ms,
            len(messages) as n_messages,
            length(prompt) as prompt_chars,
            len(list_filter(
                string_split(prompt, chr(10)),
                lambda line: regexp_matches(left(line, 12), '^\\s*(?:[0-9]+[.)]|[-*•])\\s')
            )) as prompt_steps,
            len(string_split(prompt, '?')) - 1 as prompt_questions,
            contains(prompt, '```') as prompt_has_code,
            list_bool_or(list_transform(
                messages,
                lambda message: left(message.content, 1) = '['
                    and contains(message.content, '"image_url"')
            )) as has_images,
            if(messages[1].role = 'system', md5(texts[1]), null) as system_prompt_hash,
        from prompts
    ) to '{target}' (format parquet, compression zstd, partition_by (day), overwrite_or_ignore)
    """
)
