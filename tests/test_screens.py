"""What a person reads: short where there is much, whole where it counts."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from logscope.accounting import FormatCount, IngestResult
from logscope.cli import app
from logscope.output import Terminal, cell, fitted, render, text_table
from logscope.queries import find_queries, list_queries
from logscope.screens import MOST_FORMATS, cost_table, forecast_table, ingest_summary, query_list
from tests.conftest import Bench, native


def test_the_list_of_queries_names_each_under_its_area() -> None:
    lines = query_list(list_queries()).splitlines()
    areas = [line for line in lines if not line.startswith(" ")][:-1]
    assert areas == sorted({query.path.parent.name for query in find_queries().values()})
    names = {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "}
    assert names == set(find_queries()) and len(names) >= 40


def test_a_narrow_terminal_gets_the_rest_of_a_table_below(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    header, rows = ["model", "n", "p50", "p95"], [["opus", "12", "1,023", "4,230"]]
    right = [False, True, True, True]
    whole = "model   n    p50    p95\nopus   12  1,023  4,230\n"
    assert text_table(header, rows, right, 1) == whole
    monkeypatch.setattr(Terminal, "columns", 23)
    assert text_table(header, rows, right, 1) == whole
    # Seventeen columns hold the model, n and p50; the model comes again beside p95.
    monkeypatch.setattr(Terminal, "columns", 17)
    parts = text_table(header, rows, right, 1).split("\n\n")
    assert parts == ["model   n    p50\nopus   12  1,023", "model    p95\nopus   4,230\n"]
    assert fitted("a long line of words here") == "a long line of\n  words here"
    assert fitted("  an indented line of words") == "  an indented\n    line of words"


def test_what_tells_rows_apart_stands_in_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def heads(columns: int, by: list[str], **values: list[Any]) -> list[list[str]]:
        monkeypatch.setattr(Terminal, "columns", columns)
        parts = str(render(pl.DataFrame(values), "table", by=by)).split("\n\n")
        return [part.splitlines()[0].split() for part in parts]

    # A name behind a number; a group that is a number; one row, which needs nothing.
    rows = {"p95": [400, 500], "mean": [100, 200]}
    named = heads(23, [], cluster=[1, 2], name=["a", "b"], **rows)
    assert named == [["cluster", "name", "p95"], ["cluster", "name", "mean"]]
    assert heads(10, ["hour"], hour=[9, 10], **rows) == [["hour", "p95"], ["hour", "mean"]]
    assert heads(8, [], p95=[400], mean=[100]) == [["p95"], ["mean"]]
    # Two rows that nothing tells apart stay whole.
    assert heads(8, [], **rows) == [["p95", "mean"]]


def test_an_unknown_group_is_named_and_other_unknowns_are_a_dash() -> None:
    frame = pl.DataFrame({"team": ["a", None], "p95_ms": [None, 2.0]})
    assert str(render(frame, "table", by=["team"])).splitlines()[1:] == [
        "a               –",
        "(unknown)    2.00",
    ]


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        ("1234.5000000000", "1,234.50"),
        ("16.3765", "16.38"),
        ("0.0012345", "0.00123"),
    ],
)
def test_money_keeps_its_cents(money: str, shown: str) -> None:
    assert cell(Decimal(money)) == shown


def test_a_named_query_names_unknown_groups_in_every_format(bench: Bench) -> None:
    bench.ingest(bench.write([native("r", region=None)]))
    for words in (["query", "first_token", "--by", "region"], ["latency", "--like", "otel"]):
        for format in ("table", "md"):
            given = [*words, "--by", "region", "--format", format, "--store", str(bench.logs.path)]
            told = CliRunner().invoke(app, given).stdout
            assert "(unknown)" in told, given
            assert told.endswith("--format json\n") == (format == "table")


def test_what_nobody_has_a_price_for_is_not_free(bench: Bench) -> None:
    free = native("free", input_tokens=0, output_tokens=0)
    bench.ingest(bench.write([native("unknown", model="nobody-sells-this"), free]))
    heads = {
        where: cost_table(bench.logs.cost(where=where), ["model"], "All").splitlines()[0]
        for where in ("cost_usd is null", "cost_usd = 0")
    }
    assert heads == {
        "cost_usd is null": "All · 1 request · cost unknown",
        "cost_usd = 0": "All · 1 request · $0.00",
    }


def test_only_the_largest_formats_are_told_one_by_one(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")]))
    counts = tuple(FormatCount(f"format_{i:02}", 2, 100 - i, None, None) for i in range(13))
    result = IngestResult(files=26, formats=counts)
    lines = ingest_summary(result, bench.logs.store).splitlines()
    told = [line.split() for line in lines if line.startswith("  format_")]
    assert [words[0] for words in told] == [count.name for count in counts[:MOST_FORMATS]]
    # 90 + 89 + 88 records in three formats of two files each
    assert lines[1 + MOST_FORMATS].split()[:6] == ["3", "more", "6", "files", "267", "records"]


def test_numbers_are_written_with_a_stated_precision() -> None:
    frame = pl.DataFrame(
        {
            "tokens": pl.Series([Decimal(1486172)], dtype=pl.Decimal(38, 0)),
            "cost_usd": pl.Series([Decimal("0.0846980000")], dtype=pl.Decimal(18, 10)),
            "ttft_p50_ms": [1022.5939999999999],
        }
    )
    assert json.loads(render(frame, "json")) == [
        {"tokens": 1486172, "cost_usd": 0.084698, "ttft_p50_ms": 1022.594}
    ]
    assert '"tokens": 1486172,' in str(render(frame, "json"))
    assert str(render(frame, "csv")).endswith("1022.594\n")


def test_a_forecast_goes_on_below_with_its_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {
        "model": ["claude-opus-4-7", "gpt-5.5"],
        "week": [date(2026, 11, 16)] * 2,
        "forecast_usd": [120.5, 30.25],
        "low_usd": [100.0, None],
        "high_usd": [145.2, None],
        "past_changes": [5, 1],
    }
    monkeypatch.setattr(Terminal, "columns", 36)
    lines = forecast_table(pl.DataFrame(rows), ["model"]).splitlines()[1:]
    table = lines[: next(i for i, line in enumerate(lines) if line.startswith("cost ="))]
    assert max(len(line) for line in table) <= 36
    for model in rows["model"]:
        mine = " ".join(line for line in table if line.startswith(model))
        assert mine.count(model) > 1
    assert "too few changes" in "\n".join(table)
