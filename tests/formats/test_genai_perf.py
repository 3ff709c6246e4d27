"""GenAI-Perf: exact nanoseconds, no role-only chunk, no warm-up, several events in one read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FIXTURE = Path(__file__).parent.parent / "fixtures" / "genai_perf_profile_export.json"
START = 1794312000123456789  # 2026-11-10T12:00:00.123456789Z


def sse(*events: Any) -> str:
    lines = (item if isinstance(item, str) else json.dumps(item) for item in events)
    return "".join(f"data: {line}\n\n" for line in lines)


def chunk(delta: dict[str, Any] | None, name: str = "c-1", **changes: Any) -> dict[str, Any]:
    """A chunk of OpenAI's Chat stream; without a delta it has no choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": None}]
    return {"id": name, "model": "gpt-5.4", "choices": choices} | changes


def benchmarked(name: str = "c-1", start: int = START) -> dict[str, Any]:
    """A stream: role at 80 ms, text at 300, two events in one read at 340, usage and end at 700."""
    usage = {"prompt_tokens": 50, "completion_tokens": 4, "total_tokens": 54}
    reads = {
        80: sse(chunk({"role": "assistant", "content": ""}, name)),
        300: sse(chunk({"content": "One"}, name)),
        340: sse(chunk({"content": " two"}, name), chunk({"content": " three"}, name)),
        700: sse(chunk(None, name, usage=usage)),
        701: sse("[DONE]"),
    }
    payload = {"model": "gpt-5.4", "messages": [{"role": "user", "content": "Why?"}]}
    return {
        "timestamp": start,
        "request_inputs": {"payload": json.dumps(payload), "session_id": "s-1"},
        "response_timestamps": [start + ms * 1_000_000 for ms in reads],
        "response_outputs": [{"response": text} for text in reads.values()],
    }


def profile(*experiments: list[dict[str, Any]], window: list[int] | None = None) -> dict[str, Any]:
    return {
        "experiments": [
            {"experiment": {"mode": "concurrency", "value": n}, "requests": requests,
             "window_boundaries": window or []}
            for n, requests in enumerate(experiments)
        ],
        "version": "0.0.16",
    }  # fmt: skip


def test_the_real_run(bench):
    bench.ingest(FIXTURE)
    assert bench.counts == (1, 1, 0, 0, 0)
    (row,) = bench.rows()
    assert row["request_id"] == "chatcmpl-dc4644927240492485f8e053c6092a9c"
    # 1741134590669919999 ns, to the microsecond.
    assert row["started_at"] == datetime(2025, 3, 5, 0, 29, 50, 669919, tzinfo=UTC)
    assert row["duration_ms"] == 58.614587  # ...728534586 - ...669919999 ns
    assert (row["stream"], row["ttft_ms"]) == (False, None)
    assert (row["input_tokens"], row["output_tokens"]) == (33, 32)
    assert (row["model"], row["max_output_tokens"]) == ("facebook/opt-125m", 32)
    assert (row["finish_reason"], row["session_id"]) == (
        "length",
        "d1ed35c3-2a3a-444e-8e0a-6f0714202cb1",
    )


def test_a_stream(bench):
    bench.ingest(bench.write(json.dumps(profile([benchmarked()]), indent=1), "p.json"))
    (row,) = bench.rows()
    assert (row["ttft_ms"], row["duration_ms"], row["stream"]) == (300, 701, True)
    assert row["started_at"] == datetime(2026, 11, 10, 12, 0, 0, 123456, tzinfo=UTC)
    assert (row["input_tokens"], row["output_tokens"], row["n_messages"]) == (50, 4, 1)
    (stream,) = bench.rows("select * from streams")
    assert (stream["offsets_ms"], stream["kinds"]) == ([300, 340], ["text", "text"])


def test_experiments_apart_and_warm_up_out(bench):
    second = 1_000_000_000
    requests = [benchmarked(n, START + at * second) for n, at in (("a", -5), ("b", 0), ("c", 99))]
    window = [START - second, START + 10 * second]
    document = profile(requests, [benchmarked("d")], window=window)
    bench.ingest(bench.write(json.dumps(document), "p.json"))
    assert bench.counts == (4, 2, 0, 2, 0)
    assert {row["request_id"] for row in bench.rows()} == {"b", "d"}


def test_failures_and_what_has_no_time(bench):
    empty = benchmarked() | {"response_timestamps": [], "response_outputs": []}
    broken = benchmarked("x") | {"timestamp": None}
    bench.ingest(bench.write(json.dumps(profile([empty, broken])), "p.json"))
    assert bench.counts == (2, 1, 0, 0, 1)
    (row,) = bench.rows()
    assert (row["status"], row["ttft_ms"], row["output_tokens"]) == ("error", None, None)
    assert len(row["request_id"]) == 24, "made of what was asked and when"
