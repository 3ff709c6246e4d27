"""Anthropic cost reports: a decimal text in cents, exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def cost(amount: Any, **changes: Any) -> dict[str, Any]:
    return {
        "currency": "USD",
        "amount": amount,
        "workspace_id": None,
        "description": "Claude Opus 4.7 Usage - Input Tokens",
        "cost_type": "tokens",
        "context_window": "0-200k",
        "model": "claude-opus-4-7",
        "service_tier": "standard",
        "token_type": "uncached_input_tokens",
    } | changes


def cost_report(*results: dict[str, Any]) -> dict[str, Any]:
    bucket = {
        "starting_at": "2026-11-04T00:00:00Z",
        "ending_at": "2026-11-05T00:00:00Z",
        "results": list(results),
    }
    return {"data": [bucket], "has_more": False, "next_page": None}


def test_cents_become_dollars_exactly(bench):
    bench.ingest(bench.write([cost_report(cost("123.45"), cost("0.00000001", token_type="x"))]))
    assert bench.counts == (2, 2, 0, 0, 0)
    rows = bench.rows("select * from bills order by cost_usd desc")
    assert [row["cost_usd"] for row in rows] == [Decimal("1.2345"), Decimal("0.0000000001")]
    assert (rows[0]["kind"], rows[0]["model"]) == ("cost", "claude-opus-4-7")
    assert rows[0]["labels"]["token_type"] == "uncached_input_tokens"
    assert rows[0]["input_tokens"] is None


def test_one_day_has_many_amounts(bench):
    bench.ingest(bench.write([
        cost_report(
            cost("1.0"),
            cost("2.0", description="Claude Opus 4.7 Usage - Output Tokens",
                 token_type="output_tokens"),
            cost("4.0", workspace_id="wrkspc_01"),
            cost("8.0", model=None, service_tier=None, token_type=None, cost_type="web_search",
                 description="Web Search Usage"),
            cost("1.0"),
        )
    ]))  # fmt: skip
    assert bench.counts == (5, 4, 1, 0, 0)
    (total,) = bench.rows("select sum(cost_usd) as usd from bills")
    assert total["usd"] == Decimal("0.15")


def test_what_is_empty_or_impossible(bench):
    bench.ingest(bench.write([
        cost_report(cost("1.0")), cost_report(), cost_report(cost("n/a")),
        cost_report(cost("1.0", currency="EUR")), "{broken",
    ]))  # fmt: skip
    assert bench.counts == (5, 1, 0, 1, 3)
    assert bench.rejects() == [
        (3, "no readable number"),
        (4, "an amount that is not in USD"),
        (5, "not JSON"),
    ]
