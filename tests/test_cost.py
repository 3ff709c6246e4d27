"""cost.sql: amounts worked out by hand, what has no cost, and agreement with genai-prices."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from logscope.prices import COST_SQL, create_prices, price_book
from tests.conftest import Bench, native

TABLES = COST_SQL.with_name("tables.sql").read_text(encoding="utf-8")
COST = COST_SQL.read_text(encoding="utf-8")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def priced(
    requests: Sequence[dict[str, Any]], overrides: dict[str, Any] | None = None
) -> list[tuple[Decimal | None, str | None]]:
    """Run cost.sql over requests, given as columns; return cost_usd and price_id of each."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(TABLES)
    for number, request in enumerate(requests):
        row: dict[str, Any] = {"line": number, "started_at": NOW} | request
        row["day"] = row["started_at"].date()
        marks = ", ".join("?" for _ in row)
        connection.execute(
            f"insert into requests ({', '.join(row)}) values ({marks})", list(row.values())
        )
    names = "select distinct provider, coalesce(model_logged, model_requested) from requests"
    models = connection.execute(names).fetchall()
    create_prices(connection, price_book(models, overrides or {}))
    connection.execute(
        "create view priced_input as select * exclude (cost_usd, price_id) from requests"
    )
    connection.execute(f"create temp table costed as {COST}")
    shape = "select column_name, column_type from (describe select * from {}) order by all"
    costed, contract = (
        connection.execute(shape.format(t)).fetchall() for t in ("costed", "requests")
    )
    assert costed == contract
    return connection.execute("select cost_usd, price_id from costed order by line").fetchall()


def cost(
    provider: str | None, model: str, overrides: dict[str, Any] | None = None, /, **columns: Any
) -> Decimal | None:
    """Return the cost of one request; `fresh` and `text` abbreviate the commonest counters."""
    for short, name in (("fresh", "input_uncached_tokens"), ("text", "output_text_tokens")):
        if short in columns:
            columns[name] = columns.pop(short)
    row = {"provider": provider, "model_logged": model} | columns
    return priced([row], overrides)[0][0]


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type, misc]


# ---------- amounts by hand


def test_opus_is_flat_over_200k() -> None:
    # 300,000 x $5 + 1,000 x $25 per million
    assert cost("anthropic", "claude-opus-4-7", fresh=300_000, text=1_000) == Decimal("1.525")


def test_sonnet_with_every_counter() -> None:
    total = cost(
        "anthropic",
        "claude-sonnet-4-6-20260217",
        fresh=10_000,  # x $3    = 0.03
        cache_read_tokens=90_000,  # x $0.30 = 0.027
        cache_write_5m_tokens=2_000,  # x $3.75 = 0.0075
        cache_write_1h_tokens=1_000,  # x $6    = 0.006
        cache_write_unknown_tokens=400,  # x $3.75 = 0.0015
        text=500,  # x $15   = 0.0075
        reasoning_tokens=1_500,  # x $15   = 0.0225
        web_searches=3,  # x $0.01 = 0.03
    )
    assert total == Decimal("0.132")


def test_gpt_55_pays_double_input_for_the_whole_request_above_272k() -> None:
    # 100,000 x $5 + 100,000 x $0.50 + 1,000 x $30
    usage = {"fresh": 100_000, "cache_read_tokens": 100_000, "text": 1_000}
    assert cost("openai", "gpt-5.5", **usage) == Decimal("0.58")
    # 272,000 x $5 and 272,001 x $10: cached input counts for the size
    usage = {"fresh": 172_000, "cache_read_tokens": 100_000, "text": 0}
    assert cost("openai", "gpt-5.5", **usage) == Decimal("0.91")
    usage["fresh"] += 1
    assert cost("openai", "gpt-5.5", **usage) == Decimal("1.82001")
    # 1,000 x $45 for the output
    assert cost("openai", "gpt-5.5", **usage | {"text": 1_000}) == Decimal("1.86501")


def test_gemini_above_200k() -> None:
    assert cost("gemini", "gemini-2.5-pro", fresh=200_000, text=1_000) == Decimal("0.26")
    assert cost("gemini", "gemini-2.5-pro", fresh=200_001, text=1_000) == Decimal("0.5150025")


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (None, "0.08"),
        ("standard", "0.08"),
        ("batch", "0.04"),
        ("flex", "0.04"),
        ("priority", "0.2"),
    ],
)
def test_served_tiers_of_gpt_55(tier: str | None, expected: str) -> None:
    usage = {"fresh": 10_000, "text": 1_000, "service_tier": tier}
    assert cost("openai", "gpt-5.5", **usage) == Decimal(expected)
    assert cost("openai", "gpt-5.5", started_at=at(2026, 5, 1), **usage) == Decimal(expected)


def test_batch_does_not_halve_web_searches() -> None:
    usage = {"fresh": 10_000, "text": 0, "web_searches": 2, "service_tier": "batch"}
    assert cost("anthropic", "claude-opus-4-7", **usage) == Decimal("0.045")


def test_a_price_changes_at_midnight_utc() -> None:
    usage = {"fresh": 100_000, "text": 10_000}
    last, first = at(2026, 7, 29, 23, 59, 59), at(2026, 7, 30)
    assert cost("openai", "gpt-5.6-luna", started_at=last, **usage) == Decimal("0.16")
    assert cost("openai", "gpt-5.6-luna", started_at=first, **usage) == Decimal("0.032")


def test_off_peak_hours() -> None:
    usage = {"fresh": 1_000_000, "text": 0}
    for moment, expected in (
        (at(2026, 11, 1, 0, 59, 59), "0.66"),
        (at(2026, 11, 1, 1), "1.32"),
        (at(2026, 11, 1, 3, 59, 59), "1.32"),
        (at(2026, 11, 1, 4), "0.66"),
        (at(2026, 11, 1, 23, 59, 59), "0.66"),
    ):
        assert cost("deepseek", "deepseek-v4-pro", started_at=moment, **usage) == Decimal(expected)


def test_audio_and_image_tokens_move_to_their_price() -> None:
    usage = {"fresh": 1_000, "input_audio_tokens": 800, "text": 500, "output_audio_tokens": 400}
    # 200 x $4 + 800 x $32 + 100 x $16 + 400 x $64
    assert cost("openai", "gpt-realtime", **usage) == Decimal("0.0536")
    assert cost("openai", "gpt-5.5", **usage) == Decimal("0.02")
    # 300 x $5 + 700 x $10 + 100 x $40
    usage = {"fresh": 1_000, "input_image_tokens": 700, "text": 100}
    assert cost("openai", "gpt-image-1", **usage) == Decimal("0.0125")
    # More audio than uncached input: the rest of it was read from the cache.
    usage = {"fresh": 100, "input_audio_tokens": 800, "cache_read_tokens": 700, "text": 0}
    assert cost("openai", "gpt-realtime", **usage) == Decimal("0.00348")


def test_a_fee_per_request_is_due_if_there_were_tokens() -> None:
    overrides = {"m": {"input": 1, "output": 1, "request": 0.005}}
    assert cost("acme", "m", overrides, fresh=1_000, text=0) == Decimal("0.006")
    assert cost("acme", "m", overrides, fresh=0, text=0) == 0


def test_the_smallest_amounts_are_rounded_once() -> None:
    # 1 x $0.003625 per million = 3.625e-9, 16 of them 5.8e-8
    start = {"started_at": at(2026, 1, 1, 12), "fresh": 0, "text": 0}
    for tokens, expected in ((1, "0.0000000036"), (16, "0.0000000580")):
        usage = start | {"cache_read_tokens": tokens}
        assert cost("deepseek", "deepseek-v4-pro", **usage) == Decimal(expected)


# ---------- what has no cost, and what costs nothing


def test_without_a_price_there_is_no_cost() -> None:
    usage = {"input_uncached_tokens": 10, "output_text_tokens": 10}
    unknown = {"provider": "acme", "model_logged": "acme-1"} | usage
    tier = {"provider": "anthropic", "model_logged": "claude-opus-4-7", "service_tier": "priority"}
    nameless = {"provider": "openai"} | usage
    assert priced([unknown, tier | usage, nameless]) == [(None, None)] * 3
    assert cost("acme", "acme-1", fresh=0, text=0) is None


def test_without_usage_there_is_no_cost() -> None:
    assert cost("openai", "gpt-5.5") is None
    assert cost("openai", "gpt-5.5", fresh=10) is None
    assert cost("openai", "gpt-5.5", text=10) is None
    assert cost("openai", "gpt-5.5", fresh=0, text=0) == 0
    assert cost("openai", "gpt-5.5", cache_read_tokens=1_000, reasoning_tokens=0) is not None


def test_a_model_without_output_needs_no_output_counter() -> None:
    assert cost("openai", "text-embedding-3-small", fresh=1_000_000) == Decimal("0.02")
    assert cost("openai", "text-embedding-3-small", fresh=1_000_000, text=1) is None


def test_a_counter_whose_price_is_unknown() -> None:
    usage = {"fresh": 1_000, "text": 100}
    resold = ("openrouter", "anthropic/claude-opus-4.7")
    assert cost(*resold, cache_write_1h_tokens=0, **usage) == Decimal("0.0075")
    assert cost(*resold, cache_write_1h_tokens=1, **usage) is None
    assert cost("bedrock", "anthropic.claude-opus-4-7", web_searches=1, **usage) is None
    overrides = {"claude-opus-4-7": {"web_search": 0.02}}
    searched = cost("bedrock", "anthropic.claude-opus-4-7", overrides, web_searches=1, **usage)
    assert searched == Decimal("0.02825")  # 1,000 x $5.50 + 100 x $27.50 + $0.02


def test_an_answer_from_the_proxys_cache_costs_nothing() -> None:
    row = {"provider": "acme", "model_logged": "acme-1", "cache_hit": True}
    hit = {"provider": "openai", "model_logged": "gpt-5.5", "cache_hit": True}
    usage = {"input_uncached_tokens": 10, "output_text_tokens": 10}
    assert priced([row, hit | usage]) == [(Decimal(0), None)] * 2
    assert cost("openai", "gpt-5.5", cache_hit=False, fresh=1_000, text=0) == Decimal("0.005")


def test_a_nonsensical_counter_harms_no_other_row() -> None:
    big = 2**63 - 1
    columns = ("input_uncached_tokens", "cache_read_tokens", "cache_write_1h_tokens",
               "cache_write_5m_tokens", "cache_write_unknown_tokens", "output_text_tokens",
               "reasoning_tokens", "input_audio_tokens", "output_audio_tokens")  # fmt: skip
    base = {"provider": "openai", "model_logged": "gpt-5.5", "output_text_tokens": 0}
    rows = [base | {"input_uncached_tokens": 1_000} | {column: big} for column in columns[:-2]]
    rows.append(base | dict.fromkeys(columns, big))
    rows.append(base | {"input_uncached_tokens": 1_000, "web_searches": 2**31 - 1})
    rows.append(base | {"input_uncached_tokens": 1_000, "input_audio_tokens": big})
    costs = [amount for amount, _ in priced(rows)]
    assert costs == [None] * (len(rows) - 1) + [Decimal("0.005")]


def test_the_price_used_is_named() -> None:
    row = {"provider": "openai", "model_logged": "gpt-5.5", "output_text_tokens": 1}
    small, large = ({"input_uncached_tokens": n} for n in (1, 300_000))
    batch = {"service_tier": "batch", "started_at": at(2026, 5, 1)}
    assert [
        price_id for _, price_id in priced([row | small, row | large, row | large | batch])
    ] == [
        "openai/gpt-5.5",
        "openai/gpt-5.5 above 272000",
        "openai/gpt-5.5 batch above 272000",
    ]


def test_requests_without_a_provider_meet_the_price_of_their_model() -> None:
    assert cost(None, "gpt-5.5", fresh=1_000, text=0) == Decimal("0.005")


def test_without_a_logged_model_the_requested_one_counts() -> None:
    usage = {"input_uncached_tokens": 1_000, "output_text_tokens": 0}
    row = {"provider": "openai", "model_requested": "gpt-5.5"} | usage
    assert priced([row]) == [(Decimal("0.005"), "openai/gpt-5.5")]


# ---------- agreement with the package the prices come from

PLAIN = [
    ("openai", "gpt-5.5"),
    ("openai", "gpt-5.4-mini"),
    ("openai", "gpt-5.6-luna"),
    ("openai", "gpt-4o-2024-08-06"),
    ("openai", "gpt-5.5-pro"),
    ("anthropic", "claude-opus-4-7"),
    ("anthropic", "claude-sonnet-4-6"),
    ("anthropic", "claude-haiku-4-5-20251001"),
    ("anthropic", "claude-sonnet-5"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-3.8-flash"),
    ("aws", "us.anthropic.claude-sonnet-4-6-20260217-v1:0"),
    ("x-ai", "grok-4"),
    ("mistral", "mistral-large-latest"),
    ("deepseek", "deepseek-v4-flash"),
    ("deepseek", "deepseek-reasoner"),
]
OUR_PROVIDER = {"google": "gemini", "aws": "bedrock", "x-ai": "xai"}


@pytest.mark.parametrize("tier", ["standard", "batch"])
def test_agreement_with_genai_prices(tier: str) -> None:
    from genai_prices import Usage, calc_price

    draw = random.Random(20261101)
    rows, expected = [], []
    for listed_provider, model in PLAIN * 40:
        provider = OUR_PROVIDER.get(listed_provider, listed_provider)
        if tier == "batch" and provider not in ("openai", "anthropic", "gemini"):
            continue
        first = at(2026, 10, 20) if tier == "batch" else at(2026, 1, 1)
        seconds = int((at(2027, 2, 1) - first).total_seconds())
        moment = datetime.fromtimestamp(first.timestamp() + draw.randrange(seconds), UTC)
        fresh, read, write, hour = (draw.choice([0, 7, 5_000, 150_000]) for _ in range(4))
        hour = hour if provider in ("anthropic", "bedrock") else 0
        text, reasoning = draw.randrange(20_000), draw.choice([0, 4_321])
        rows.append({
            "provider": provider, "model_logged": model, "started_at": moment,
            "service_tier": tier, "input_uncached_tokens": fresh, "cache_read_tokens": read,
            "cache_write_5m_tokens": write, "cache_write_1h_tokens": hour,
            "output_text_tokens": text, "reasoning_tokens": reasoning,
        })  # fmt: skip
        usage = Usage(
            input_tokens=fresh + read + write + hour,
            cache_read_tokens=read,
            cache_write_tokens=write + hour,
            cache_write_1h_tokens=hour,
            output_tokens=text + reasoning,
        )
        price = calc_price(
            usage,
            model,
            provider_id=listed_provider,
            genai_request_timestamp=moment,
            price_context={"processing": "batch"} if tier == "batch" else None,
        )
        expected.append(price.total_price.quantize(Decimal("1e-10")))
    assert len(rows) >= 300
    for row, (amount, _), theirs in zip(rows, priced(rows), expected, strict=True):
        assert amount is not None and abs(amount - theirs) <= Decimal("1e-10"), row


def test_sums_do_not_depend_on_the_order_of_rows() -> None:
    days = [date(2026, 11, day) for day in range(1, 11)]
    rows = [
        {"provider": "openai", "model_logged": "gpt-4o", "input_uncached_tokens": 3 * i,
         "output_text_tokens": i, "started_at": datetime(day.year, day.month, day.day, tzinfo=UTC)}
        for i, day in enumerate(days)
    ]  # fmt: skip
    forward = sum(amount or 0 for amount, _ in priced(rows))
    backward = sum(amount or 0 for amount, _ in priced(rows[::-1]))
    assert forward == backward == Decimal("0.0007875")


def test_a_later_ingest_keeps_the_prices_of_models_it_does_not_bring(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1", model="gpt-5.4")], "one.jsonl"))
    bench.ingest(bench.write([native("r2", model="gpt-5.5")], "two.jsonl"))
    dangling = "select count(*) as n from requests anti join prices using (price_id)"
    assert bench.rows(dangling) == [{"n": 0}]
    names = "select distinct model_logged from prices order by all"
    assert [row["model_logged"] for row in bench.rows(names)] == ["gpt-5.4", "gpt-5.5"]
