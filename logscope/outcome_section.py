"""The report on how requests ended: ok, error, throttled, cancelled."""

from __future__ import annotations

from logscope import words
from logscope.page import Cell, Column, Section, Strong, Text
from logscope.sections import Columns, Row, grouped_table, one
from logscope.weeks import Weeks


def outcome_section(weeks: Weeks) -> Section | None:
    """Return the section on how requests and operations ended, or None for a week without any."""
    whole = one(weeks.rows("operation_outcomes"))
    if not whole["operations"]:
        return None
    columns: Columns = [
        (Column("requests"), lambda row, _: words.count(row["n"])),
        (Column("ok %"), lambda row, _: words.percent(row["n_ok"] / row["n"], unit=False)),
        *([(Column(f"ok % in W{weeks.number_before}"), ok_before)] if weeks.before else []),
        (Column("throttled"), lambda row, _: words.count(row["n_throttled"])),
        (Column("errors"), lambda row, _: words.count(row["n_error"])),
        (Column("cancelled"), lambda row, _: words.count(row["n_cancelled"])),
    ]
    table = grouped_table(
        weeks,
        "outcomes",
        "Requests by how they ended",
        "account",
        columns,
        ("model", "region", "task", "team"),
    )
    lead: Text = (
        Strong(words.percent(whole["n_ok"] / whole["operations"])),
        f" of {words.plural(whole['operations'], 'operation')} succeeded. "
        f"{words.plural(whole['n_retried'], 'operation')} needed more than one request"
        f" and {words.count(whole['n_saved_by_retry'])} of those came to a good end; "
        f"{words.plural(whole['n_failed'], 'operation')} failed for good and "
        f"{words.count(whole['n_cancelled'])} were cancelled by the caller.",
    )
    return Section("outcomes", "Outcomes", [lead], [table])


def ok_before(row: Row, past: Row) -> Cell:
    return Cell(words.percent(past["n_ok"] / past["n"], unit=False) if past else "", tone="quiet")
