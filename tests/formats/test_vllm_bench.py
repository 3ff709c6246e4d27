"""vLLM bench: lists to requests, ids made, dates counted back from the end of the run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest


def bench_run(**changes: Any) -> dict[str, Any]:
    """Two requests that succeed and one that fails; the run ends at 10:00:00."""
    return {
        "date": "20261110-100000",
        "backend": "openai-chat",
        "model_id": "gpt-5.4",
        "request_rate": "inf",
        "max_concurrency": 2,
        "input_lens": [100, 200, 300],
        "output_lens": [4, 2, 0],
        "ttfts": [0.25, 0.5, 0.0],
        "itls": [[0.01, 0.02, 1.5], [0.25], []],
        "start_times": [5000.0, 5010.0, 5011.0],
        "errors": ["", "", "refused"],
    } | changes


def test_a_run(bench):
    bench.ingest(bench.write([bench_run()]))
    assert bench.counts == (3, 3, 0, 0, 0)
    first, second, failed = bench.rows("select * from requests order by request_id")
    # The last ends at 5011 (a failure has no latency); 11 s before it the first began.
    assert first["started_at"] == datetime(2026, 11, 10, 9, 59, 49, tzinfo=UTC)
    assert second["started_at"] == datetime(2026, 11, 10, 9, 59, 59, tzinfo=UTC)
    assert (first["ttft_ms"], first["duration_ms"]) == (250, pytest.approx(1780))
    assert (first["input_tokens"], first["output_tokens"]) == (100, 4)
    assert (first["max_gap_ms"], first["stall_ms"]) == (pytest.approx(1500), pytest.approx(1500))
    assert (second["ttft_ms"], second["duration_ms"]) == (500, 750)
    assert (failed["status"], failed["ttft_ms"], failed["output_tokens"]) == ("error", None, None)
    assert failed["duration_ms"] is None and failed["input_tokens"] == 300
    assert first["session_id"] == second["session_id"] and first["labels"]["request_rate"] == "inf"
    offsets = bench.rows("select offsets_ms from streams order by request_id")
    assert offsets[0]["offsets_ms"] == pytest.approx([250, 260, 280, 1780])


def test_the_same_run_again_is_merged_and_another_is_not(bench):
    bench.ingest(bench.write([bench_run(), bench_run(ttfts=[0.3, 0.5, 0.0])], "a.json"))
    assert bench.counts == (6, 6, 0, 0, 0)
    bench.ingest(bench.write([bench_run(label=None)], "b.json"))
    assert bench.counts == (3, 0, 3, 0, 0)


def test_what_cannot_be_read(bench):
    summary = {"date": "20261110-100000", "backend": "vllm", "model_id": "m", "mean_ttft_ms": 3.5}
    bench.ingest(bench.write([bench_run(), summary, bench_run(date="today"), "{broken"]))
    assert bench.counts == (8, 3, 0, 1, 4)
    # Each of the three requests of the run is told of.
    assert bench.rejects() == [(3, "no readable date of the run")] * 3 + [(4, "not JSON")]


def test_an_older_run_without_start_times(ingest_rows):
    rows = ingest_rows([bench_run(start_times=None, errors=None, ttfts=[0.25], itls=[[0.75]],
                                  input_lens=[1], output_lens=[2])])  # fmt: skip
    assert rows[0]["started_at"] == datetime(2026, 11, 10, 9, 59, 59, tzinfo=UTC)
    assert rows[0]["duration_ms"] == 1000
