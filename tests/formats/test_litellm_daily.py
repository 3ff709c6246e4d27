"""LiteLLM's daily tables: one bill per day, model, key and team; keys and users never in clear."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest


def daily(**changes: Any) -> dict[str, Any]:
    return {
        "id": "4ad4b7a5",
        "team_id": "search",
        "date": "2026-11-04",
        "api_key": "sk-live-1234567890abcdef",
        "model": "claude-opus-4-7",
        "model_group": "smart",
        "custom_llm_provider": "anthropic",
        "mcp_namespaced_tool_name": "",
        "endpoint": "/chat/completions",
        "prompt_tokens": 9000,
        "completion_tokens": 800,
        "cache_read_input_tokens": 6000,
        "cache_creation_input_tokens": 1000,
        "spend": 0.03925,
        "api_requests": 12,
        "successful_requests": 11,
        "failed_requests": 1,
    } | changes


def daily_csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_row(bench, kind):
    records = daily_csv([daily()]) if kind == "csv" else [daily()]
    bench.ingest(bench.write(records, f"daily.{kind}"))
    assert bench.counts == (1, 1, 0, 0, 0)
    (bill,) = bench.rows("select * from bills")
    assert bill["starts_at"] == datetime(2026, 11, 4, tzinfo=UTC)
    assert bill["ends_at"] == datetime(2026, 11, 5, tzinfo=UTC)
    assert (bill["provider"], bill["model"], bill["kind"]) == (
        "anthropic",
        "claude-opus-4-7",
        "usage",
    )
    assert bill["input_uncached_tokens"] == 2000  # 9000 - 6000 - 1000
    assert (bill["input_tokens"], bill["output_tokens"], bill["requests"]) == (9000, 800, 12)
    assert bill["cost_usd"] == Decimal("0.03925")
    labels = bill["labels"]
    assert (labels["team"], labels["route"]) == ("search", "smart")
    assert "sk-live" not in str(labels)


def test_older_rows_that_leave_the_cache_out(bench):
    bench.ingest(bench.write([daily(prompt_tokens=3000)]))
    (bill,) = bench.rows("select * from bills")
    assert (bill["input_uncached_tokens"], bill["input_tokens"]) == (3000, 10000)


def test_users_are_hashed_and_tell_bills_apart(bench):
    rows = [daily(user_id="jane@example.org"), daily(user_id="joe"), daily(user_id="joe")]
    bench.ingest(bench.write(rows))
    assert bench.counts == (3, 2, 1, 0, 0)
    assert "jane" not in str(bench.rows("select labels from bills"))


def test_tool_calls_and_days_that_are_none(bench):
    bench.ingest(bench.write([
        daily(), daily(mcp_namespaced_tool_name="github/search_code", model=""),
        daily(date="11/10/2026"), "{broken",
    ]))  # fmt: skip
    assert bench.counts == (4, 1, 0, 1, 2)
    assert bench.rejects() == [(3, "no readable day"), (4, "not JSON")]
