"""Latency of two weeks by several groupings at once, as `logscope latency` tells it of each.

A report asks for latency by model, by region, by task and so on. One pass keeps the answered
requests of both weeks; percentiles of every grouping come from it, with intervals where a report
shows them: of the first token in this week, and in the one before for the groupings compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from logscope.config import identifier, quote
from logscope.intervals import LEAST, percentiles
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

By = tuple[str, ...]
MEASURES = {"ttft": (0.5, 0.95, 0.99), "duration": (0.5, 0.95), "tpot": (0.5, 0.95)}
WITH_INTERVAL = (0.5, 0.95)


def see_answered(connection: Any, names: Sequence[str], is_now: str) -> None:
    """Make the view `answered` of the view `selection`: the ok requests of both weeks.

    `names` are the columns to group by, `is_now` is the condition of this week.
    """
    listed = "".join(f", {identifier(name)}" for name in names)
    connection.execute(
        f"create or replace temp view answered as select {is_now} as is_now{listed}, "
        "coalesce(session_id, operation_id) as session, day, ttft_ms, duration_ms, tpot_ms "
        "from selection where status = 'ok'"
    )


def latencies(
    connection: Any, groupings: Sequence[By], bounded: Sequence[By], compared: Sequence[By]
) -> dict[tuple[By, bool], polars.DataFrame]:
    """Return a frame per grouping and week (True: this one), over the view `answered`.

    Columns: those of the grouping, then `<m>_n`, `<m>_p50_ms`, `<m>_p95_ms` for ttft, duration and
    tpot, `ttft_p99_ms`, and the ends of 95 % intervals, `ttft_p50_low_ms` and so on: NULL for
    groupings that are not `bounded`, and in the week before for those that are not `compared`. NULL
    where withheld or not logged.
    """
    found = {}
    for number, by in enumerate(groupings):
        frame = values(connection, number, by)
        if by in bounded:
            ends = interval_ends(first_tokens(connection, number, by, by in compared))
            frame = frame.join(ends, on="group_key", how="left", maintain_order="left")
        for week, part in split(frame).items():
            found[by, week] = part.drop("group_key", "is_now")
    return found


def first_tokens(connection: Any, number: int, by: By, both: bool) -> polars.DataFrame:
    """Return ttft of each answered request with its group: of this week, or of `both`."""
    return fetch(
        connection,
        f"select hash({number}, is_now{listed(by)}) as group_key, session, day, ttft_ms as ttft "
        f"from answered where ttft_ms is not null{'' if both else ' and is_now'}",
    )


def listed(by: By) -> str:
    return "".join(f", {identifier(name)}" for name in by)


def split(frame: polars.DataFrame) -> dict[bool, polars.DataFrame]:
    """Return the rows of this week (True) and of the one before (False)."""
    import polars as pl

    return {week: frame.filter(pl.col("is_now") == week) for week in (True, False)}


def values(connection: Any, number: int, by: By) -> polars.DataFrame:
    """Return exact percentiles per week and group, withheld where too few requests tell them."""
    texts = "".join(f", {identifier(name)}::varchar as {identifier(name)}" for name in by)
    counted, told = [], []
    for measure, levels in MEASURES.items():
        column = f"{measure}_ms"
        counted.append(f"count({column}) as {measure}_n")
        counted.append(f"quantile_cont({column}, {list(levels)}) as {measure}_at")
        told.append(f"{measure}_n")
        for place, level in enumerate(levels, 1):
            name = f"{measure}_p{round(level * 100)}_ms"
            told.append(
                f"case when {measure}_n >= {LEAST[level]} then {measure}_at[{place}] end as {name}"
            )
    return fetch(
        connection,
        f"select is_now{texts}, hash({number}, is_now{listed(by)}) as group_key, {', '.join(told)} "
        f"from (select is_now{listed(by)}, {', '.join(counted)} from answered "
        f"group by is_now{listed(by)}) order by is_now{listed(by)}",
    )


def interval_ends(rows: polars.DataFrame) -> polars.DataFrame:
    """Return one row per group with the ends of the intervals of the first token."""
    import polars as pl

    long = percentiles(rows, ["ttft"], WITH_INTERVAL)
    wide = long.select("group_key").unique()
    for level in WITH_INTERVAL:
        name = f"ttft_p{round(level * 100)}"
        part = long.filter(pl.col("level") == level).select(
            "group_key",
            pl.col("low").alias(f"{name}_low_ms"),
            pl.col("high").alias(f"{name}_high_ms"),
        )
        wide = wide.join(part, on="group_key", how="left")
    return wide


def is_now(boundary: Any) -> str:
    """Return the SQL condition of the week that begins at `boundary`."""
    return f"started_at >= timestamptz {quote(boundary.isoformat())}"
