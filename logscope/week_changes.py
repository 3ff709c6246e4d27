"""Changes week on week that are no noise: percentiles under one mix, tested against their past.

A week is compared with the one before under the common mix of both (task, input size, region,
streamed or not). The change of log p50 and log p95 has as standard error the larger of two: the
one clustered by day, and the spread (root mean square) of the last changes from week to week, which
knows what days do not: that weeks differ. It is judged by t with as many degrees of freedom as
there are past changes, Holm's correction keeps the chance of a single false alarm among all groups
and percentiles at 5 %, and an alarm also needs a change of over 5 %. With fewer than four past
changes nothing is an alarm: the change is provisional. Of an alarm it is also told from which hour
of the week on, or until which, if the hours tell; so a change point is never more than an alarm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from logscope.change_points import changed_stretch
from logscope.config import identifier
from logscope.errors import UsageError, did_you_mean
from logscope.intervals import LEAST
from logscope.measures import MEASURES, require_rows
from logscope.mixes import Sample, Weighted, clustered, common_mix, influence, percentile
from logscope.runs import in_order, numbered, small, stable_order, starts_of
from logscope.selection import COMPUTED, Selection, local_time
from logscope.store import Store
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

LEVELS = (0.5, 0.95)
PAST_CHANGES = 12
LEAST_PAST = 4
LEAST_REQUESTS = 60
LEAST_DAYS = 4
ALPHA = 0.05
LEAST_CHANGE = 0.05
# What makes two requests comparable.
CELL = f"hash(task, {COMPUTED['input_bucket']}, region, stream)"

Weeks = Mapping[int, Sample]  # 0 is the week judged, 1 the week before it, and so on
Mixed = tuple[Weighted, Weighted, float]  # two weeks under one mix, and the share of their requests
Hours = NDArray[np.integer[Any]]
Samples = tuple[dict[Any, dict[int, Sample]], dict[Any, Hours]]  # by group; of the week judged


@dataclass(frozen=True)
class Change:
    """How a percentile of one group moved: logarithms, but for the share of requests compared."""

    level: float
    log_change: float
    error_by_day: float
    covered: float
    past: tuple[float, ...] = ()
    p_value: float | None = None
    p_holm: float | None = None

    @property
    def spread(self) -> float:
        """Root mean square of the past changes: how weeks differ when nothing happens."""
        return math.sqrt(sum(x * x for x in self.past) / len(self.past)) if self.past else 0.0

    @property
    def provisional(self) -> bool:
        return len(self.past) < LEAST_PAST

    @property
    def error(self) -> float:
        return max(self.error_by_day, self.spread)

    @property
    def degrees(self) -> int:
        """Degrees of freedom of t; before there is a past, those of the days of a week."""
        return LEAST_DAYS - 1 if self.provisional else len(self.past)

    @property
    def alarm(self) -> bool:
        """Whether the change is no noise, and large enough to matter."""
        slight = math.log1p(-LEAST_CHANGE) <= self.log_change <= math.log1p(LEAST_CHANGE)
        return self.p_holm is not None and self.p_holm <= ALPHA and not slight


def compared(now: Sample, before: Sample) -> Mixed | None:
    """Return two weeks under their common mix; None for too few requests, days or like requests."""
    if min(now.n, before.n) < LEAST_REQUESTS:
        return None
    mixed = common_mix(now, before)
    if mixed is None:
        return None
    for side in mixed[:2]:
        days = np.count_nonzero(np.bincount(side.sample.day))
        if side.sample.n < LEAST_REQUESTS or days < LEAST_DAYS:
            return None
    return mixed


def log_change(mixed: Mixed, level: float) -> float | None:
    """Return by how much the logarithm of a percentile differs; None where one is 0, without any."""
    now, before = (percentile(side, level) for side in mixed[:2])
    return math.log(now / before) if now and before else None


def change_of(mixed: Mixed, level: float) -> Change | None:
    """Return the change between two weeks, its error by day beside it; None if no log has it."""
    if (moved := log_change(mixed, level)) is None:
        return None
    variance = 0.0
    for side in mixed[:2]:
        days = side.sample.day
        by_day = np.bincount(days, weights=influence(side, level, log=True))
        variance += clustered(by_day, days)
    return Change(level, moved, math.sqrt(variance), mixed[2])


def week_change(now: Sample, before: Sample, level: float) -> Change | None:
    """Return the change between two weeks; None where they cannot be compared."""
    return change_of(mixed, level) if (mixed := compared(now, before)) else None


def changes_of(weeks: Weeks) -> list[Change]:
    """Return the changes of one group, each with its past, not yet judged."""
    steps = [
        compared(weeks[i], weeks[i + 1]) if i in weeks and i + 1 in weeks else None
        for i in range(PAST_CHANGES + 1)
    ]
    if steps[0] is None:
        return []
    found = []
    for level in LEVELS:
        if change := change_of(steps[0], level):
            past = (log_change(step, level) for step in steps[1:] if step)
            found.append(replace(change, past=tuple(x for x in past if x is not None)))
    return found


def judged(changes: Sequence[Change]) -> list[Change]:
    """Return the changes with their p-values, corrected over all that have enough past."""
    from scipy.special import stdtr

    tested = [i for i, change in enumerate(changes) if not change.provisional]
    p_values = {
        i: float(2 * stdtr(changes[i].degrees, -abs(changes[i].log_change) / changes[i].error))
        if changes[i].error > 0
        else float(changes[i].log_change == 0)
        for i in tested
    }
    corrected = dict(zip(tested, holm([p_values[i] for i in tested]), strict=True))
    return [
        replace(change, p_value=p_values.get(i), p_holm=corrected.get(i))
        for i, change in enumerate(changes)
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for all of them being tested (Holm 1979), in their order."""
    result, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, p_values[i] * (len(p_values) - place)))
        result[i] = highest
    return result


def history(selection: Selection, monday: date) -> Selection:
    """Return the selection of a week and of the past that its changes are judged by."""
    zone = ZoneInfo(selection.tz)
    ends = [monday - timedelta(7 * (PAST_CHANGES + 1)), monday + timedelta(7)]
    since, until = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in ends)
    return replace(selection, since=since, until=until)


def week_changes(
    store: Store, selection: Selection, monday: date, measure: str = "ttft", days: int = 7
) -> polars.DataFrame:
    """Return how p50 and p95 of a measure changed in the week from `monday`, alarms first.

    Of `selection` its condition, groups and time zone count; of every week its first `days`, for a
    week that is not over. One row per group and percentile:
    n and the percentile as logged in both weeks (ms), `change` under the common mix (0.1 is 10 %
    more) with its interval, and the verdict: alarm, quiet, provisional, or NULL where too little
    was logged to compare or a percentile is 0, which has no share; of an alarm `since` and `until`,
    in local time, NULL where the whole week or no clear part of it changed. Raises NoDataError if
    week and past are empty.
    """
    if measure not in MEASURES:
        raise UsageError(f"There is no measure {measure!r}.{did_you_mean(measure, MEASURES)}")
    past = history(selection, monday)
    local = f"date_diff('hour', timestamp '{monday.isoformat()}', {local_time(past.tz)})"
    names = "".join(
        f", any_value({sql}) as {identifier(name)}" for name, sql in past.group_columns().items()
    )
    with closing(past.connect(store)) as connection:
        connection.execute(
            f"""
                create temp table alike as
                select *, (row_number() over (order by group_key, cell) - 1)::uinteger as nth
                from (
                    select group_key, {CELL} as cell{names} from selection group by group_key, cell
                )
            """
        )
        alike = fetch(connection, "select * from alike order by nth")
        if not alike.height:
            require_rows(connection, store)
        rows = fetch(
            connection,
            f"""
                with timed as (
                    select group_key, {CELL} as cell, {measure}_ms as value, {local}::smallint as hour
                    from selection
                    where status = 'ok' and {measure}_ms is not null
                )

                select nth, value, hour from timed join alike using (group_key, cell)
            """,
        )
    return frame(weeks_of(rows, alike, days), alike, selection.by, measure, monday)


def weeks_of(rows: polars.DataFrame, alike: polars.DataFrame, days: int = 7) -> Samples:
    """Return the samples per group and week, and the hours of each group's week judged.

    `alike` tells for each `nth` of the rows, in its order, group and cell. Of every week its first
    `days` count. `hour` is counted from the start of the week judged.
    """
    nth, value, hour = (rows[name].to_numpy() for name in ("nth", "value", "hour"))
    keys, group = numbered(alike["group_key"].to_numpy())
    cells, cell = numbered(alike["cell"].to_numpy())
    # What follows from the hour is looked up as well: there are few hours.
    first = int(hour.min(initial=0))
    week, of_week = np.divmod(np.arange(first, int(hour.max(initial=0)) + 1), 7 * 24)
    day, at = (of_week // 24).astype(np.int8), hour - first
    parts = np.min_scalar_type(len(keys) * (PAST_CHANGES + 2))
    part = (group.astype(parts) * (PAST_CHANGES + 2))[nth] + (-week).astype(parts)[at]
    order = stable_order(part)
    if days < 7:
        order = order[day[at[order]] < days]
    part = part[order]
    # A place for each hour of the week and cell. Equal values come in the order of their places: in
    # which order they were read does not matter.
    places = 7 * 24 * len(cells)
    hour_at, cell_at = (small(one) for one in np.divmod(np.arange(places), len(cells)))
    day_at = (hour_at // 24).astype(np.int8)
    of_hour = (of_week * len(cells)).astype(np.min_scalar_type(places))
    found: dict[Any, dict[int, Sample]] = {}
    hours: dict[Any, Hours] = {}
    for start, end in pairwise([*starts_of(part), len(part)]):
        number, ago = divmod(int(part[start]), PAST_CHANGES + 2)
        mine = order[start:end]
        ordered, place = in_order(value[mine], of_hour[at[mine]] + cell[nth[mine]], places)
        found.setdefault(keys[number], {})[ago] = Sample(ordered, cell_at[place], day_at[place])
        if ago == 0:
            hours[keys[number]] = hour_at[place]
    return found, hours


def moments(
    change: Change, now: Sample, hours: Hours, before: Sample, monday: date
) -> tuple[datetime | None, datetime | None]:
    """Return since when and until when in the week the change was there, where the hours tell.

    What counts in an hour is the share of requests above the percentile that requests like them
    (of their cell) had in the week before. Local times; None for the ends of the week.
    """
    limit = np.full(int(max(now.cell.max(), before.cell.max())) + 1, logged(before, change.level))
    for cell in np.flatnonzero(np.bincount(before.cell) >= LEAST_REQUESTS):
        limit[cell] = np.quantile(before.value[before.cell == cell], change.level)
    end = int(hours.max()) + 1
    slow = np.bincount(hours[now.value > limit[now.cell]], minlength=end)
    found = changed_stretch(np.bincount(hours), slow)
    if found is None:
        return None, None
    # Of inside and outside, what differs more from the week before is what changed.
    usual = 1 - change.level
    span, share = (found.start, found.stop), found.share_inside
    if abs(found.share_outside - usual) > abs(share - usual):
        share = found.share_outside
        span = (found.stop if found.start == 0 else 0, found.start if found.stop == end else end)
    if (share > usual) != (change.log_change > 0):
        return None, None
    start = datetime.combine(monday, datetime.min.time())
    since, until = (start + timedelta(hours=hour) for hour in span)
    return since if span[0] > 0 else None, until if span[1] < end else None


def frame(
    found: Samples,
    groups: polars.DataFrame,
    by: Sequence[str],
    measure: str,
    monday: date,
) -> polars.DataFrame:
    """Return the answer of `week_changes` from the samples of all weeks."""
    import polars as pl

    samples, hours = found
    names = {row["group_key"]: row for row in groups.iter_rows(named=True)}
    places, changes = [], []
    for key, weeks in samples.items():
        for change in changes_of(weeks):
            places.append((key, change.level))
            changes.append(change)
    answers = dict(zip(places, judged(changes), strict=True))
    out = []
    for key, weeks in samples.items():
        for level in LEVELS:
            now, before = weeks.get(0), weeks.get(1)
            if now is None and before is None:
                continue
            told, since, until = answers.get((key, level)), None, None
            if told and told.alarm and now and before:
                since, until = moments(told, now, hours[key], before, monday)
            out.append(
                {name: names[key][name] for name in by}
                | {"measure": measure, "percentile": f"p{round(level * 100)}"}
                | {
                    "n": now.n if now else 0,
                    "n_before": before.n if before else 0,
                    "now_ms": logged(now, level),
                    "before_ms": logged(before, level),
                }
                | numbers(told)
                | {"since": since, "until": until}
            )
    schema = {name: groups.schema[name] for name in by} | SHAPE
    told_frame = pl.DataFrame(out, schema=schema, orient="row", infer_schema_length=None)
    return told_frame.sort(
        pl.col("verdict") != "alarm",
        "p_value",
        *by,
        "percentile",
        nulls_last=True,
    )


SHAPE: dict[str, Any] = {
    "measure": str,
    "percentile": str,
    "n": int,
    "n_before": int,
    "now_ms": float,
    "before_ms": float,
    "change": float,
    "low": float,
    "high": float,
    "error_from": str,
    "past_changes": int,
    "p_value": float,
    "p_holm": float,
    "covered": float,
    "verdict": str,
    "since": datetime,
    "until": datetime,
}


def logged(sample: Sample | None, level: float) -> float | None:
    """Return the percentile of a week as logged, a p95 from 60 requests on."""
    if sample is None or sample.n < LEAST[level]:
        return None
    return float(np.quantile(sample.value, level))


def numbers(change: Change | None) -> dict[str, Any]:
    """Return what a change tells, rounded; nothing where there is none."""
    if change is None:
        return {}
    from scipy.special import stdtrit

    reach = float(stdtrit(change.degrees, 0.975)) * change.error
    return {
        "change": share(change.log_change),
        "low": share(change.log_change - reach),
        "high": share(change.log_change + reach),
        "error_from": "past weeks" if change.spread > change.error_by_day else "days",
        "past_changes": len(change.past),
        "p_value": rounded(change.p_value),
        "p_holm": rounded(change.p_holm),
        "covered": rounded(change.covered),
        "verdict": "provisional" if change.provisional else "alarm" if change.alarm else "quiet",
    }


def share(log_change: float) -> float | None:
    """Return a change of logarithms as a share: 0.1 is 10 % more; None beyond all sense."""
    return round(math.expm1(log_change), 6) if log_change < 50 else None


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
