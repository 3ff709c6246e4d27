"""Sections of the report: the numbers of two weeks as tables and charts that are ready to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from logscope import words
from logscope.page import Body, Cell, Column, Table
from logscope.weeks import Weeks

if TYPE_CHECKING:
    import polars

Row = Mapping[str, Any]
Columns = Sequence[tuple[Column, Callable[[Row, Row], Cell | str]]]
MOST_ROWS = 12
DIMENSIONS = ("model", "region", "task")


def records(frame: polars.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows with decimals as floats: sums are exact, what is shown need not be."""
    import polars as pl
    import polars.selectors as cs

    return frame.with_columns(cs.decimal().cast(pl.Float64)).to_dicts()


def one(frame: polars.DataFrame) -> dict[str, Any]:
    """Return the only row of a frame, all unknown if there is none."""
    rows = records(frame)
    return rows[0] if rows else dict.fromkeys(frame.columns)


def dimensions(weeks: Weeks, names: Sequence[str] = DIMENSIONS) -> list[str]:
    """Return the columns of which the week knows at least one value."""
    found = []
    for name in names:
        frame = weeks.rows("account", [name])
        if frame[name].drop_nulls().len():
            found.append(name)
    return found


def by_group(frame: polars.DataFrame, by: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return rows by the values of their group."""
    return {tuple(row[name] for name in by): row for row in records(frame)}


def grouped_table(
    weeks: Weeks,
    name: str,
    title: str,
    query: str,
    columns: Columns,
    names: Sequence[str] = DIMENSIONS,
    note: str = "",
) -> Table:
    """Return one table with a body per dimension; the largest groups of each, the rest counted.

    Each column comes with the function that writes a cell from a row of the week and the same
    group's row of the week before (empty if there is none).
    """
    import polars as pl

    bodies, frames = [], []
    for dimension in dimensions(weeks, names):
        frame = weeks.rows(query, [dimension])
        past = by_group(weeks.rows(query, [dimension], before=True), [dimension])
        rows = records(frame)
        labels = words.apart([row[dimension] for row in rows])
        shown = [
            [
                Cell(labels[row[dimension]]),
                *(show(row, past.get((row[dimension],), {})) for _, show in columns),
            ]
            for row in rows[:MOST_ROWS]
        ]
        left = len(rows) - len(shown)
        more = f"and {left} more: {weeks.command(query, [dimension])}" if left else ""
        bodies.append(Body(f"by {dimension}", shown, more))
        frames.append(
            frame.select(
                pl.lit(dimension).alias("by"),
                pl.col(dimension).cast(str).alias("group"),
                pl.exclude(dimension),
            )
        )
    heads = [Column("group", right=False), *(column for column, _ in columns)]
    commands = [
        weeks.command(query, by) for by in ((), *((name,) for name in dimensions(weeks, names)))
    ]
    rows_of_all = pl.concat(frames) if frames else weeks.rows(query)
    return Table(name, title, heads, bodies, commands, rows_of_all, note)


def plain_table(
    name: str,
    title: str,
    frame: polars.DataFrame,
    columns: Mapping[str, tuple[str, Callable[[Any], str]]],
    commands: Sequence[str],
    most: int = 200,
) -> Table:
    """Return the table behind a chart: columns as titled, each value written by a function."""
    heads = [Column(title, right=show is not words.name) for title, show in columns.values()]
    rows = [
        [Cell(show(row[key])) for key, (_, show) in columns.items()]
        for row in records(frame.head(most))
    ]
    left = frame.height - len(rows)
    more = f"and {left} more rows" if left > 0 else ""
    return Table(name, title, heads, [Body("", rows, more)], commands, frame)


def tone_of(value: float | None, good_is_up: bool, least: float = 0.0005) -> str:
    """Return how a change reads: better, worse, or nothing of note."""
    if value is None or abs(value) < least:
        return ""
    return "better" if (value > 0) == good_is_up else "worse"
