"""Timed event streams: three clocks, several streams in a file, joins with other logs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from test_genai_perf import chunk

from tests.conftest import native

USAGE = {"prompt_tokens": 50, "completion_tokens": 4, "total_tokens": 54}
SENT = {"sent_at": "2026-11-10T12:00:00Z", "model": "gpt-5.4", "provider": "openai", "t": 0}


def timed(clock: str = "elapsed_ms", name: str = "c-1") -> list[dict[str, Any]]:
    """Role at 80 ms, text at 300 and 1500, usage at 1600, then the end."""
    events = {
        80: chunk({"role": "assistant", "content": ""}, name),
        300: chunk({"content": "One"}, name),
        1500: chunk({"content": " two"}, name),
        1600: chunk(None, name, usage=USAGE),
    }
    lines = []
    for ms, event in events.items():
        text = json.dumps(event)
        if clock == "elapsed_ms":
            lines.append({"elapsed_ms": ms, "data": text})
        elif clock == "t":
            lines.append({"t": ms / 1000, "line": f"data: {text}"})
        else:
            lines.append({"ts": 1794312000 + ms / 1000, "data": text})
    return [*lines, {lines[0].keys().__iter__().__next__(): 9, "data": "[DONE]"}]


def test_the_three_clocks(bench):
    for clock in ("elapsed_ms", "t", "ts"):
        bench.ingest(bench.write([SENT, *timed(clock, clock)], f"{clock}.jsonl"))
        assert bench.counts == (1, 1, 0, 0, 0), clock
    rows = bench.rows()
    assert {row["request_id"] for row in rows} == {"elapsed_ms", "t", "ts"}
    for row in rows:
        assert row["started_at"] == datetime(2026, 11, 10, 12, tzinfo=UTC)
        assert (row["ttft_ms"], row["duration_ms"], row["stall_ms"]) == (300, 1600, 1200)
        assert (row["input_tokens"], row["output_tokens"], row["model"]) == (50, 4, "gpt-5.4")
    for stream in bench.rows("select * from streams"):
        assert stream["offsets_ms"] == [80, 300, 1500, 1600]
        assert stream["kinds"] == ["role", "text", "text", "usage"]


def test_a_stream_joins_the_request_that_another_log_tells_of(bench):
    bench.ingest(bench.write([native("c-1", ttft_ms=None, duration_ms=1700.0)], "requests.jsonl"))
    bench.ingest(bench.write(timed(), "stream.jsonl"))
    assert bench.counts == (1, 1, 0, 0, 0)
    (row,) = bench.rows()
    assert (row["ttft_ms"], row["n_chunks"], row["output_tokens"]) == (300, 4, 101)


def test_several_streams_and_what_cannot_be(bench):
    named = [{"request_id": name} | line for name in ("a", "b") for line in [SENT, *timed()]]
    bench.ingest(bench.write([
        *named,
        {"request_id": "c", "elapsed_ms": 15000, "line": ": keep-alive"},
        {"request_id": "nobody", "elapsed_ms": 5, "data": json.dumps(chunk({"content": "x"}))},
        {"request_id": "d", "ts": 1794312000, "data": json.dumps(chunk({"content": "x"}))},
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (6, 2, 0, 1, 3)
    assert [reason for _, reason in bench.rejects()] == [
        "no start time and no such request",
        "an event without a time, or `ts` without `sent_at`",
        "not JSON",
    ]


def test_anthropics_events(bench):
    usage = {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 1}
    start = {"type": "message_start", "message": {"id": "m-1", "model": "claude-opus-4-7",
                                                  "usage": usage}}  # fmt: skip
    thought = {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "Hm"}}
    text = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "So"}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
           "usage": {"output_tokens": 42}}  # fmt: skip
    events = zip((100, 200, 900, 1000), (start, thought, text, end), strict=True)
    lines = [{"elapsed_ms": ms, "data": json.dumps(event)} for ms, event in events]
    bench.ingest(bench.write([SENT | {"model": None, "provider": "anthropic"}, *lines]))
    (row,) = bench.rows()
    assert (row["request_id"], row["model"]) == ("m-1", "claude-opus-4-7")
    assert (row["ttft_ms"], row["ttft_visible_ms"], row["duration_ms"]) == (200, 900, 1000)
    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (100, 90, 42)
    assert row["finish_reason"] == "end_turn"
    kinds = bench.rows("select kinds from streams")[0]["kinds"]
    assert kinds == ["role", "reasoning", "text", "usage"]
