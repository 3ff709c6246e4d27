"""AIPerf: exact nanoseconds, gaps as arrival times, failed requests kept, warm-up left out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

FIXTURE = Path(__file__).parent.parent / "fixtures" / "aiperf_profile_export.jsonl"


def request(name: str, phase: str = "profiling", **changes: Any) -> dict[str, Any]:
    """A stream: first token at 100 ms, then gaps of 10 and 20 ms; two reasoning tokens of five."""
    return {
        "metadata": {
            "x_request_id": name, "x_correlation_id": "user-1", "benchmark_phase": phase,
            "request_start_ns": 1759813207532900363, "request_ack_ns": 1759813207550000000,
            "request_end_ns": 1759813207838764604, "was_cancelled": False,
        },
        "metrics": {
            "input_sequence_length": {"value": 550, "unit": "tokens"},
            "time_to_first_token": {"value": 100.0, "unit": "ms"},
            "time_to_first_output_token": {"value": 110.0, "unit": "ms"},
            "request_latency": {"value": 130.0, "unit": "ms"},
            "inter_chunk_latency": {"value": [10.0, 20.0], "unit": "ms"},
            "output_sequence_length": {"value": 5, "unit": "tokens"},
            "output_token_count": {"value": 3, "unit": "tokens"},
            "reasoning_token_count": {"value": 2, "unit": "tokens"},
        },
        "error": None,
    } | changes  # fmt: skip


def test_the_documented_records(bench):
    bench.ingest(FIXTURE)
    assert bench.counts == (2, 2, 0, 0, 0)
    done, cancelled = sorted(bench.rows(), key=lambda row: row["started_at"])
    assert done["request_id"] == "7609a2e7-aa53-4ab1-98f4-f35ecafefd25"
    assert done["session_id"] == "32ee4f33-cfca-4cfc-988f-79b45408b909"
    # 1759813207532900363 ns, to the microsecond; a double would have said ...900416.
    assert done["started_at"] == datetime(2025, 10, 7, 5, 0, 7, 532900, tzinfo=UTC)
    assert (done["ttft_ms"], done["duration_ms"]) == (255.88656799999998, 297.52522799999997)
    assert (done["input_tokens"], done["output_tokens"], done["stream"]) == (550, 9, True)
    # (297.525228 - 255.886568) / (9 - 1) is the inter-token latency that AIPerf gives itself.
    assert done["tpot_ms"] == pytest.approx(5.2048325)
    assert (done["status"], done["error_type"]) == ("ok", None)
    assert (cancelled["status"], cancelled["http_status"]) == ("cancelled", 499)
    assert cancelled["error_type"] == "RequestCancellationError"
    assert (cancelled["ttft_ms"], cancelled["duration_ms"]) == (None, 0.625)
    assert (cancelled["input_tokens"], cancelled["output_tokens"]) == (550, None)


def test_gaps_become_arrival_times(bench):
    bench.ingest(FIXTURE)
    (stream,) = bench.rows("select * from streams")
    offsets = stream["offsets_ms"]
    assert len(offsets) == 9 and offsets[0] == 255.88656799999998
    assert offsets[1] == pytest.approx(255.886568 + 4.898437)
    assert offsets[-1] == pytest.approx(297.525228), "the last chunk ends the latency"
    row = next(row for row in bench.rows() if row["status"] == "ok")
    assert (row["n_chunks"], row["max_gap_ms"]) == (9, pytest.approx(5.674918))


def test_reasoning_is_inside_the_sequence_length(ingest_rows):
    (row,) = ingest_rows([request("a")])
    assert (row["output_tokens"], row["reasoning_tokens"], row["output_text_tokens"]) == (5, 2, 3)
    assert (row["ttft_ms"], row["ttft_visible_ms"], row["duration_ms"]) == (100, 110, 130)


def test_warm_up_failures_and_what_was_not_streamed(bench):
    error = {"code": 429, "type": "RateLimited", "message": "slow down"}
    whole = {"request_latency": {"value": 130.0}, "output_token_count": {"value": 3}}
    bench.ingest(bench.write([
        request("warm", phase="warmup"),
        request("a"),
        request("throttled", metrics={"error_isl": {"value": 7}}, error=error),
        request("no code", metrics={}, error={"code": None, "type": "TimeoutError"}),
        request("whole", metrics=whole,
                metadata=request("whole")["metadata"] | {"request_ack_ns": None}),
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (6, 4, 0, 1, 1)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert (rows["throttled"]["status"], rows["throttled"]["http_status"]) == ("throttled", 429)
    assert rows["throttled"]["input_tokens"] == 7
    assert (rows["no code"]["status"], rows["no code"]["error_type"]) == ("error", "TimeoutError")
    assert (rows["whole"]["stream"], rows["whole"]["ttft_ms"], rows["whole"]["output_tokens"]) == (
        False,
        None,
        3,
    )
    assert bench.rejects() == [(6, "not JSON")]


def test_a_doubled_key_does_not_lose_the_record(ingest_rows):
    """The published example has time_to_first_token twice; the first is the true one."""
    line = FIXTURE.read_text(encoding="utf-8").splitlines()[0]
    doubled = '"time_to_first_token":{"value":4.89,"unit":"ms"},"inter_chunk_latency"'
    line = line.replace('"inter_chunk_latency"', doubled)
    (row,) = ingest_rows([line])
    assert row["ttft_ms"] == 255.88656799999998
