"""Selection: which requests a question is about, and how the answer is grouped.

`--since`, `--until`, `--week`, `--where`, `--by` and `--tz` mean the same everywhere, because all of
them become two SQL views: `selection`, the requests asked for with a `group_key`, and `groups`, what
each key stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from logscope.config import column_sql, quote
from logscope.errors import NoDataError, UsageError, did_you_mean
from logscope.safe_sql import check_condition
from logscope.store import Store
from logscope.tables import create_selection, table_columns

DEFAULT_BY = ("model",)
# What shares its luck with others: a session, else an operation. For requests that were ok the
# operation is the logged one, which costs nothing to read.
CLUSTER = "hash(coalesce(session_id, logged_operation_id, request_id))"
# The kinds of requests that `logscope types` finds; what tells of them is a TypedSelection.
REQUEST_TYPE = "request_type"
# Groups that are no columns; {at} is the start in the time zone asked for.
COMPUTED = {
    "day": "{at}::date",
    "week": "strftime({at}, '%G-W%V')",
    "hour": "date_trunc('hour', {at})",
    "hour_of_day": "extract(hour from {at})",
    "weekday": "strftime({at}, '%u %a')",
    "hour_of_week": "strftime({at}, '%u %a %H:00')",
    "input_bucket": (
        "case when input_tokens is null then null when input_tokens < 1000 then '0 under 1K' "
        "when input_tokens < 4000 then '1 1K-4K' when input_tokens < 16000 then '2 4K-16K' "
        "when input_tokens < 50000 then '3 16K-50K' else '4 50K and more' end"
    ),
}


@dataclass(frozen=True)
class Selection:
    """A time range [since, until) in UTC, a condition, and the columns to group by."""

    since: datetime | None = None
    until: datetime | None = None
    where: str | None = None
    by: tuple[str, ...] = DEFAULT_BY
    tz: str = "UTC"
    typed: ClassVar[bool] = False  # whether the requests know their type

    def grouped(self, by: Sequence[str]) -> Selection:
        """Return the same requests, grouped otherwise."""
        return replace(self, by=tuple(by))

    def first_day(self) -> date | None:
        return self.since.astimezone(UTC).date() if self.since else None

    def last_day(self) -> date | None:
        return (
            (self.until - timedelta(microseconds=1)).astimezone(UTC).date() if self.until else None
        )

    def group_columns(self) -> dict[str, str]:
        """Return the columns of --by with the SQL expression of each."""
        at = local_time(self.tz)
        kinds = table_columns()["requests"]
        plain = (name for name, kind in kinds.items() if "[]" not in kind)
        known = (*plain, "in_flight", REQUEST_TYPE)
        columns = {}
        for name in self.by:
            if name == "labels":
                raise UsageError("Labels are many. Name one: label:feature.")
            if name == REQUEST_TYPE and not self.typed:
                raise UsageError(
                    "Nothing here is grouped by request_type. Name a column, such as task."
                )
            if name in COMPUTED:
                columns[name] = COMPUTED[name].format(at=at)
            elif name in known or name.removeprefix("label:") not in ("", name):
                columns[name] = column_sql(name)
            else:
                # They are too many for one line.
                hint = did_you_mean(name, (*known, *COMPUTED), " See: logscope latency --help")
                raise UsageError(f"There is no column {name!r}.{hint}")
        return columns

    def condition_sql(self) -> str:
        """Return the WHERE condition of time range and --where."""
        conditions = ["true"]
        if self.since:
            conditions.append(f"started_at >= timestamptz {quote(self.since.isoformat())}")
        if self.until:
            conditions.append(f"started_at < timestamptz {quote(self.until.isoformat())}")
        if self.where:
            conditions.append(f"({self.where})")
        return " and ".join(conditions)

    def connect(self, store: Store, alone: bool = False) -> Any:
        """Return a connection to the days needed, with `selection` and `groups` on it.

        What others made on it is not seen, what is made on it has to be temporary; `alone` is for
        those who make more than that.
        """
        columns = self.group_columns()
        open_days, kind = (store.connect, "view") if alone else (store.cursor, "temp view")
        connection = open_days(self.first_day(), self.last_day())
        if self.where:
            check_condition(connection, self.where)
        source = self.relation(store, connection)
        create_selection(connection, columns, self.condition_sql(), source, kind=kind)
        return connection

    def relation(self, store: Store, connection: Any) -> str:
        """Return the relation of which requests are selected."""
        return "requests"

    def title(self, store: Store) -> str:
        """Return the time range in words, as tables head it; without limits what the store holds."""
        zone = ZoneInfo(self.tz)
        days = store.days()
        first: date | None = self.since.astimezone(zone).date() if self.since else None
        last: date | None = None
        if self.until:
            last = (self.until - timedelta(microseconds=1)).astimezone(zone).date()
        whole_week = first and last and last - first == timedelta(6) and first.weekday() == 0
        week = f"W{first.isocalendar().week:02d}, " if whole_week and first else ""
        shown = span(first or (days[0] if days else None), last or (days[-1] if days else None))
        return f"{shown or 'no requests'} ({week}{self.tz})"


def local_time(tz: str) -> str:
    """Return the SQL of a request's start as the clocks of a time zone showed it."""
    # UTC needs no calendar, which takes ten times as long.
    utc = tz == "UTC"
    return (
        "make_timestamp(epoch_us(started_at))" if utc else f"(started_at at time zone {quote(tz)})"
    )


def span(first: date | None, last: date | None) -> str:
    """Return `9 – 15 Nov 2026` for two days, whatever they share."""
    if first is None or last is None:
        return f"from {day_name(first)}" if first else f"until {day_name(last)}" if last else ""
    if (first.year, first.month, first.day) == (last.year, last.month, last.day):
        return day_name(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} – {day_name(last)}"
    if first.year == last.year:
        return f"{first.day} {first:%b} – {day_name(last)}"
    return f"{day_name(first)} – {day_name(last)}"


def day_name(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else "?"


def select(
    since: str | None = None,
    until: str | None = None,
    week: str | None = None,
    where: str | None = None,
    by: Sequence[str] | str | None = None,
    tz: str = "UTC",
    store: Store | None = None,
) -> Selection:
    """Return the selection that the shared options describe.

    `since` and `until` are ISO days or times in `tz` (a day as `until` is included), `week` is an
    ISO week (2026-W46) or `last`: the last one with requests on its Sunday (by UTC days) or later.
    """
    try:
        if tz == "localtime":  # another zone on every machine
            raise ValueError(tz)
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"--tz {tz!r} is no time zone. Use a name such as Europe/Berlin."
        ) from error
    names = by.split(",") if isinstance(by, str) else by
    columns = (
        tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
        if names is not None
        else DEFAULT_BY
    )
    if week:
        if since or until:
            raise UsageError(
                "--week already says from when to when; leave --since and --until out."
            )
        first = week_start(week, store)
        start = datetime(first.year, first.month, first.day, tzinfo=zone)
        end = first + timedelta(7)
        return Selection(
            start, datetime(end.year, end.month, end.day, tzinfo=zone), where, columns, tz
        )
    start_time = moment(since, "--since", zone, end=False) if since else None
    end_time = moment(until, "--until", zone, end=True) if until else None
    if start_time and end_time and start_time >= end_time:
        raise UsageError(f"--since {since} is not before --until {until}. Swap them.")
    return Selection(start_time, end_time, where, columns, tz)


def moment(text: str, option: str, zone: ZoneInfo, end: bool) -> datetime:
    """Read an ISO day or time; a day as an end means its last moment."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r} is no day or time. Write 2026-11-09 or 2026-11-09T14:00."
        ) from error
    if end and is_day(text):
        value += timedelta(1)
    return value if value.tzinfo else value.replace(tzinfo=zone)


def is_day(text: str) -> bool:
    """Return whether an ISO day or time is a day: 2026-11-09, 20261109 or 2026-W46-1."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def week_start(week: str, store: Store | None) -> date:
    """Return the Monday of an ISO week, or of the last one: see `last_week`."""
    if week == "last":
        if store is None:
            raise UsageError("--week last needs a store.")
        return last_week(store.days())
    try:
        return datetime.strptime(f"{week}-1", "%G-W%V-%u").date()
    except ValueError as error:
        raise UsageError(f"--week {week!r} is no ISO week. Write 2026-W46, or last.") from error


def last_week(days: Sequence[date]) -> date:
    """Return the Monday of the last week whose Sunday is among the (UTC) days or before the last of them.

    A store with less than that gives the week of its last day: partial, and named as such.
    """
    if not days:
        raise NoDataError(
            "The store holds no requests yet. Read some with `logscope ingest FOLDER`."
        )
    last = days[-1]
    monday = last - timedelta(last.weekday())
    if last.weekday() == 6:
        return monday
    earlier = [day for day in days if day < monday]
    return earlier[-1] - timedelta(earlier[-1].weekday()) if earlier else monday


def week_name(monday: date) -> str:
    """Return the ISO name of the week that begins on `monday`."""
    return monday.strftime("%G-W%V")
