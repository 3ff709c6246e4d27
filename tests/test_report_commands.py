"""Every number of the report can be had by a command, and the page says by which."""

from __future__ import annotations

import json
import shlex
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from logscope.cli import app
from logscope.output import render
from logscope.page import Table
from logscope.store import Store
from logscope.weekly import build_report
from logscope.weeks import By, Weeks

MONDAY = date(2026, 11, 9)
# Quotes, and what a shell would take for its own.
PART = """team is distinct from 'O''Hara "$HOME" `x` \\'"""
# Commands that make something anew instead of telling what the page tells.
ACTS = ("recommend", "export")


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, (words, result.output)
    return result.output


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The demo's four weeks, with a recommendation."""
    folder = tmp_path_factory.mktemp("demo")
    logs, place = str(folder / "logs"), str(folder / "store")
    run("demo", logs, "--requests", "12000")
    run("ingest", logs, "--store", place)
    run("recommend", "--store", place, "-o", str(folder / "recommendation.json"))
    return Store(Path(place))


def rows_of(text: str, columns: list[str]) -> list[tuple[Any, ...]]:
    """Return rows of JSON in an order of their own."""
    return sorted((tuple(row[name] for name in columns) for row in json.loads(text)), key=str)


@pytest.mark.parametrize(
    ("where", "tz", "counts"),
    # A recommendation is of all requests.
    [(None, "UTC", (32, 26)), (PART, "Europe/Berlin", (29, 25))],
    ids=["all", "a part"],
)
def test_every_answer_on_the_page_is_had_by_a_command_there(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    where: str | None,
    tz: str,
    counts: tuple[int, int],
) -> None:
    answers: dict[tuple[str, By], pl.DataFrame] = {}
    ask = Weeks.ask

    def noted(
        self: Weeks, query: str, by: By, before: bool, params: dict[str, Any]
    ) -> pl.DataFrame:
        found = ask(self, query, by, before, params)
        if not before:
            answers[query, by] = found
        return found

    monkeypatch.setattr(Weeks, "ask", noted)
    report = build_report(store, MONDAY, tz, where=where)
    told = [command for table in report.tables() for command in table.commands]
    told += [decision.command for decision in report.decisions]
    commands = [shlex.split(command)[1:] for command in dict.fromkeys(told)]
    queries = [words[1] if words[0] == "query" else words[0] for words in commands]
    # What has no price is asked for to decide; then it may be nothing.
    assert {query for query, _ in answers} - {"unpriced"} <= {*queries}
    compared = set()
    for words, query in zip(commands, queries, strict=True):
        if query in ACTS:
            continue
        text = run(*words, "--format", "json", "--store", str(store.path))
        by = (
            tuple(filter(None, words[words.index("--by") + 1].split(",")))
            if "--by" in words
            else ()
        )
        # A decision's command looks closer at one group.
        whole = where in words if where and query != "records_read" else "--where" not in words
        if whole and (query, by) in answers:
            # The page shows intervals of few measures.
            answer = answers[query, by]
            shown = [name for name in answer.columns if answer[name].null_count() < answer.height]
            assert rows_of(text, shown) == rows_of(render(answer, "json"), shown)
            compared.add((query, by))
    assert {query for query, _ in compared} == {query for query, _ in answers} - {"unpriced"}
    assert (len(commands), len(compared)) == counts


def test_the_recommendation_tells_what_it_was_made_of(store: Store) -> None:
    done = CliRunner().invoke(app, ["recommend", "--store", str(store.path), "-o", "-"])
    made = json.loads(done.stdout)
    assert "Aim: lowest cost" in done.stderr and "Wrote" not in done.output
    # The demo's requests on routes, from 19 Oct on.
    n = made["trained_on"]["operations"]
    routing = next(s for s in build_report(store, MONDAY).sections if s.name == "routing")
    [table] = [part for part in routing.parts if isinstance(part, Table)]
    assert table.note.startswith(
        f"Made from {n:,} operations on routes, 19 Oct – 15 Nov 2026 (UTC). "
    )
