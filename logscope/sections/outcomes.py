"""The report on how requests ended: ok, error, throttled, cancelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from logscope import charts, words
from logscope.page import Cell, Column, Figure, Section, Strong, Text
from logscope.sections.tables import Columns, Row, grouped_table, one, plain_table, records
from logscope.weeks import Weeks

LEAST_FAILED = 20


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
        ("model", "region", "task"),
    )
    table = replace(table, commands=[weeks.command("operation_outcomes"), *table.commands])
    saved, retried = whole["n_saved_by_retry"], whole["n_retried"]
    ended = "all" if saved == retried else words.count(saved)
    lead: Text = (
        Strong(words.percent(whole["n_ok"] / whole["operations"])),
        f" of {words.plural(whole['operations'], 'operation')} succeeded. "
        + (
            f"{words.plural(retried, 'operation')} needed more than one request and {ended} of "
            "those came to a good end; "
            if retried
            else "None needed more than one request; "
        )
        + f"{words.plural(whole['n_failed'], 'operation')} failed for good and "
        f"{words.count(whole['n_cancelled'])} were cancelled by the caller.",
    )
    figure = hours_figure(weeks)
    return Section("outcomes", "Outcomes", [lead], [*([figure] if figure else []), table])


def hours_figure(weeks: Weeks) -> Figure | None:
    """Return when requests were throttled or failed, hour by weekday; None if hardly any was."""
    import polars as pl

    rows = records(weeks.rows("account", ["hour"]))
    if sum(row["n_throttled"] + row["n_error"] for row in rows) < LEAST_FAILED:
        return None
    days = [words.weekday(weeks.monday + timedelta(i)) for i in range(7)]
    frame = pl.DataFrame(
        [
            {
                "day": days[weeks.hour_of_week(row["hour"]) // 24],
                "hour": row["hour"].hour,
                "failed": row["n_throttled"] + row["n_error"],
                "n": row["n"],
                "share": (row["n_throttled"] + row["n_error"]) / row["n"],
            }
            for row in sorted(rows, key=lambda row: row["hour"])
        ]
    )
    worst = frame.sort("failed", descending=True, maintain_order=True).row(0, named=True)
    table = plain_table(
        "outcome_hours",
        "Throttled and failed by hour",
        frame.filter(pl.col("failed") > 0),
        {
            "day": ("day", words.name),
            "hour": ("hour", words.count),
            "failed": ("throttled or failed", words.count),
            "n": ("of requests", words.count),
            "share": ("share", words.percent),
        },
        [weeks.command("account", ["hour"])],
    )
    return Figure(
        "outcome_hours",
        "When to move batch work away",
        f"Requests throttled or failed, by hour ({weeks.tz}). The darker, the more.",
        f"Most in one hour: {worst['failed']:,} of {worst['n']:,} requests, {worst['day']}, "
        f"{worst['hour']}:00.",
        charts.outcome_hours(frame, days),
        charts.outcome_hours(frame, days, narrow=True),
        table,
    )


def ok_before(row: Row, past: Row) -> Cell:
    return Cell(words.percent(past["n_ok"] / past["n"], unit=False) if past else "", tone="quiet")
