"""Bedrock invocation logs: bodies as object and as list, the cache outside, whole seconds."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any


def invocation(**changes: Any) -> dict[str, Any]:
    """One Converse call without a cache."""
    record: dict[str, Any] = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-11-10T12:00:05Z",
        "accountId": "123456789012",
        "identity": {"arn": "arn:aws:sts::123456789012:assumed-role/app-role/jane@example.org"},
        "region": "us-east-1",
        "requestId": "r-1",
        "operation": "Converse",
        "modelId": "anthropic.claude-opus-4-7-v1:0",
        "input": {
            "inputContentType": "application/json",
            "inputTokenCount": 30,
            "inputBodyJson": {"messages": [{"role": "user", "content": [{"text": "Hi?"}]}]},
        },
        "output": {
            "outputContentType": "application/json",
            "outputTokenCount": 142,
            "outputBodyJson": {
                "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
                "stopReason": "end_turn",
                "metrics": {"latencyMs": 3407},
                "usage": {"inputTokens": 30, "outputTokens": 142, "totalTokens": 172},
            },
        },
    }
    return record | changes


STREAM = [
    {"type": "message_start", "message": {"model": "claude-opus-4-7-20260101", "usage": {
        "input_tokens": 10, "output_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 40}}}},
    {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "f"}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": 10, "outputTokenCount": 7,
        "invocationLatency": 3407, "firstByteLatency": 2440}},
    "[DONE]",
]  # fmt: skip


def test_converse(ingest_rows):
    (row,) = ingest_rows([invocation()])
    assert row["request_id"] == "r-1"
    assert row["started_at"] == datetime(2026, 11, 10, 12, 0, 5, tzinfo=UTC)
    assert (row["duration_ms"], row["ttft_ms"], row["stream"]) == (3407, None, False)
    assert row["ended_at"] == datetime(2026, 11, 10, 12, 0, 8, 407000, tzinfo=UTC)
    assert (row["provider"], row["model"]) == ("bedrock", "claude-opus-4-7")
    assert (row["input_tokens"], row["output_tokens"]) == (30, 142)
    assert (row["status"], row["finish_reason"], row["n_tool_calls"]) == ("ok", "end_turn", 0)
    assert (row["prompt_chars"], row["n_messages"], row["n_tools"]) == (3, 1, 0)
    assert row["key_alias"] == "app-role", "the session name may be a person"
    assert row["logged_cost_usd"] is None


def test_input_leaves_the_cache_out(ingest_rows):
    (row,) = ingest_rows([
        invocation(
            inferenceRegion="us-east-2",
            input={"inputTokenCount": 3, "cacheReadInputTokenCount": 1000,
                   "cacheWriteInputTokenCount": 28857, "inputBodyS3Path": "s3://b/data/r_input.json.gz"},
            output={"outputTokenCount": 142, "outputBodyS3Path": "s3://b/data/r_output.json.gz"},
        )
    ])  # fmt: skip
    assert (row["input_uncached_tokens"], row["cache_read_tokens"]) == (3, 1000)
    assert row["cache_write_unknown_tokens"] == 28857
    assert row["input_tokens"] == 29860  # 3 + 1000 + 28857
    assert row["token_semantics"] == "disjoint"
    assert (row["region_logged"], row["region"]) == ("us-east-2", "us-east-2"), (
        "where it was served"
    )
    unknown = (
        "duration_ms",
        "prompt_chars",
        "n_messages",
        "n_tools",
        "finish_reason",
        "n_tool_calls",
    )
    assert {row[name] for name in unknown} == {None}


def test_how_long_the_cache_lives(ingest_rows):
    body = {
        "usage": {
            "cacheDetails": [{"ttl": "1h", "inputTokens": 28000}, {"ttl": "5m", "inputTokens": 800}]
        }
    }
    (row,) = ingest_rows([
        invocation(
            input={"inputTokenCount": 3, "cacheWriteInputTokenCount": 28857},
            output={"outputTokenCount": 1, "outputBodyJson": body},
        )
    ])  # fmt: skip
    assert (row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) == (800, 28000)
    assert row["cache_write_unknown_tokens"] == 57


def test_the_events_of_a_stream(ingest_rows):
    (row,) = ingest_rows([
        invocation(
            operation="InvokeModelWithResponseStream",
            input={"inputTokenCount": 10, "cacheWriteInputTokenCount": 40, "inputBodyJson": {
                "max_tokens": 50, "temperature": 0.5, "tools": [{}, {}], "system": "Be kind.",
                "messages": [{"role": "user", "content": [{"type": "text", "text": "Go"},
                             {"type": "image", "source": {"data": "AAAA"}}]}]}},
            output={"outputTokenCount": 7, "outputBodyJson": STREAM},
        )
    ])  # fmt: skip
    assert (row["ttft_ms"], row["duration_ms"], row["stream"]) == (2440, 3407, True)
    assert (row["output_tokens"], row["cache_write_5m_tokens"]) == (7, 40), "usage is cumulative"
    assert (row["cache_write_unknown_tokens"], row["input_tokens"]) == (0, 50)
    assert (row["finish_reason"], row["n_tool_calls"], row["n_tools"]) == ("tool_use", 1, 2)
    assert (row["max_output_tokens"], row["temperature"], row["has_images"]) == (50, 0.5, True)
    assert row["prompt_chars"] == len("Be kind.\nGo") and row["system_prompt_hash"]


def test_a_stream_without_metrics_has_no_times(ingest_rows):
    (row,) = ingest_rows([
        invocation(operation="InvokeModelWithResponseStream",
                   output={"outputTokenCount": 7, "outputBodyJson": [*STREAM[:3], "[DONE]"]})
    ])  # fmt: skip
    assert (row["ttft_ms"], row["duration_ms"], row["ended_at"]) == (None, None, None)


def test_models(ingest_rows):
    profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"
    rows = ingest_rows([
        invocation(requestId="1", modelId="us.anthropic.claude-opus-4-7-v1:0"),
        invocation(requestId="2", modelId=profile),
        invocation(requestId="3", modelId=profile,
                   output={"outputTokenCount": 7, "outputBodyJson": STREAM}),
    ])  # fmt: skip
    assert [row["model"] for row in rows] == ["claude-opus-4-7", profile, "claude-opus-4-7"]
    assert [row["deployment"] for row in rows] == [None, profile, profile]


def test_errors_and_absent_counts(ingest_rows):
    rows = ingest_rows([
        invocation(requestId="t", errorCode="ThrottlingException", output=None),
        invocation(requestId="v", errorCode="ValidationException", output=None, input={}),
        invocation(requestId="g", output={"outputTokenCount": 0, "outputBodyJson": {
            "stopReason": "guardrail_intervened", "usage": {"inputTokens": 0, "outputTokens": 0}}}),
    ])  # fmt: skip
    assert [(row["status"], row["error_type"], row["http_status"]) for row in rows] == [
        ("throttled", "ThrottlingException", None),
        ("error", "ValidationException", None),
        ("ok", None, None),
    ]
    assert [row["output_tokens"] for row in rows] == [None, None, 0], "absent is not 0, 0 is"
    assert [row["input_tokens"] for row in rows] == [30, None, 30]
    assert rows[2]["finish_reason"] == "guardrail_intervened"


def test_labels_are_the_request_metadata(ingest_rows):
    tags = {"team": "legal", "task": "extract", "session_id": "s-1", "logscope_config_id": "c-1"}
    (row,) = ingest_rows([invocation(requestMetadata=tags)])
    assert row["labels"] == {"account": "123456789012", "team": "legal", "task": "extract"}
    assert (row["team"], row["task"], row["session_id"], row["config_id"]) == (
        "legal",
        "extract",
        "s-1",
        "c-1",
    )


def test_gz_and_cloudwatch(bench):
    lines = "".join(json.dumps(invocation(requestId=name)) + "\n" for name in "ab")
    bench.ingest(bench.write(gzip.compress(lines.encode()), "2026/11/10/12/x.json.gz"))
    assert bench.counts == (2, 2, 0, 0, 0)
    # The time of the envelope is the time of writing.
    events = [
        {
            "timestamp": 1762999999000,
            "eventId": "1",
            "message": json.dumps(invocation(requestId="c")),
        },
        {"timestamp": 1762999999000, "eventId": "2", "message": "no JSON"},
    ]
    bench.ingest(bench.write(json.dumps({"events": events, "searchedLogStreams": []}), "cw.json"))
    assert bench.counts == (2, 1, 0, 0, 1)
    a, b, c = sorted(bench.rows(), key=lambda row: row["request_id"])
    same = (
        "started_at",
        "input_tokens",
        "model",
        "region",
        "duration_ms",
        "key_alias",
        "finish_reason",
    )
    assert [a[name] for name in same] == [c[name] for name in same]
    assert b["request_id"] == "b"


def test_every_record_is_accounted_for(bench):
    bench.ingest(bench.write([
        invocation(),
        invocation(),
        invocation(requestId="x", operation="ApplyGuardrail"),
        invocation(requestId="y", timestamp="soon"),
        "{",
    ]))  # fmt: skip
    assert bench.counts == (5, 1, 1, 1, 2)
    assert bench.rejects() == [(4, "no readable start time"), (5, "not JSON")]
