"""Vertex AI logs: snake or camel, thoughts beside the answer, the start before the logging."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

MODEL = "projects/p/locations/europe-west4/publishers/google/models/gemini-2.5-pro"


def vertex(**changes: Any) -> dict[str, Any]:
    """A call of 2 s: 1000 tokens in (600 cached), 50 out and 20 of thought."""
    return {
        "logging_time": "2026-11-10T12:00:02Z",
        "request_id": "700",
        "model": MODEL,
        "api_method": "StreamGenerateContent",
        "full_request": {
            "model": MODEL,
            "contents": [{"role": "user", "parts": [{"text": "Why?"}, {"text": "How?"}]}],
            "generation_config": {"max_output_tokens": 300, "temperature": 0.5},
            "labels": {"feature": "search"},
        },
        "full_response": {
            "candidates": [{"finish_reason": "STOP", "content": {"parts": [{"text": "So."}]}}],
            "create_time": "2026-11-10T12:00:00Z",
            "model_version": "gemini-2.5-pro",
            "response_id": "r-1",
            "usage_metadata": {
                "prompt_token_count": 1000,
                "candidates_token_count": 50,
                "thoughts_token_count": 20,
                "cached_content_token_count": 600,
                "total_token_count": 1070,
            },
        },
        "metadata": {"request_latency": 2000.5},
    } | changes


def camel(value: Any) -> Any:
    """The same record with keys in camel case."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    words = {key: key.split("_") for key in value}
    return {
        words[key][0] + "".join(word.title() for word in words[key][1:]): camel(item)
        for key, item in value.items()
    }


@pytest.mark.parametrize("kind", ["snake", "camel", "parquet"])
def test_a_call(bench, kind):
    record = vertex()
    if kind == "parquet":
        flat = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in record.items()}
        pl.DataFrame([flat]).write_parquet(bench.folder / "log.parquet")
        bench.ingest(bench.folder / "log.parquet")
    else:
        bench.ingest(bench.write([camel(record) if kind == "camel" else record]))
    assert bench.counts == (1, 1, 0, 0, 0)
    (row,) = bench.rows()
    assert row["request_id"] == "r-1"
    assert row["started_at"] == datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
    assert (row["duration_ms"], row["stream"], row["ttft_ms"]) == (2000.5, True, None)
    assert (row["provider"], row["model"]) == ("vertex_ai", "gemini-2.5-pro")
    assert row["region"] == "europe-west4"
    assert (row["input_uncached_tokens"], row["cache_read_tokens"]) == (400, 600)
    assert (row["output_text_tokens"], row["reasoning_tokens"], row["output_tokens"]) == (
        50,
        20,
        70,
    )
    assert (row["max_output_tokens"], row["temperature"], row["n_messages"]) == (300, 0.5, 1)
    assert (row["prompt_chars"], row["finish_reason"], row["n_tool_calls"]) == (9, "STOP", 0)
    assert row["labels"] == {"feature": "search"}


def test_the_start_follows_from_the_latency_where_it_is_not_told(ingest_rows):
    answer = dict(vertex()["full_response"])
    del answer["create_time"]
    (row,) = ingest_rows([vertex(full_response=answer)])
    assert row["started_at"] == datetime(2026, 11, 10, 11, 59, 59, 999500, tzinfo=UTC)


def test_global_is_no_region_and_no_thought_is_unknown(ingest_rows):
    path = MODEL.replace("europe-west4", "global")
    answer = vertex()["full_response"] | {
        "usage_metadata": {"prompt_token_count": 10, "total_token_count": 10}
    }
    (row,) = ingest_rows([
        vertex(model=path, full_request={"model": path}, full_response=answer)
    ])  # fmt: skip
    assert (row["region"], row["model"]) == (None, "gemini-2.5-pro")
    assert (row["input_tokens"], row["output_tokens"]) == (10, 0), "candidates may be absent"
    assert row["reasoning_tokens"] is None and row["cache_read_tokens"] is None


def test_tool_use_is_input_and_calls_are_counted(ingest_rows):
    answer = vertex()["full_response"]
    answer["candidates"][0]["content"]["parts"].append({"function_call": {"name": "f"}})
    answer["usage_metadata"] |= {"tool_use_prompt_token_count": 30, "total_token_count": 1100}
    (row,) = ingest_rows([vertex(full_response=answer)])
    assert (row["input_tokens"], row["n_tool_calls"]) == (1030, 1)


def test_outcomes(bench):
    error = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "m"}}
    bench.ingest(bench.write([
        vertex(),
        vertex(request_id="a", full_response=error),
        vertex(request_id="b", full_response={}),
        vertex(request_id="c", api_method="CountTokens"),
        vertex(request_id="d", logging_time="soon", full_response=None),
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (6, 3, 0, 1, 2)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert (rows["a"]["status"], rows["a"]["http_status"]) == ("throttled", 429)
    assert (rows["a"]["error_type"], rows["a"]["input_tokens"]) == ("RESOURCE_EXHAUSTED", None)
    assert rows["b"]["status"] == "error"
    assert bench.rejects() == [(5, "no readable start time"), (6, "not JSON")]
