"""A week and the one before it: which requests they hold, and the named queries over both.

A report asks many questions of the same requests. What can be added up is asked once, in the finest
cells that any table needs, and summed up from there; latency is read once for all groupings. The
numbers are those that the named queries give.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from logscope import words
from logscope.errors import NoDataError
from logscope.kept import is_plain, keep, keep_in_flight, see_kept, serves, words_of
from logscope.latencies import MEASURES, By, fetch_answered, is_now, latencies
from logscope.measures import run_query
from logscope.queries import find_queries
from logscope.selection import Selection, span, week_name
from logscope.store import Store
from logscope.tables import create_selection, fetch

if TYPE_CHECKING:
    import polars

WEEK = timedelta(7)
CELLS: By = ("hour", "model", "region", "task", "team", "format")
GROUPINGS: tuple[By, ...] = ((), ("model",), ("region",), ("task",), ("team",), ("model", "region"))
BOUNDED: tuple[By, ...] = ((), ("model",), ("region",), ("task",), ("model", "region"))
COMPARED: tuple[By, ...] = (("model", "region"),)


@dataclass(frozen=True)
class OpenSelection(Selection):
    """A selection that keeps its connection open, because a report asks it many questions."""

    connection: Any = None
    kept: bool = False
    in_flight: bool = False
    source: str = "requests"

    def connect(self, store: Store, alone: bool = False) -> Any:
        """Return a cursor on the open connection with `selection` and `groups` as grouped now."""
        cursor = self.connection.cursor()
        self.see(cursor)
        return cursor

    def see(self, connection: Any) -> None:
        """Make `selection` and `groups` on a connection those of this selection."""
        connection.execute("drop view if exists groups; drop view if exists selection")
        if self.kept:
            condition = replace(self, where=None).condition_sql()
            see_kept(connection, self.group_columns(), condition, self.in_flight)
        else:
            create_selection(connection, self.group_columns(), self.condition_sql(), self.source)


@dataclass
class Weeks:
    """The week that begins on `monday` in `tz`, and as many days of the week before.

    `days` are the local days from Monday to the last one that the store covers, `empty_days` those
    among them without a request. `before` is None where the store begins later than that week.
    """

    store: Store
    monday: date
    tz: str = "UTC"
    where: str | None = None
    days: list[date] = field(init=False)
    empty_days: list[date] = field(init=False)
    this: OpenSelection = field(init=False)
    before: OpenSelection | None = field(init=False)
    answers: dict[tuple[Any, ...], polars.DataFrame] = field(init=False, default_factory=dict)
    counted: bool = field(init=False, default=False)
    source: str = field(init=False)

    def __post_init__(self) -> None:
        whole = self.period(self.monday - WEEK, 14)
        # One connection for both weeks, opened as any selection is.
        connection = Selection.connect(whole, self.store, alone=True)
        self.source = keep(connection, self.where)
        self.this = replace(self.period(self.monday, 7), connection=connection)
        self.before = None
        stored = self.store.days()
        seen = self.days_with_requests()
        later = bool(stored) and stored[-1] > self.monday + timedelta(7)
        end = self.monday + timedelta(6) if later or not seen else max(seen)
        length = (end - self.monday).days + 1
        self.days = [self.monday + timedelta(i) for i in range(length)]
        self.empty_days = [day for day in self.days if day not in seen]
        if seen and stored[0] <= self.monday - WEEK:
            self.before = replace(self.period(self.monday - WEEK, length), connection=connection)

    def period(self, first: date, length: int) -> OpenSelection:
        """Return the requests of `length` local days."""
        zone = ZoneInfo(self.tz)
        last = first + timedelta(length)
        start = datetime(first.year, first.month, first.day, tzinfo=zone)
        end = datetime(last.year, last.month, last.day, tzinfo=zone)
        return OpenSelection(start, end, self.where, (), self.tz)

    def days_with_requests(self) -> list[date]:
        """Return the local days of the week that have a request, in order; maybe none."""
        try:
            return sorted(self.rows("account", ["day"])["day"].to_list())
        except NoDataError:
            return []

    @property
    def empty(self) -> bool:
        """Whether the week has no request at all."""
        return len(self.empty_days) == len(self.days)

    @property
    def name(self) -> str:
        """The ISO name: 2026-W46."""
        return week_name(self.monday)

    @property
    def number(self) -> int:
        return self.monday.isocalendar().week

    @property
    def number_before(self) -> int:
        return (self.monday - WEEK).isocalendar().week

    @property
    def number_after(self) -> int:
        return (self.monday + WEEK).isocalendar().week

    @property
    def partial(self) -> bool:
        """Whether the store ends before the week does."""
        return len(self.days) < 7

    @property
    def span(self) -> str:
        """The days in words: 9 – 15 Nov 2026."""
        return span(self.monday, self.monday + timedelta(6))

    def models_by_age(self) -> list[str]:
        """Return the names of all models of the store, that of the first day first."""
        rows = self.this.connection.cursor().execute(
            "select model from stored_requests where model is not null "
            "group by model order by min(day), model"
        )
        return list(dict.fromkeys(words.name(model) for (model,) in rows.fetchall()))

    def hour_of_week(self, hour: datetime) -> int:
        """Return how many hours after Monday 0:00 a local hour of the week lies."""
        days: int = (hour.date() - self.monday).days
        return days * 24 + hour.hour

    def moment(self, hour: int) -> datetime:
        """Return the local hour that lies so many hours after Monday 0:00."""
        return datetime.combine(self.monday, time()) + timedelta(hours=hour)

    def rows(
        self, query: str, by: Sequence[str] = (), before: bool = False, **params: Any
    ) -> polars.DataFrame:
        """Return the rows of a named query for the week or the one before; none if that has none.

        Raises NoDataError for a week without a request.
        """
        key = (query, tuple(by), before, tuple(sorted(params.items())))
        if key not in self.answers:
            self.answers[key] = self.ask(query, tuple(by), before, params)
        return self.answers[key]

    def ask(self, query: str, by: By, before: bool, params: dict[str, Any]) -> polars.DataFrame:
        selection = self.before if before else self.this
        if query == "latency":
            return self.latency(by, before)
        if selection is None:
            return self.rows(query, by, **params).clear()
        if query == "account" and by != CELLS and {*by} <= {*CELLS, "day"}:
            return summed(self.rows("account", CELLS, before), by)
        try:
            asked = replace(
                selection,
                by=by,
                kept=serves(query, by),
                in_flight=self.loaded(query),
                source=self.source if is_plain(query, by) else "requests",
            )
            return run_query(self.store, query, asked, params)
        except NoDataError:
            if not before:
                raise
            return self.rows(query, by, **params).clear()

    def loaded(self, query: str) -> bool:
        """Return whether a named query asks for requests in flight; they are counted only then."""
        asked = "in_flight" in words_of(query)
        if asked and not self.counted:
            keep_in_flight(self.this.connection, self.this.since)
            self.counted = True
        return asked

    def latency(self, by: By, before: bool) -> polars.DataFrame:
        """Return latency by group, the largest first; intervals for the first token alone."""
        import polars as pl

        counts = self.rows("account", by, before).select(*by, "n", "n_ok")
        times = self.latencies[by, not before]
        joined = (
            counts.join(times, on=list(by), how="left", nulls_equal=True, maintain_order="left")
            if by
            else counts.join(times, how="cross")
        )
        return joined.with_columns(pl.col(f"{measure}_n").fill_null(0) for measure in MEASURES)

    @cached_property
    def latencies(self) -> dict[tuple[By, bool], polars.DataFrame]:
        """The latency of both weeks by every grouping that a report shows."""
        connection = self.this.connection
        both = self.this if self.before is None else replace(self.this, since=self.before.since)
        replace(both, kept=True).see(connection)

        def read(day: str) -> polars.DataFrame:
            with connection.cursor() as own:
                return fetch_answered(own, is_now(self.this.since), day)

        files = self.store.files("requests", both.first_day(), both.last_day())
        days = sorted({file.day for file in files if file.day})
        columns = dict.fromkeys(name for by in GROUPINGS for name in by)
        listed = ", ".join(f"{name}::varchar as {name}" for name in columns)
        names = fetch(connection, f"select {listed} from kept_names order by nth")
        return latencies(read, days, names, GROUPINGS, BOUNDED, COMPARED if self.before else ())

    def command(self, query: str, by: Sequence[str] = (), where: str | None = None) -> str:
        """Return the command that gives the rows of the week, or of those for which `where` holds.

        It can be pasted into a shell, whatever the names in it.
        """
        named = query.split()[0] not in ("latency", "traffic", "cost")
        parts = ["logscope query" if named else "logscope", query]
        asked = find_queries().get(query)
        if by:
            parts.append(f"--by {','.join(by)}")
        elif asked and "group_key" in asked.sql:
            parts.append('--by ""')
        parts.append(f"--week {self.name}")
        if self.tz != "UTC":
            parts.append(f"--tz {self.tz}")
        conditions = [condition for condition in (self.where, where) if condition]
        if len(conditions) > 1:
            conditions = [f"({condition})" for condition in conditions]
        if conditions:
            parts.append(f"--where {in_shell(' and '.join(conditions))}")
        return " ".join(parts)


def in_shell(text: str) -> str:
    """Return a text as one word of a shell's command, in the quotes that are easier to read."""
    return shlex.quote(text) if set(text) & {*'"$`\\!'} else f'"{text}"'


def summed(cells: polars.DataFrame, by: By) -> polars.DataFrame:
    """Return cells summed up by fewer columns, the largest first; nothing known sums to unknown."""
    import polars as pl

    numbers = [name for name in cells.columns if name not in CELLS]
    if "day" in by:
        cells = cells.with_columns(day=pl.col("hour").dt.date())
    sums = [
        pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in numbers
    ]
    if not by:
        return cells.select(sums)
    order = ["n", *by]
    downwards = [True] + [False] * len(by)
    return cells.group_by(by).agg(sums).sort(order, descending=downwards, nulls_last=True)
