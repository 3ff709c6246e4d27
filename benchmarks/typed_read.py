"""The floor: what one writes by hand to get the same fields out of the same file, typed, into Parquet."""

from __future__ import annotations

import sys

import duckdb

COLUMNS = """{
    id: 'VARCHAR', trace_id: 'VARCHAR', call_type: 'VARCHAR', status: 'VARCHAR', stream: 'BOOLEAN',
    custom_llm_provider: 'VARCHAR', model: 'VARCHAR', model_group: 'VARCHAR', model_id: 'VARCHAR',
    api_base: 'VARCHAR', startTime: 'DOUBLE', completionStartTime: 'DOUBLE', endTime: 'DOUBLE',
    prompt_tokens: 'BIGINT', completion_tokens: 'BIGINT', total_tokens: 'BIGINT',
    response_cost: 'DOUBLE', cache_hit: 'BOOLEAN', request_tags: 'VARCHAR[]', messages: 'VARCHAR',
    error_information: 'STRUCT(error_code VARCHAR, error_class VARCHAR)',
    hidden_params: 'STRUCT(litellm_overhead_time_ms DOUBLE)',
    model_parameters: 'STRUCT(temperature DOUBLE, max_tokens BIGINT)',
    metadata: 'STRUCT(user_api_key_alias VARCHAR, user_api_key_team_alias VARCHAR,
        requester_metadata VARCHAR, spend_logs_metadata VARCHAR)',
    response: 'STRUCT(model VARCHAR, service_tier VARCHAR, choices STRUCT(finish_reason VARCHAR)[],
        usage STRUCT(prompt_tokens_details STRUCT(cached_tokens BIGINT),
            completion_tokens_details STRUCT(reasoning_tokens BIGINT)))'
}"""

source, target = sys.argv[1:]
duckdb.execute(
    f"""
    copy (
        select
            * exclude (messages),
            length(messages) as prompt_chars,
            make_timestamptz((startTime * 1000000)::bigint) as started_at,
            (completionStartTime - startTime) * 1000 as ttft_ms,
            (endTime - startTime) * 1000 as duration_ms
        from read_json('{source}', format = 'newline_delimited', columns = {COLUMNS})
    ) to '{target}' (format parquet, compression zstd)
    """
)
