"""Forecast: what the coming week will cost, if weeks go on to differ as they did."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from logscope.errors import NoDataError
from logscope.measures import frame, require_rows
from logscope.queries import find_query
from logscope.selection import Selection
from logscope.store import Store
from logscope.tables import create_selection

if TYPE_CHECKING:
    import polars

PAST_CHANGES = 12
LEAST_CHANGES = 3


def forecast(store: Store, selection: Selection, monday: date) -> polars.DataFrame:
    """Return what the week after the one from `monday` will cost, per group of the selection.

    Columns: those of --by, then as queries/cost/cost_forecast.sql has them. Of `selection` its
    condition, groups and time zone count. Raises NoDataError where no group has weeks enough.
    """
    return forecasts(store, selection, monday, [selection.by])[0]


def forecasts(
    store: Store, selection: Selection, monday: date, groupings: Sequence[tuple[str, ...]]
) -> list[polars.DataFrame]:
    """Return the forecast by each of several groupings; the past is read once for all of them."""
    import polars as pl

    past = history(store, selection, monday)
    query = find_query("cost_forecast")
    named = past.grouped(list(dict.fromkeys(name for by in groupings for name in by)))
    # Names of their own, because one may be called like what is asked for beside it.
    kept = {name: f"name_{i}" for i, name in enumerate(named.by)}
    columns = [f"{sql} as {kept[name]}" for name, sql in named.group_columns().items()]
    paid = [*columns, "min(started_at) as started_at", "sum(cost_usd) as cost_usd"]
    coming = []
    with closing(past.grouped(()).connect(store)) as connection:
        require_rows(connection, store)
        # The query adds up quarters of hours first; here that is done in the finest groups.
        connection.execute(
            f"create temp table paid as select {', '.join(paid)} from selection "
            "where cost_usd is not null "
            f"group by {''.join(f'{name}, ' for name in kept.values())}"
            "epoch_us(started_at) // 900000000"
        )
        for by in groupings:
            connection.execute("drop view groups; drop view selection")
            create_selection(
                connection, {name: kept[name] for name in by}, "true", "paid", kind="temp view"
            )
            found = frame(connection, query, {"tz": past.tz}, past.grouped(by))
            coming.append(found.filter(pl.col("week") == monday + timedelta(7)))
    if not any(found["low_usd"].count() for found in coming):
        raise too_short(monday)
    return coming


def too_short(monday: date) -> NoDataError:
    return NoDataError(
        f"A forecast needs {LEAST_CHANGES + 1} whole weeks in a row that cost something, up to "
        f"the one from {monday}. Read older logs too."
    )


def history(store: Store, selection: Selection, monday: date) -> Selection:
    """Return the selection of the whole weeks up to the one from `monday`.

    Raises NoDataError where the store holds too few of them for any forecast.
    """
    days = store.days()
    oldest = monday - timedelta(7 * PAST_CHANGES)
    if days:
        # A week that begins before the store does is no whole one.
        oldest = max(oldest, days[0] + timedelta(-days[0].weekday() % 7))
        if monday - oldest < timedelta(7 * LEAST_CHANGES):
            raise too_short(monday)
    zone = ZoneInfo(selection.tz)
    since, until = (
        datetime(day.year, day.month, day.day, tzinfo=zone)
        for day in (min(oldest, monday), monday + timedelta(7))
    )
    return replace(selection, since=since, until=until)
