"""GuideLLM: seconds beside milliseconds, three lists of requests, some never sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

START = 1794312000.25  # 2026-11-10T12:00:00.25Z


def guided(status: str = "completed", name: str = "g-1", **changes: Any) -> dict[str, Any]:
    """First token after 0.25 s, end after 1.25 s."""
    done = status == "completed"
    timings = {
        "request_start": START,
        "first_request_iteration": START + 0.2,
        "first_token_iteration": START + 0.25 if done else None,
        "last_token_iteration": START + 1.2 if done else None,
        "token_iterations": 20 if done else 0,
        "request_end": START + 1.25,
    }
    return {
        "request_id": name,
        "response_id": f"chatcmpl-{name}" if done else None,
        "request_args": json.dumps({"body": {"model": "gpt-5.5"}}),
        "info": {"status": status, "error": None, "timings": timings},
        "input_metrics": {"text_tokens": 256},
        "output_metrics": {"text_tokens": 64 if done else None},
        "request_latency": 1.25,
        "time_to_first_token_ms": 250.0 if done else None,
    } | changes


def report(**lists: list[dict[str, Any]]) -> dict[str, Any]:
    requests = {"successful": [], "errored": [], "incomplete": []} | lists
    return {"metadata": {}, "benchmarks": [{"config": {}, "metrics": {}, "requests": requests}]}


def test_a_benchmark(bench):
    failed = guided("errored", "g-2")
    failed["info"]["error"] = "httpx.ReadTimeout: no answer to 'my secret prompt'"
    never = guided("cancelled", "g-4", request_latency=None)
    never["info"]["timings"] = {"request_start": None}
    undated = guided("completed", "g-5")
    undated["info"]["timings"] = {}
    document = report(
        successful=[guided(), undated],
        errored=[failed],
        incomplete=[guided("cancelled", "g-3"), never],
    )
    bench.ingest(bench.write(json.dumps(document, indent=1), "benchmarks.json"))
    assert bench.counts == (5, 3, 0, 1, 1)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert set(rows) == {"chatcmpl-g-1", "g-2", "g-3"}
    row = rows["chatcmpl-g-1"]
    assert row["started_at"] == datetime(2026, 11, 10, 12, 0, 0, 250000, tzinfo=UTC)
    assert (row["ttft_ms"], row["duration_ms"], row["stream"]) == (250, 1250, True)
    assert (row["input_tokens"], row["output_tokens"], row["model"]) == (256, 64, "gpt-5.5")
    assert (rows["g-2"]["status"], rows["g-2"]["error_type"]) == ("error", "ReadTimeout")
    assert (rows["g-3"]["status"], rows["g-3"]["ttft_ms"]) == ("cancelled", None)
    assert rows["g-3"]["output_tokens"] is None
    assert [reason for _, reason in bench.rejects()] == ["no readable start time"]


def test_two_benchmarks_and_a_time_that_follows(bench):
    late = guided(name="g-9", time_to_first_token_ms=None, request_latency=None)
    document = report(successful=[guided()])
    document["benchmarks"] += report(successful=[late])["benchmarks"]
    bench.ingest(bench.write(json.dumps(document), "benchmarks.json"))
    assert bench.counts == (2, 2, 0, 0, 0)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert (rows["chatcmpl-g-9"]["ttft_ms"], rows["chatcmpl-g-9"]["duration_ms"]) == (250, 1250)
