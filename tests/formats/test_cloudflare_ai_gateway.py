"""Cloudflare AI Gateway: pages of the Logs API, fallbacks, the gateway's own cache."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest


def cloudflare(**changes: Any) -> dict[str, Any]:
    return {
        "id": "01JADMCQQQBWH3NXZ5GCRN98DP",
        "created_at": "2026-11-10T12:00:00Z",
        "provider": "anthropic",
        "model": "claude-sonnet-4-6",
        "model_type": "Text Generation",
        "path": "v1/messages",
        "cached": False,
        "cost": 0.0045,
        "custom_cost": False,
        "duration": 1234,
        "tokens_in": 1000,
        "tokens_out": 50,
        "status_code": 200,
        "success": True,
        "step": 0,
        "request_type": "",
        "metadata": {"team": "search", "feature": "chat"},
    } | changes


@pytest.mark.parametrize("shape", ["lines", "page", "metadata as text"])
def test_a_call(bench, shape):
    record = cloudflare()
    if shape == "metadata as text":
        record["metadata"] = json.dumps(record["metadata"])
    page = {"result": [record], "success": True, "errors": [], "result_info": {"page": 1}}
    bench.ingest(bench.write([page if shape == "page" else record]))
    assert bench.counts == (1, 1, 0, 0, 0)
    (row,) = bench.rows()
    assert row["started_at"] == datetime(2026, 11, 10, 12, tzinfo=UTC)
    assert (row["duration_ms"], row["ttft_ms"], row["stream"]) == (1234, None, None)
    assert (row["provider"], row["model"]) == ("anthropic", "claude-sonnet-4-6")
    assert (row["input_tokens"], row["output_tokens"]) == (1000, 50)
    assert row["cache_read_tokens"] is None and row["token_semantics"] == "unknown"
    assert row["logged_cost_usd"] == Decimal("0.0045")
    assert (row["status"], row["cache_hit"], row["team"]) == ("ok", False, "search")


def test_outcomes(bench):
    bench.ingest(bench.write([
        cloudflare(id="cached", cached=True, cost=0),
        cloudflare(id="fallback", step=1),
        cloudflare(id="throttled", status_code=429, success=False, tokens_in=0, tokens_out=0),
        cloudflare(id="failed", status_code=None, success=False),
        cloudflare(id="list", path="v1/models"),
        cloudflare(id="no time", created_at=None),
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (7, 4, 0, 1, 2)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert rows["cached"]["cache_hit"] is True and rows["cached"]["logged_cost_usd"] == 0
    assert (rows["throttled"]["status"], rows["failed"]["status"]) == ("throttled", "error")
    assert rows["throttled"]["input_tokens"] == 0, "a logged 0 is 0"
    assert bench.rejects() == [(6, "no readable start time"), (7, "not JSON")]
