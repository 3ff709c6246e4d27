"""LiteLLM_SpendLogs in each of its shapes: CSV, JSON of the API, Pub/Sub."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

FIXTURE = Path(__file__).parent.parent / "fixtures" / "litellm_spend_logs_pubsub.json"


def spend(**changes: Any) -> dict[str, Any]:
    """One streamed call: first token after 0.5 s, end after 2.5 s."""
    record: dict[str, Any] = {
        "request_id": "chatcmpl-1",
        "session_id": "s-1",
        "call_type": "acompletion",
        "spend": 0.0125,
        "total_tokens": 1050,
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "startTime": "2025-11-10T10:00:00.000Z",
        "completionStartTime": "2025-11-10T10:00:00.500Z",
        "endTime": "2025-11-10T10:00:02.500Z",
        "request_duration_ms": 2500,
        "model": "gpt-5.5",
        "model_group": "smart",
        "model_id": "deploy-eu",
        "custom_llm_provider": "openai",
        "api_base": "https://eu.api.openai.com/v1",
        "cache_hit": "False",
        "status": "success",
        "request_tags": [],
        "end_user": "",
        "team_id": "",
        "metadata": {},
        "messages": {},
        "response": {},
        "proxy_server_request": {},
    }
    return record | changes


def failure(**changes: Any) -> dict[str, Any]:
    now = "2025-11-10T10:00:00.000Z"
    return spend(
        status="failure", startTime=now, endTime=now, completionStartTime=now,
        request_duration_ms=0, spend=0.0, total_tokens=0, prompt_tokens=0, completion_tokens=0,
        api_base="",
    ) | changes  # fmt: skip


def as_csv(records: list[dict[str, Any]]) -> str:
    """Write records as Postgres' \\copy does: naive times, JSON as text, NULL as nothing."""
    output = io.StringIO()
    writer = csv.DictWriter(output, fieldnames=list(records[0]))
    writer.writeheader()
    for record in records:
        writer.writerow({
            key: json.dumps(value) if isinstance(value, dict | list)
            else value.replace("T", " ").removesuffix("Z") if key.endswith("Time")
            else value
            for key, value in record.items()
        })  # fmt: skip
    return output.getvalue()


def test_the_real_record(ingest_rows):
    (row,) = ingest_rows(FIXTURE.read_bytes(), suffix=".json")
    assert row["request_id"] == "chatcmpl-2283081b-dc89-41f6-93e6-d4f914774027"
    assert row["started_at"] == datetime(2025, 1, 24, 9, 20, 46, 847371, tzinfo=UTC)
    assert (row["duration_ms"], row["ttft_ms"]) == (4.583, None)  # first token "equals" the end
    assert (row["model_logged"], row["route"], row["deployment"]) == ("gpt-4o", None, None)
    assert (row["input_tokens"], row["output_tokens"], row["cache_read_tokens"]) == (10, 20, None)
    assert row["logged_cost_usd"] == Decimal("0.000225")
    assert (row["cache_hit"], row["status"], row["session_id"]) == (None, "ok", "1234567890")


def test_the_real_failure(ingest_rows):
    record = {
        "request_id": "d3a2", "call_type": "completion", "spend": 0.0, "total_tokens": 0,
        "startTime": "2026-07-30T13:45:01.234Z", "endTime": "2026-07-30T13:45:01.234Z",
        "completionStartTime": "2026-07-30T13:45:01.234Z", "model": "anthropic-haiku-4-5",
        "api_base": "", "cache_hit": "None", "status": "failure", "request_duration_ms": 0,
        "metadata": {"status": "failure", "error_information": {"error": "401 - {...}"}},
    }  # fmt: skip
    (row,) = ingest_rows([record])
    assert (row["status"], row["http_status"], row["error_type"]) == ("error", 401, None)
    assert (row["duration_ms"], row["ttft_ms"], row["ended_at"]) == (None, None, None)
    assert row["logged_cost_usd"] is None and row["region_logged"] is None


@pytest.mark.parametrize("shape", ["csv", "list", "wrapped", "lines", "text in lines"])
def test_shapes(bench, shape):
    details = {"usage_object": {"prompt_tokens_details": {"cached_tokens": 600}}}
    records = [
        spend(request_id="a", metadata=details, request_tags=["feature:search"]),
        spend(request_id="b", completionStartTime="2025-11-10T10:00:02.500Z"),
    ]
    as_text = [
        record | {key: json.dumps(record[key]) for key in ("metadata", "request_tags", "messages")}
        for record in records
    ]
    text, name = {
        "csv": (as_csv(records), "spend.csv"),
        "list": (json.dumps(records), "spend.json"),
        "wrapped": (json.dumps({"data": records, "total": 2, "page": 1}), "ui.json"),
        "lines": ("\n".join(map(json.dumps, records)), "spend.jsonl"),
        "text in lines": ("\n".join(map(json.dumps, as_text)), "pubsub.jsonl"),
    }[shape]
    result = bench.ingest(bench.write(text, name))
    assert [count.name for count in result.formats] == ["litellm_spendlogs"]
    assert bench.counts == (2, 2, 0, 0, 0)
    streamed, whole = sorted(bench.rows(), key=lambda row: row["request_id"])
    assert streamed["started_at"] == datetime(2025, 11, 10, 10, 0, tzinfo=UTC)
    assert (streamed["stream"], streamed["ttft_ms"], streamed["duration_ms"]) == (True, 500, 2500)
    assert (streamed["cache_read_tokens"], streamed["input_uncached_tokens"]) == (600, 400)
    assert streamed["labels"] == {"feature": "search"}
    assert (whole["stream"], whole["ttft_ms"], whole["duration_ms"]) == (False, None, 2500)
    assert whole["cache_read_tokens"] is None and whole["labels"] is None
    assert streamed["cache_hit"] is False and streamed["user_hash"] is None


def test_spend_zero(ingest_rows):
    rows = ingest_rows([
        spend(request_id="known"),
        spend(request_id="no price", spend=0.0),
        spend(request_id="cached", spend=0.0, cache_hit="True"),
        spend(request_id="free", spend=0.0, metadata={"cost_breakdown": {"total_cost": 0.0}}),
        failure(request_id="failed"),
    ])  # fmt: skip
    assert [row["logged_cost_usd"] for row in rows] == [Decimal("0.0125"), None, 0, 0, None]


def test_failures(ingest_rows):
    def told(**error: str) -> dict[str, Any]:
        return {"error_information": error}

    rows = ingest_rows([
        failure(request_id="429", metadata=told(error_code="429", error_class="RateLimitError")),
        failure(request_id="500", metadata=told(error_code="500", error_class="APIError")),
        failure(request_id="old", status=None, metadata={"status": "failure"}),
        spend(request_id="unsaid", status=None),
    ])  # fmt: skip
    assert [(row["status"], row["http_status"], row["error_type"]) for row in rows] == [
        ("throttled", 429, "RateLimitError"),
        ("error", 500, "APIError"),
        ("error", None, None),
        ("ok", None, None),
    ]
    assert [row["duration_ms"] for row in rows] == [None, None, None, 2500]


def test_the_session_is_an_operation_only_where_attempts_are_marked(ingest_rows):
    rows = ingest_rows([
        failure(request_id="first"),
        spend(request_id="second", startTime="2025-11-10T10:00:05Z", endTime="2025-11-10T10:00:06Z",
              completionStartTime="2025-11-10T10:00:06Z", metadata={"attempted_retries": 1}),
        spend(request_id="later in the session", metadata={"attempted_retries": 0}),
    ])  # fmt: skip
    assert [(row["operation_id"], row["attempt"]) for row in rows] == [
        ("s-1", 1),
        ("s-1", 2),
        ("later in the session", 1),
    ]
    assert {row["session_id"] for row in rows} == {"s-1"}


def test_failed_attempts_of_one_call_count_each(bench):
    """Pub/Sub writes a row per attempt, all with the id of the call and without a number."""
    attempts = [
        failure(request_id="call-1", startTime=time, endTime=time, completionStartTime=time)
        for time in ("2025-11-10T10:00:01Z", "2025-11-10T10:00:03.250Z", "2025-11-10T10:00:07Z")
    ]
    bench.ingest(bench.write([*attempts, attempts[1]]))
    assert bench.counts == (4, 3, 1, 0, 0)
    rows = bench.rows("select * from requests order by started_at")
    assert [(row["request_id"], row["operation_id"], row["attempt"]) for row in rows] == [
        ("call-1#1762768801000", "s-1", 1),
        ("call-1#1762768803250", "s-1", 2),
        ("call-1#1762768807000", "s-1", 3),
    ]


def test_details(ingest_rows):
    metadata = {
        "user_api_key_alias": "app-key",
        "user_api_key_team_alias": None,
        "spend_logs_metadata": {"task": "code", "logscope_propensity": "0.5"},
        "litellm_overhead_time_ms": 3.5,
        "usage_object": {
            "prompt_tokens_details": {
                "cache_creation_tokens": 200,
                "cache_creation_token_details": {"ephemeral_1h_input_tokens": 200},
            },
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
        "additional_usage_values": {"cache_read_input_tokens": 300},
    }
    asked = {"messages": [{"role": "user", "content": "Why?"}], "stream": False, "max_tokens": 9,
             "tools": [{}], "metadata": {"tenant": "acme"}}  # fmt: skip
    answered = {
        "model": "gpt-5.5-2026-03-01",
        "choices": [{"finish_reason": "stop", "message": {}}],
    }
    (row,) = ingest_rows([
        spend(metadata=metadata, proxy_server_request=asked, response=answered, end_user="jane",
              team_id="t-9", api_base="", model="arn:aws:bedrock:eu-west-1:1:inference-profile/x")
    ])  # fmt: skip
    assert (row["key_alias"], row["task"], row["team"]) == ("app-key", "code", "t-9")
    assert row["labels"] == {"task": "code", "team": "t-9", "tenant": "acme"}
    assert (row["propensity"], row["overhead_ms"]) == (0.5, 3.5)
    assert (row["cache_read_tokens"], row["cache_write_1h_tokens"]) == (300, 200)
    assert (row["cache_write_unknown_tokens"], row["input_uncached_tokens"]) == (0, 500)
    assert (row["reasoning_tokens"], row["output_text_tokens"]) == (20, 30)
    assert (row["prompt_chars"], row["n_messages"], row["n_tools"]) == (4, 1, 1)
    assert (row["stream"], row["max_output_tokens"]) == (False, 9)
    assert (row["model_logged"], row["finish_reason"]) == ("gpt-5.5-2026-03-01", "stop")
    assert row["n_tool_calls"] == 0
    assert (row["region_logged"], row["region"]) == ("eu-west-1", "eu-west-1")
    assert row["user_hash"] and "jane" not in row["user_hash"]


def test_aggregates_are_not_taken_for_calls(bench):
    daily = {"date": "2025-11-10", "api_key": "h", "model": "gpt-5.5", "spend": 1.5,
             "prompt_tokens": 10, "completion_tokens": 2, "api_requests": 4}  # fmt: skip
    with pytest.raises(Exception, match=r"no format that logscope knows"):
        bench.ingest(bench.write([daily]))
