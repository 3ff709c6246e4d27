"""Kong AI Gateway: names that differ between versions, epoch milliseconds, cache hits."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest


def kong(plugin: str = "ai-proxy", old: bool = False, **changes: Any) -> dict[str, Any]:
    """A streamed call of 1.5 s, with the names of an old or a new version."""
    end = "" if old else "s"
    usage = {
        f"prompt_token{end}": 1000,
        f"completion_token{end}": 50,
        "total_tokens": 1050,
        "cost": 0.0038,
    }
    meta = {
        "request_model": "gpt-5.4",
        "response_model": "gpt-5.4-2026-03-05",
        "provider_name": "openai",
        "llm_latency": 1450,
        "plugin_id": "x",
    }
    if not old:
        usage["time_to_first_token"] = 310
    part = {"usage": usage, "meta": meta, "cache": {"cache_status": "Miss"}}
    return {
        "started_at": 1794312000250,
        "request": {"id": "k-1", "uri": "/chat"},
        "response": {"status": 200},
        "latencies": {"request": 1500, "kong": 12, "proxy": 1488},
        "consumer": {"username": "shop", "custom_id": "jane"},
        "route": {"name": "chat"},
        "service": {"name": "llm"},
        "ai": {"payload": {"request": "secret"}, plugin: part, "ai-zzz-guard": {"meta": {}}},
    } | changes


@pytest.mark.parametrize(
    ("plugin", "old"), [("proxy", False), ("ai-proxy", True), ("ai-proxy-advanced", False)]
)
def test_a_call(ingest_rows, plugin, old):
    (row,) = ingest_rows([kong(plugin, old)])
    assert row["request_id"] == "k-1"
    assert row["started_at"] == datetime(2026, 11, 10, 12, 0, 0, 250000, tzinfo=UTC)
    assert (row["duration_ms"], row["overhead_ms"]) == (1500, 12)
    assert (row["ttft_ms"], row["stream"]) == ((None, None) if old else (310, True))
    assert (row["provider"], row["model"]) == ("openai", "gpt-5.4")
    assert (row["input_tokens"], row["output_tokens"]) == (1000, 50)
    assert row["logged_cost_usd"] == Decimal("0.0038")
    assert (row["route"], row["key_alias"], row["cache_hit"]) == ("chat", "shop", False)
    assert row["user_hash"] not in (None, "jane")


def test_outcomes(bench):
    hit = kong()
    part = hit["ai"]["ai-proxy"]
    part["cache"]["cache_status"] = "Hit"
    del part["meta"]["llm_latency"], part["usage"]["time_to_first_token"]
    bench.ingest(bench.write([
        hit | {"request": {"id": "hit"}},
        kong(request={"id": "limited"}, response={"status": 429}),
        kong(request={"id": "orders"}, ai=None),
        kong(started_at="soon"),
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (5, 2, 0, 1, 2)
    rows = {row["request_id"]: row for row in bench.rows()}
    assert (rows["hit"]["cache_hit"], rows["hit"]["ttft_ms"]) == (True, None)
    assert rows["limited"]["status"] == "throttled"
    assert bench.rejects() == [(4, "no readable start time"), (5, "not JSON")]
