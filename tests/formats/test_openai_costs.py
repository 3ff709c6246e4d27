"""OpenAI cost pages: decimals, line items, no other currency."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

FIXTURE = Path(__file__).parent.parent / "fixtures" / "openai_costs_page.json"
DAY = 1793750400  # 2026-11-04T00:00:00Z


def cost_page(*items: tuple[Any, str | None, str]) -> dict[str, Any]:
    """A page of one day; an item is amount, line item and currency."""
    results = [
        {
            "object": "organization.costs.result",
            "amount": {"value": value, "currency": currency},
            "line_item": item,
            "project_id": "proj_a",
        }
        for value, item, currency in items
    ]
    bucket = {"object": "bucket", "start_time": DAY, "end_time": DAY + 86400, "results": results}
    return {"object": "page", "data": [bucket], "has_more": False}


def test_the_documented_page(bench):
    bench.ingest(FIXTURE)
    assert bench.counts == (1, 1, 0, 0, 0)
    (bill,) = bench.rows("select * from bills")
    assert (bill["kind"], bill["cost_usd"]) == ("cost", Decimal("0.06"))
    assert bill["input_tokens"] is None and bill["requests"] is None


def test_line_items_are_bills_of_their_own(bench):
    bench.ingest(bench.write([
        cost_page(
            (0.1, "gpt-5.4-2026-03-05, input", "usd"),
            (0.2, "gpt-5.4-2026-03-05, output", "usd"),
            (0.7, "Web search tool calls", "usd"),
            (5, "gpt-5.4-2026-03-05, input", "eur"),
            ("much", "Assistants", "usd"),
        )
    ]))  # fmt: skip
    assert bench.counts == (5, 3, 0, 0, 2)
    rows = bench.rows("select * from bills order by cost_usd")
    assert [row["cost_usd"] for row in rows] == [Decimal("0.1"), Decimal("0.2"), Decimal("0.7")]
    assert [row["model"] for row in rows] == ["gpt-5.4", "gpt-5.4", None]
    assert sum(row["cost_usd"] for row in rows) == 1, "decimals, not floats"
    assert rows[2]["labels"] == {"line_item": "Web search tool calls"}


def test_an_empty_bucket_and_no_costs_at_all(bench):
    page = cost_page((0.5, None, "usd"))
    page["data"].insert(0, {"object": "bucket", "start_time": 1, "end_time": 2, "results": []})
    bench.ingest(bench.write([page]))
    assert bench.counts == (2, 1, 0, 1, 0)
    assert bench.rows("select * from bills")[0]["labels"] is None
