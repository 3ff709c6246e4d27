"""Forecast: what the coming week will cost, if weeks go on to differ as they did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from logscope.errors import NoDataError
from logscope.measures import run_query
from logscope.selection import Selection
from logscope.store import Store

if TYPE_CHECKING:
    import polars

PAST_CHANGES = 12
LEAST_CHANGES = 3


def forecast(store: Store, selection: Selection, monday: date) -> polars.DataFrame:
    """Return what the week after the one from `monday` will cost, per group of the selection.

    Columns: those of --by, then as queries/cost/cost_forecast.sql has them. Of `selection` its
    condition, groups and time zone count. Raises NoDataError where no group has weeks enough.
    """
    import polars as pl

    past = history(store, selection, monday)
    frame = run_query(store, "cost_forecast", past, {"tz": selection.tz})
    frame = frame.filter(pl.col("week") == monday + timedelta(7))
    if not frame["low_usd"].count():
        raise NoDataError(
            f"A forecast needs {LEAST_CHANGES + 1} whole weeks in a row that cost something, up to "
            f"the one from {monday}. Read older logs too."
        )
    return frame


def history(store: Store, selection: Selection, monday: date) -> Selection:
    """Return the selection of the whole weeks up to the one from `monday`."""
    days = store.days()
    oldest = monday - timedelta(7 * PAST_CHANGES)
    if days:
        # A week that begins before the store does is no whole one.
        oldest = max(oldest, days[0] + timedelta(-days[0].weekday() % 7))
    zone = ZoneInfo(selection.tz)
    since, until = (
        datetime(day.year, day.month, day.day, tzinfo=zone)
        for day in (min(oldest, monday), monday + timedelta(7))
    )
    return replace(selection, since=since, until=until)
