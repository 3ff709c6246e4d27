"""The price book: layers, periods, tiers, and mistakes in [prices]."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from logscope.errors import UsageError
from logscope.prices import PRICES_TOML, create_prices, price_book, price_stamp
from tests.conftest import Bench, native

TABLES = PRICES_TOML.with_name("tables.sql").read_text(encoding="utf-8")


def rows(
    provider: str | None, model: str, overrides: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    return price_book([(provider, model)], overrides or {})


def price(
    provider: str | None,
    model: str,
    overrides: Mapping[str, Any] | None = None,
    day: date = date(2026, 11, 1),
    tier: str = "standard",
    tokens: int = 1000,
) -> dict[str, Any] | None:
    """Return the one row that a request of that day, tier and input size meets."""
    met = [
        row
        for row in rows(provider, model, overrides)
        if row["service_tier"] == tier
        and (row["valid_from"] or date.min) <= day < (row["valid_until"] or date.max)
        and (row["above_input_tokens"] or -1) < tokens <= (row["up_to_input_tokens"] or 1 << 62)
    ]
    assert len(met) <= 1, "periods and tiers overlap"
    return met[0] if met else None


def usd(row: dict[str, Any] | None, *keys: str) -> list[float | None]:
    assert row is not None
    return [None if row[key] is None else float(row[key]) for key in keys]


IN_OUT = ("input_usd_per_mtok", "output_usd_per_mtok")
CACHE = ("cache_read_usd_per_mtok", "cache_write_5m_usd_per_mtok", "cache_write_1h_usd_per_mtok")


def toml(text: str) -> dict[str, Any]:
    section: dict[str, Any] = tomllib.loads(text)["prices"]
    return section


# ---------- what is listed


def test_the_columns_are_those_of_the_table_contract() -> None:
    columns = "select column_name, column_type from (describe prices)"
    book, contract = duckdb.connect(), duckdb.connect()
    create_prices(book, price_book([("openai", "gpt-5.5")], {}))
    contract.execute(TABLES)
    assert book.execute(columns).fetchall() == contract.execute(columns).fetchall()
    counted = book.execute("select count(*), count(input_usd_per_mtok) from prices").fetchall()
    assert counted == [(len(rows("openai", "gpt-5.5")),) * 2]


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-5.5", [5, 30]),
        ("openai", "gpt-5.5-pro-2026-04-23", [30, 180]),
        ("openai", "gpt-5.4", [2.5, 15]),
        ("anthropic", "claude-opus-4-7-20260416", [5, 25]),
        ("anthropic", "claude-sonnet-4-6", [3, 15]),
        ("azure", "azure/gpt-5.5", [5, 30]),
        ("azure.ai.openai", "gpt-5-5", [5, 30]),
        ("vertex_ai", "claude-opus-4-7@20260416", [5, 25]),
        ("gemini", "models/gemini-2.5-pro", [1.25, 10]),
        ("bedrock", "us.anthropic.claude-sonnet-4-6-20260217-v1:0", [3.3, 16.5]),
        ("bedrock", "global.anthropic.claude-sonnet-4-6-20260217-v1:0", [3, 15]),
        ("openrouter", "openrouter/anthropic/claude-opus-4.7", [5, 25]),
        ("openrouter", "anthropic/claude-opus-4.7-fast", [30, 150]),
        ("xai", "x-ai/grok-4", [3, 15]),
        ("my-gateway", "openai/gpt-5.5", [5, 30]),
        (None, "gpt-5.5", [5, 30]),
        (None, "bedrock/eu.anthropic.claude-opus-4-7-v1", [5.5, 27.5]),
        ("anthropic", "claude-opus-4-7-fast", [30, 150]),
        ("anthropic", "claude-opus-4-8-fast", [10, 50]),
        ("openrouter", "deepseek/deepseek-r1:free", [0, 0]),
    ],
)
def test_listed_prices(provider: str | None, model: str, expected: list[float]) -> None:
    assert usd(price(provider, model), *IN_OUT) == expected


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-5.5-mini"),
        ("openai", "fake-openai-endpoint"),
        ("ollama", "gpt-5.5"),
        ("groq", "claude-opus-4-7"),
        ("bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"),
        ("openai", "whisper-1"),
        (None, ""),
    ],
)
def test_a_model_without_a_price_has_no_row(provider: str | None, model: str) -> None:
    assert rows(provider, model) == []


def test_an_input_size_tier_holds_for_the_whole_request() -> None:
    keys = (*IN_OUT, CACHE[0])
    assert usd(price("openai", "gpt-5.5", tokens=272_000), *keys) == [5, 30, 0.5]
    assert usd(price("openai", "gpt-5.5", tokens=272_001), *keys) == [10, 45, 1]
    assert usd(price("gemini", "gemini-2.5-pro", tokens=200_001), *keys) == [2.5, 15, 0.25]
    assert usd(price("anthropic", "claude-opus-4-7", tokens=900_000), *keys) == [5, 25, 0.5]


def test_a_price_holds_from_its_first_day() -> None:
    before = price("anthropic", "claude-sonnet-4-6", day=date(2026, 3, 12), tokens=300_000)
    after = price("anthropic", "claude-sonnet-4-6", day=date(2026, 3, 13), tokens=300_000)
    assert usd(before, *IN_OUT) == [6, 22.5]
    assert usd(after, *IN_OUT) == [3, 15]
    assert usd(price("openai", "gpt-5.6-luna", day=date(2026, 7, 29)), *IN_OUT) == [1, 6]
    assert usd(price("openai", "gpt-5.6-luna", day=date(2026, 7, 30)), *IN_OUT) == [0.2, 1.2]
    assert usd(price("gemini", "gemini-3.8-flash", day=date(2027, 1, 1)), *IN_OUT) == [1.5, 7.5]


def test_prices_that_are_not_published() -> None:
    assert usd(price("anthropic", "claude-opus-4-7"), *CACHE) == [0.5, 6.25, 10]
    # OpenAI asks nothing extra for cache writes before GPT-5.6.
    assert usd(price("openai", "gpt-5.5"), *CACHE) == [0.5, 5, 5]
    # A resold Claude with a 5-minute price only: an hour costs more, nobody knows how much.
    assert usd(price("openrouter", "anthropic/claude-opus-4.7"), *CACHE) == [0.5, 6.25, None]
    embedding = price("openai", "text-embedding-3-small")
    assert usd(embedding, *IN_OUT, "reasoning_usd_per_mtok") == [0.02, None, None]
    assert usd(price("perplexity", "sonar-deep-research"), "reasoning_usd_per_mtok") == [3]
    assert usd(price("openai", "gpt-realtime"), "input_audio_usd_per_mtok") == [32]
    assert usd(price("openai", "gpt-5.5"), "input_audio_usd_per_mtok") == [5]
    assert usd(price("bedrock", "anthropic.claude-opus-4-7"), "web_search_usd") == [None]


def test_off_peak_hours_split_the_day() -> None:
    hours = [
        (row["from_minute_of_day"], row["until_minute_of_day"], float(row["input_usd_per_mtok"]))
        for row in rows("deepseek", "deepseek-v4-pro")
        if row["service_tier"] == "standard" and row["valid_until"] is None
    ]
    assert hours == [(0, 60, 0.66), (60, 240, 1.32), (240, 360, 0.66), (360, 600, 1.32),
                     (600, 1440, 0.66)]  # fmt: skip


# ---------- served tiers


@pytest.mark.parametrize(
    ("provider", "model", "tier", "expected"),
    [
        ("openai", "gpt-5.5", "batch", [2.5, 15]),
        ("openai", "gpt-5.5", "flex", [2.5, 15]),
        ("openai", "gpt-5.5", "priority", [12.5, 75]),
        ("openai", "gpt-4o", "priority", [4.25, 17]),
        ("anthropic", "claude-opus-4-7", "batch", [2.5, 12.5]),
        ("azure", "gpt-5.5", "batch", [2.5, 15]),
        ("bedrock", "us.anthropic.claude-sonnet-4-6", "batch", [1.65, 8.25]),
        ("vertex_ai", "claude-sonnet-4-6", "batch", [1.5, 7.5]),
        ("gemini", "gemini-2.5-pro", "priority", [2.25, 18]),
    ],
)
@pytest.mark.parametrize("day", [date(2026, 6, 1), date(2026, 11, 1)])
def test_served_tiers(
    provider: str, model: str, tier: str, expected: list[float], day: date
) -> None:
    assert usd(price(provider, model, day=day, tier=tier), *IN_OUT) == expected


def test_a_tier_that_nobody_prices_has_no_row() -> None:
    assert price("anthropic", "claude-opus-4-7", tier="priority") is None
    assert price("azure", "gpt-5.5", tier="priority") is None


def test_each_price_of_a_tier_has_its_own_ratio() -> None:
    # Gemini's batch halves input and output, not the cache; before it was checked, too.
    for day in (date(2026, 6, 1), date(2026, 11, 1)):
        row = price("gemini", "gemini-2.5-pro", tier="batch", day=day)
        assert usd(row, *IN_OUT, CACHE[0]) == [0.625, 5, 0.125]
    row = price("openai", "gpt-5.5", tier="batch")
    assert usd(row, "web_search_usd") == [0.01]
    assert row is not None and row["source"].startswith("genai-prices ")
    earlier = price("openai", "gpt-5.5", tier="batch", day=date(2026, 6, 1))
    assert earlier is not None and "batch ratio of 2026-10-14" in earlier["source"]


# ---------- [prices] of the team


def test_a_model_that_nobody_lists() -> None:
    overrides = toml("""
        [[prices."mistral-x-2611"]]
        input = 2.0
        output = 6.0
        cache_read = 0.2
        valid_from = 2026-11-01
        [[prices."mistral-x-2611"]]
        input = 4.0
        above_input_tokens = 200000
        valid_from = 2026-11-01
        [prices.factors]
        batch = 0.4
    """)
    model = ("mistral", "mistral/mistral-x-2611", overrides)
    assert price(*model, day=date(2026, 10, 31)) is None
    assert usd(price(*model), *IN_OUT, CACHE[0]) == [2, 6, 0.2]
    assert usd(price(*model, tokens=200_001), *IN_OUT, CACHE[0]) == [4, 6, 0.2]
    assert usd(price(*model, tier="batch"), *IN_OUT) == [0.8, 2.4]
    assert price(*model, tier="flex") is None
    row = price(*model)
    assert row is not None and row["source"] == "logscope.toml"


def test_an_entry_replaces_the_prices_it_names_and_no_others() -> None:
    overrides = {"gpt-5.5": {"input": 4, "valid_from": date(2026, 9, 1)}}
    before, after = date(2026, 8, 31), date(2026, 9, 1)
    assert usd(price("openai", "gpt-5.5", overrides, before), *IN_OUT) == [5, 30]
    assert usd(price("openai", "gpt-5.5", overrides, after), *IN_OUT) == [4, 30]
    # At every input size: the listed tier of the output stays, that of the input goes.
    assert usd(price("openai", "gpt-5.5", overrides, after, tokens=300_000), *IN_OUT) == [4, 45]
    # A served tier keeps its ratio.
    assert usd(price("openai", "gpt-5.5", overrides, tier="priority"), *IN_OUT) == [10, 75]
    assert usd(price("openai", "gpt-5.5-2026-04-23", overrides), *IN_OUT) == [4, 30]
    assert usd(price("openai", "gpt-5.5-pro", overrides), *IN_OUT) == [30, 180]


def test_the_more_specific_entry_wins() -> None:
    overrides = {
        "gpt-4o-2024-05-13": {"input": 1},
        "gpt-4o": [{"input": 2}, {"input": 3, "provider": "azure.ai.openai"}],
    }
    assert usd(price("openai", "gpt-4o", overrides), "input_usd_per_mtok") == [2]
    assert usd(price("azure", "gpt-4o", overrides), "input_usd_per_mtok") == [3]
    assert usd(price("azure", "gpt-4o-2024-05-13", overrides), "input_usd_per_mtok") == [1]
    assert usd(price(None, "gpt-4o", overrides), "input_usd_per_mtok") == [2]


def test_dots_and_case_in_a_settings_file_do_not_matter() -> None:
    overrides = {"Claude-Opus-4.7": {"input": 4}}
    assert usd(price("anthropic", "claude-opus-4-7-20260416", overrides), *IN_OUT) == [4, 25]


def test_the_teams_factor_counts_before_the_listed_tier() -> None:
    overrides = {"factors": {"priority": 2}, "gpt-5.5": {"factors": {"priority": 1.5}}}
    assert usd(price("openai", "gpt-5.4", overrides, tier="priority"), *IN_OUT) == [5, 30]
    assert usd(price("openai", "gpt-5.5", overrides, tier="priority"), *IN_OUT) == [7.5, 45]


def test_own_hardware_has_the_teams_price_only() -> None:
    overrides = {"llama-3.3-70b": {"input": 0.1, "output": 0.1}}
    assert usd(price("hosted_vllm", "llama-3.3-70b", overrides), *IN_OUT) == [0.1, 0.1]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"m": {"inptu": 1}}, "unknown key 'inptu'. Did you mean input?"),
        ({"m": 3}, "must be a table"),
        ({"m": {"input": "3"}}, "input must be a number, not '3'"),
        ({"m": {"input": True}}, "input must be a number"),
        ({"m": {"input": -1}}, "between 0 and 2000"),
        ({"m": {"input": float("nan")}}, "between 0 and 2000"),
        ({"m": {"input": float("inf")}}, "between 0 and 2000"),
        ({"m": {"web_search": 10}}, "web_search = 10 must lie between 0 and 5; check the unit"),
        ({"m": {"input": 1, "valid_from": "soon"}}, "valid_from must be a day"),
        ({"m": {"input": 1, "above_input_tokens": 1.5}}, "must be a whole number"),
        ({"m": {"input": 1, "provider": 3}}, "provider must be a name"),
        ({"m": {"provider": "openai"}}, "sets no price"),
        ({"m": {"factors": {"batsh": 1}}}, "unknown tier 'batsh'. Did you mean batch?"),
        ({"factors": {"batch": "half"}}, "[prices.factors] batch must be a number"),
        ({"factors": 0.5}, "[prices.factors] must be a table"),
    ],
)
def test_a_mistake_is_one_line_with_key_reason_and_remedy(
    overrides: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        price_book([("openai", "gpt-5.5")], overrides)
    text = str(caught.value)
    assert text.startswith("logscope.toml: [prices")
    assert message in text
    assert "\n" not in text


# ---------- the book as a whole


def test_the_book_is_the_same_for_the_same_models_in_any_order() -> None:
    models = [("openai", "gpt-5.5"), (None, "gpt-5.5"), ("anthropic", "claude-opus-4-7")]
    book = price_book(models, {})
    assert book == price_book([*reversed(models), *models], {})
    ids = [row["price_id"] for row in book]
    assert len(ids) == len(set(ids))


def test_shipped_prices_say_where_they_stand() -> None:
    shipped = tomllib.loads(PRICES_TOML.read_text(encoding="utf-8"))
    entries = [*shipped["prices"].values(), *shipped["factors"].values()]
    assert len(entries) >= 5
    for entry in entries:
        assert entry["source"] and isinstance(entry["checked"], date)


def test_the_stamp_follows_the_overrides() -> None:
    same = {"m": {"input": 1, "valid_from": date(2026, 1, 1)}}
    assert price_stamp(same) == price_stamp(dict(same))
    assert price_stamp(same) != price_stamp({})
    assert price_stamp({"m": {"input": Decimal(2)}}) != price_stamp(same)


def test_the_price_data_is_loaded_only_for_a_price_book() -> None:
    code = (
        "import sys; from logscope.prices import price_stamp; price_stamp({});"
        "sys.exit('genai_prices' in sys.modules or 'pyarrow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_month_in_a_name_goes_but_its_price_is_found_by_the_name_as_logged(bench: Bench) -> None:
    """genai-prices lists `command-r-03-2024` and `-08-2024` apart where both are sold."""
    sold = [
        ("cohere", "command-a-03-2025", "command-a", 2.5 + 10),
        ("cohere", "command-r-08-2024", "command-r", 0.15 + 0.6),
        ("openrouter", "cohere/command-r-08-2024", "command-r", 0.15 + 0.6),
        ("openrouter", "cohere/command-r-03-2024", "command-r", 0.5 + 1.5),
    ]
    bench.ingest(
        bench.write([
            native(f"r{n}", provider=provider, model=name, input_tokens=10**6, output_tokens=10**6)
            for n, (provider, name, _, _) in enumerate(sold)
        ])
    )  # fmt: skip
    rows = bench.rows("select model, cost_usd from requests order by request_id")
    assert [(row["model"], float(row["cost_usd"])) for row in rows] == [
        (model, pytest.approx(usd)) for _, _, model, usd in sold
    ]


def test_the_day_of_a_price_is_in_utc_wherever_the_machine_stands(tmp_path: Path) -> None:
    """In Auckland, 13 hours ahead, it is the 2nd of November already when the price still holds."""
    (tmp_path / "logscope.toml").write_text(
        "[[prices.m]]\ninput = 1\noutput = 1\n[[prices.m]]\ninput = 3\noutput = 3\n"
        "valid_from = 2026-11-02\n"
    )
    times = ("2026-11-01T12:00:00Z", "2026-11-01T23:59:59Z", "2026-11-02T00:00:00Z")
    bench = Bench(tmp_path)
    log = bench.write([
        native(f"r{number}", model="m", provider="own", started_at=time, input_tokens=999_000,
               output_tokens=1000)
        for number, time in enumerate(times)
    ])  # fmt: skip
    command = [sys.executable, "-m", "logscope", "ingest", "--store", tmp_path / "store", log]
    environment = {**os.environ, "TZ": "Pacific/Auckland", "PYTHONPATH": str(Path.cwd())}
    subprocess.run(command, check=True, cwd=tmp_path, env=environment, capture_output=True)
    rows = bench.rows("select cost_usd from requests order by request_id")
    assert [float(row["cost_usd"]) for row in rows] == [1, 1, 3]
