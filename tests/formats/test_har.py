"""HAR: event-source messages give arrival times, bodies give tokens, other traffic is no call."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from test_genai_perf import chunk, sse

USAGE = {"prompt_tokens": 30, "completion_tokens": 2, "total_tokens": 32}


def entry(name: str = "h-1", **changes: Any) -> dict[str, Any]:
    """A streamed call: role at 100 ms, text at 300, usage at 800; 900 ms in all."""
    events = {
        0.1: chunk({"role": "assistant", "content": ""}, name),
        0.3: chunk({"content": "Yes"}, name),
        0.8: chunk(None, name, usage=USAGE),
    }
    messages = [
        {"time": 1794312000 + seconds, "eventName": "message", "data": json.dumps(event)}
        for seconds, event in events.items()
    ]
    return {
        "startedDateTime": "2026-11-10T13:00:00.000+01:00",
        "time": 900.5,
        "request": {
            "method": "POST",
            "url": "https://api.openai.com/v1/chat/completions",
            "postData": {"text": json.dumps({"model": "gpt-5.4", "stream": True})},
        },
        "response": {"status": 200, "content": {"mimeType": "text/event-stream", "text": ""}},
        "timings": {"wait": 90, "receive": 800},
        "_eventSourceMessages": [*messages, {"time": 1794312001, "data": "[DONE]"}],
    } | changes


def archive(*entries: dict[str, Any]) -> str:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}}, indent=1)


def body(text: str, **content: Any) -> dict[str, Any]:
    return {"status": 200, "content": {"text": text} | content}


def test_messages_are_a_stream(bench):
    bench.ingest(bench.write(archive(entry()), "chat.har"))
    assert bench.counts == (1, 1, 0, 0, 0)
    (row,) = bench.rows()
    assert row["request_id"] == "h-1"
    assert row["started_at"] == datetime(2026, 11, 10, 12, tzinfo=UTC)
    assert (row["ttft_ms"], row["duration_ms"], row["stream"]) == (300, 900.5, True)
    assert (row["provider"], row["model"]) == ("openai", "gpt-5.4")
    assert (row["input_tokens"], row["output_tokens"]) == (30, 2)
    (stream,) = bench.rows("select * from streams")
    assert (stream["offsets_ms"], stream["kinds"]) == ([100, 300, 800], ["role", "text", "usage"])


def test_bodies_without_messages_have_tokens_but_no_first_token(bench):
    events = sse(chunk({"content": "Yes"}, "h-2"), chunk(None, "h-2", usage=USAGE), "[DONE]")
    whole = {"id": "h-3", "model": "gpt-5.4", "usage": USAGE}
    coded = base64.b64encode(json.dumps(whole).encode()).decode()
    bench.ingest(bench.write(archive(
        entry(_eventSourceMessages=None, response=body(events)),
        entry(_eventSourceMessages=[], response=body(coded, encoding="base64")),
    ), "chat.har"))  # fmt: skip
    rows = {row["request_id"]: row for row in bench.rows()}
    assert set(rows) == {"h-2", "h-3"}
    for row in rows.values():
        assert (row["ttft_ms"], row["input_tokens"], row["duration_ms"]) == (None, 30, 900.5)


def test_other_traffic_failures_and_numbers_that_are_none(bench):
    page = entry() | {"request": {"method": "GET", "url": "https://example.org/style.css"}}
    preflight = entry()
    preflight["request"] = preflight["request"] | {"method": "OPTIONS"}
    limited = {"status": 429, "content": {"text": "{}"}}
    bench.ingest(bench.write(archive(
        page, preflight,
        entry(_eventSourceMessages=None, response=limited, time=-1),
        entry("x", startedDateTime="now"),
    ), "chat.har"))  # fmt: skip
    assert bench.counts == (4, 1, 0, 2, 1)
    (row,) = bench.rows()
    assert (row["status"], row["duration_ms"], row["ttft_ms"]) == ("throttled", None, None)
    assert len(row["request_id"]) == 24


def test_rate_limits_stand_in_the_headers(bench):
    headers = [
        {"name": "X-RateLimit-Limit-Requests", "value": "60"},
        {"name": "x-ratelimit-remaining-requests", "value": "59"},
        {"name": "anthropic-ratelimit-tokens-remaining", "value": "12000"},
        {"name": "x-ratelimit-reset-requests", "value": "1s"},
    ]
    bench.ingest(bench.write(archive(entry(response={"status": 200, "headers": headers})), "h.har"))
    (row,) = bench.rows()
    assert (row["limit_requests"], row["remaining_requests"]) == (60, 59)
    assert (row["limit_tokens"], row["remaining_tokens"]) == (None, 12_000)
