"""A week and the one before it: which requests they hold, and the named queries over both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from logscope.errors import NoDataError
from logscope.measures import latency, run_query
from logscope.selection import Selection, span, week_name
from logscope.store import Store, create_selection

if TYPE_CHECKING:
    import polars

WEEK = timedelta(7)


@dataclass(frozen=True)
class OpenSelection(Selection):
    """A selection that keeps its connection open, because a report asks it many questions."""

    connection: Any = None

    def connect(self, store: Store, memory_limit: str | None = None) -> Any:
        """Return a cursor on the open connection with `selection` and `groups` as grouped now."""
        cursor = self.connection.cursor()
        cursor.execute("set TimeZone = 'UTC'")
        cursor.execute("drop view if exists groups; drop view if exists selection")
        create_selection(cursor, self.group_columns(), self.condition_sql())
        return cursor


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
    this: Selection = field(init=False)
    before: Selection | None = field(init=False)
    answers: dict[tuple[Any, ...], polars.DataFrame] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.this = self.period(self.monday, 7)
        stored = self.store.days()
        seen = self.days_with_requests()
        later = bool(stored) and stored[-1] > self.monday + timedelta(7)
        end = self.monday + timedelta(6) if later or not seen else max(seen)
        length = (end - self.monday).days + 1
        self.days = [self.monday + timedelta(i) for i in range(length)]
        self.empty_days = [day for day in self.days if day not in seen]
        covered = bool(stored) and stored[0] <= self.monday - WEEK
        self.before = self.period(self.monday - WEEK, length) if covered and seen else None

    def period(self, first: date, length: int) -> Selection:
        """Return the requests of `length` local days."""
        zone = ZoneInfo(self.tz)
        last = first + timedelta(length)
        start = datetime(first.year, first.month, first.day, tzinfo=zone)
        end = datetime(last.year, last.month, last.day, tzinfo=zone)
        period = OpenSelection(start, end, self.where, (), self.tz)
        return replace(period, connection=Selection.connect(period, self.store))

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
    def partial(self) -> bool:
        """Whether the store ends before the week does."""
        return len(self.days) < 7

    @property
    def span(self) -> str:
        """The days in words: 9 – 15 Nov 2026."""
        return span(self.monday, self.monday + timedelta(6))

    def rows(
        self, query: str, by: Sequence[str] = (), before: bool = False, **params: Any
    ) -> polars.DataFrame:
        """Return the rows of a named query for the week or the one before; none if that has none.

        Raises NoDataError for a week without a request.
        """
        key = (query, tuple(by), before, tuple(sorted(params.items())))
        if key not in self.answers:
            self.answers[key] = self.ask(query, by, before, params)
        return self.answers[key]

    def ask(
        self, query: str, by: Sequence[str], before: bool, params: dict[str, Any]
    ) -> polars.DataFrame:
        selection = self.before if before else self.this
        if selection is None:
            return self.rows(query, by, **params).clear()
        try:
            if query == "latency":
                return latency(self.store, selection.grouped(by))
            return run_query(self.store, query, selection.grouped(by), params)
        except NoDataError:
            if not before:
                raise
            return self.rows(query, by, **params).clear()

    def command(self, query: str, by: Sequence[str] = (), **params: Any) -> str:
        """Return the command that gives the rows of the week."""
        words = ["logscope", query] if query == "latency" else ["logscope query", query]
        words += [f"-p {key}={value}" for key, value in params.items()]
        if by:
            words.append(f"--by {','.join(by)}")
        words.append(f"--week {self.name}")
        if self.tz != "UTC":
            words.append(f"--tz {self.tz}")
        if self.where:
            words.append(f'--where "{self.where}"')
        return " ".join(words)
