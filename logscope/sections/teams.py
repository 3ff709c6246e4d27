"""The report on teams: what each spent, on what, and how it was served."""

from __future__ import annotations

from typing import Any

from logscope import words
from logscope.page import Body, Cell, Column, Section, Strong, Table, Text
from logscope.sections.cost import cost_cell, cost_change, of, per_thousand
from logscope.sections.tables import Row, by_group, records
from logscope.weeks import Weeks

MOST_TEAMS = 20


def team_section(weeks: Weeks) -> Section | None:
    """Return the section on teams, or None if the logs name fewer than two."""
    rows = records(weeks.rows("account", ["team"]))
    if sum(row["team"] is not None for row in rows) < 2:
        return None
    rows.sort(key=lambda row: (-(row["cost_usd"] or 0), -row["n"], str(row["team"])))
    past = by_group(weeks.rows("account", ["team"], before=True), ["team"])
    speed = by_group(weeks.rows("latency", ["team"]), ["team"])
    labels = words.apart([row["team"] for row in rows])
    total = sum(row["cost_usd"] or 0 for row in rows)
    cost = cost_cell(total)
    body = [
        [
            Cell(labels[row["team"]]),
            cost(row, {}),
            Cell(words.percent(of(row["cost_usd"], total), unit=False)),
            *([cost_change(row, past.get((row["team"],), {}))] if weeks.before else []),
            Cell(per_thousand(row, {})),
            Cell(mostly(weeks, row), tone="quiet"),
            Cell(words.count(row["n"])),
            Cell(words.percent(row["n_ok"] / row["n"], unit=False)),
            Cell(words.ms(speed.get((row["team"],), {}).get("ttft_p95_ms"))),
        ]
        for row in rows[:MOST_TEAMS]
    ]
    columns = [
        Column("team", right=False),
        Column("cost"),
        Column("share %"),
        *([Column(f"vs W{weeks.number_before}")] if weeks.before else []),
        Column("per 1,000 requests"),
        Column("mostly", right=False, prose=True),
        Column("requests"),
        Column("ok %"),
        Column("first token p95, ms"),
    ]
    left = len(rows) - len(body)
    table = Table(
        "teams",
        "Who spent how much on what",
        columns,
        [Body("", body, f"and {left} more: {weeks.command('account', ['team'])}" if left else "")],
        [weeks.command("account", ["team"]), weeks.command("account", ["team", "task", "model"])],
        weeks.rows("account", ["team"]),
    )
    return Section("teams", "Teams", [team_lead(rows, past)], [table])


def mostly(weeks: Weeks, team: Row) -> str:
    """Return what a team spent most on: `code on claude-opus-4-7, 62 %`."""
    rows = [
        row
        for row in records(weeks.rows("account", ["team", "task", "model"]))
        if row["team"] == team["team"] and row["cost_usd"]
    ]
    if not rows or not team["cost_usd"]:
        return ""
    top = max(rows, key=lambda row: (row["cost_usd"], str(row["task"]), str(row["model"])))
    share = words.percent(top["cost_usd"] / team["cost_usd"])
    task = "" if top["task"] is None else f"{words.name(top['task'])} on "
    return f"{task}{words.name(top['model'])}, {share}"


def team_lead(rows: list[dict[str, Any]], past: dict[tuple[Any, ...], dict[str, Any]]) -> Text:
    """Say whose cost rose most."""
    gains = [
        (row["cost_usd"] - (past.get((row["team"],), {}).get("cost_usd") or 0), row)
        for row in rows
        if row["cost_usd"] and row["team"] is not None and (row["team"],) in past
    ]
    if not gains:
        return ()
    gain, row = max(gains, key=lambda item: (item[0], str(item[1]["team"])))
    if gain <= 0:
        return ("No team spent more than the week before.",)
    return (
        "The largest rise was that of ",
        Strong(words.name(row["team"])),
        f": {words.signed(words.money(gain), gain)} to {words.money(row['cost_usd'])}.",
    )
