"""LLMPerf: dated and named by its summary, seconds, failures without times."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest


def perf(**changes: Any) -> dict[str, Any]:
    return {
        "error_code": None,
        "error_msg": "",
        "inter_token_latency_s": 0.02,
        "ttft_s": 0.3,
        "end_to_end_latency_s": 2.5,
        "number_input_tokens": 550,
        "number_output_tokens": 111,
        "number_total_tokens": 661,
        "model": "claude-sonnet-4-6",
        "timestamp": 1794312000,
    } | changes


def test_responses(bench):
    failed = perf(error_code=429, ttft_s=0, end_to_end_latency_s=0, number_output_tokens=0)
    bare = {key: value for key, value in perf().items() if key not in ("timestamp", "model")}
    never = perf(error_code=-1, number_input_tokens=0)
    bench.ingest(bench.write(json.dumps([perf(), perf(), failed, never, bare], indent=1), "r.json"))
    assert bench.counts == (5, 3, 0, 1, 1), "equal records are requests of their own"
    ok = bench.rows("select * from requests where status = 'ok'")[0]
    assert ok["started_at"] == datetime(2026, 11, 10, 12, tzinfo=UTC)
    assert (ok["ttft_ms"], ok["duration_ms"], ok["stream"]) == (300, 2500, True)
    assert ok["tpot_ms"] == pytest.approx(20), "(2500 - 300) / (111 - 1), the first token outside"
    assert (ok["input_tokens"], ok["output_tokens"], ok["model"]) == (550, 111, "claude-sonnet-4-6")
    (row,) = bench.rows("select * from requests where status <> 'ok'")
    assert (row["status"], row["ttft_ms"], row["duration_ms"]) == ("throttled", None, None)
    assert row["output_tokens"] is None
    assert bench.rejects()[0][1] == "no time (join it from the summary file)"
