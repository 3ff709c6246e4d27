"""Anthropic usage reports: the cache outside the input, two cache lifetimes, grouping keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def usage(**changes: Any) -> dict[str, Any]:
    return {
        "uncached_input_tokens": 1500,
        "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
        "cache_read_input_tokens": 200,
        "output_tokens": 500,
        "server_tool_use": {"web_search_requests": 10},
        "api_key_id": None,
        "workspace_id": "wrkspc_01",
        "model": "claude-opus-4-7",
        "service_tier": "standard",
        "context_window": "0-200k",
    } | changes


def usage_report(*results: dict[str, Any], **changes: Any) -> dict[str, Any]:
    bucket = {
        "starting_at": "2026-11-04T00:00:00Z",
        "ending_at": "2026-11-05T00:00:00Z",
        "results": list(results),
    }
    return {"data": [bucket | changes], "has_more": False, "next_page": None}


def test_a_result(bench):
    bench.ingest(bench.write([usage_report(usage())]))
    assert bench.counts == (1, 1, 0, 0, 0)
    (bill,) = bench.rows("select * from bills")
    assert (bill["provider"], bill["model"], bill["kind"]) == (
        "anthropic",
        "claude-opus-4-7",
        "usage",
    )
    assert bill["starts_at"] == datetime(2026, 11, 4, tzinfo=UTC)
    assert bill["ends_at"] == datetime(2026, 11, 5, tzinfo=UTC)
    assert (bill["input_uncached_tokens"], bill["cache_read_tokens"]) == (1500, 200)
    assert (bill["cache_write_5m_tokens"], bill["cache_write_1h_tokens"]) == (500, 1000)
    assert bill["input_tokens"] == 3200  # 1500 + 200 + 500 + 1000
    assert (bill["output_tokens"], bill["requests"]) == (500, None)
    assert (bill["project"], bill["service_tier"]) == ("wrkspc_01", "standard")
    assert bill["labels"] == {"context_window": "0-200k"}


def test_context_windows_keys_and_tiers_tell_bills_apart(bench):
    bench.ingest(bench.write([
        usage_report(
            usage(),
            usage(context_window="200k-1M"),
            usage(api_key_id="apikey_01"),
            usage(service_tier="batch"),
            usage(workspace_id=None),
            usage(),
        )
    ]))  # fmt: skip
    assert bench.counts == (6, 5, 1, 0, 0)


def test_hours_indented_pages_and_lists_of_pages(bench):
    import json

    hour = {"starting_at": "2026-11-04T10:00:00Z", "ending_at": "2026-11-04T11:00:00Z"}
    pages = [usage_report(usage(), **hour), usage_report(usage())]
    bench.ingest(bench.write(json.dumps(pages, indent=2), "pages.json"))
    assert bench.counts == (2, 2, 0, 0, 0)
    hours = "select date_diff('hour', starts_at, ends_at) as hours from bills order by 1"
    assert [row["hours"] for row in bench.rows(hours)] == [1, 24]


def test_what_is_empty_or_impossible(bench):
    bench.ingest(bench.write([
        usage_report(usage()),
        usage_report(),
        usage_report(usage(), ending_at="2026-11-03T00:00:00Z"),
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (4, 1, 0, 1, 2)
    assert bench.rejects() == [(3, "no readable time bucket"), (4, "not JSON")]
