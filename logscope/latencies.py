"""Latency of two weeks by several groupings at once, as `logscope latency` tells it of each.

A report asks for latency by model, by region, by task and so on. The answered requests of both weeks
are read once and sorted once, within the finest parts there are (`runs`); percentiles of every
grouping come from that, with intervals where a report shows them: of the first token in this week,
and in the one before for the groupings compared. What an interval is stands in `intervals`.

Requests are taken some hundred thousand at a time, day by day or by the hash of their session, so
that they stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from logscope.config import quote
from logscope.intervals import (
    THREADS,
    ClusterSums,
    cluster_sums,
    effective_sizes,
    percentile,
    told,
)
from logscope.runs import Groups, Numbers, Runs, Values, small, stable_order, starts_of
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

By = tuple[str, ...]
MEASURES = {"ttft": (0.5, 0.95, 0.99), "duration": (0.5, 0.95), "tpot": (0.5, 0.95)}
WITH_INTERVAL = (0.5, 0.95)
# The first bits of a session's hash name its part; as many parts are taken together as have so many
# requests.
PART_BITS = 6
AT_ONCE = 1 << 17


def fetch_answered(connection: Any, is_now: str, day: str) -> polars.DataFrame:
    """Return the ok requests that the view `selection` has of a UTC day: names, session and times.

    `nth` is the place of a request's names among those kept, `is_now` is the condition of this week.
    """
    return fetch(
        connection,
        f"select nth, {is_now} as is_now, coalesce(session_id, operation_id) as session, "
        f"ttft_ms, duration_ms, tpot_ms from selection where status = 'ok' and day = date '{day}'",
    )


def is_now(boundary: Any) -> str:
    """Return the SQL condition of the week that begins at `boundary`."""
    return f"started_at >= timestamptz {quote(boundary.isoformat())}"


def latencies(
    read: Callable[[str], polars.DataFrame],
    days: Sequence[str],
    names: polars.DataFrame,
    groupings: Sequence[By],
    bounded: Sequence[By],
    compared: Sequence[By],
) -> dict[tuple[By, bool], polars.DataFrame]:
    """Return a frame per grouping and week (True: this one) of the requests of some UTC days.

    `read` gives the rows of `fetch_answered`, of two days at once. `names` has a row for each `nth`,
    in their order, with the columns of the groupings.
    Columns: those of the grouping, then `<m>_n`, `<m>_p50_ms`, `<m>_p95_ms` for ttft, duration and
    tpot, `ttft_p99_ms`, and the ends of 95 % intervals, `ttft_p50_low_ms` and so on: NULL for
    groupings that are not `bounded`, and in the week before for those that are not `compared`. NULL
    where withheld or not logged.
    """
    import polars as pl

    with ThreadPoolExecutor(THREADS) as threads:
        answered = Answered.of(read, days, names, threads)

        def frame_of(by: By) -> polars.DataFrame:
            weeks = [True, False] if by in compared else [True]
            return answered.frame(by, weeks if by in bounded else [])

        frames = dict(zip(groupings, threads.map(frame_of, groupings), strict=True))
    return {
        (by, week): frame.filter(pl.col("is_now") == week).drop("is_now")
        for by, frame in frames.items()
        for week in (True, False)
    }


@dataclass(frozen=True)
class Answered:
    """The answered requests of two weeks, sorted within runs of one day and one cell.

    A cell is all that the groupings can tell apart; `cells` has a row for each, with `is_now` and
    the names. Each day has a run of each cell, in their order.
    """

    cells: polars.DataFrame
    measures: Mapping[str, Runs]
    sessions: Mapping[bool, Sequence[Sessions]]

    @classmethod
    def of(
        cls,
        read: Callable[[str], polars.DataFrame],
        days: Sequence[str],
        names: polars.DataFrame,
        threads: ThreadPoolExecutor,
    ) -> Answered:
        """Read the days and sort their requests."""
        cell_of, cells = cells_of(names)
        parts = [*threads.map(lambda day: Day.of(read(day), cell_of, cells.height), days)]
        measures = threads.map(
            lambda measure: Runs.joined([part.measures[measure] for part in parts]), MEASURES
        )
        cuts = [(week, cut) for week in (True, False) for cut in cuts_of(parts, week)]
        sessions = threads.map(
            lambda cut: Sessions.of([part.between(*cut[1]) for part in parts]), cuts
        )
        of_week: dict[bool, list[Sessions]] = {True: [], False: []}
        for (week, _), part in zip(cuts, sessions, strict=True):
            of_week[week].append(part)
        return cls(cells, dict(zip(MEASURES, measures, strict=True)), of_week)

    def frame(self, by: By, weeks: Sequence[bool]) -> polars.DataFrame:
        """Return a row per week and group, with intervals for those of `weeks`."""
        import polars as pl

        keys = ["is_now", *by]
        groups = self.cells.select(keys).unique().sort(keys)
        of_cell = (
            self.cells.join(
                groups.with_row_index("group"), on=keys, nulls_equal=True, maintain_order="left"
            )["group"]
            .to_numpy()
            .astype(np.int64)
        )
        days = len(self.measures["ttft"].starts) // self.cells.height
        of_run = np.tile(of_cell, days)
        columns = []
        for measure, levels in MEASURES.items():
            union = Union.of(self.measures[measure], of_run, groups.height)
            limits = {level: percentile(union, level) for level in levels}
            columns.append(pl.Series(f"{measure}_n", union.n))
            nothing = np.zeros(groups.height, dtype=np.int64)
            sizes = dict.fromkeys(levels, nothing)
            if measure == "ttft":
                sizes |= self.effective(union, of_cell, weeks, limits)
            for level in levels:
                name = f"{measure}_p{round(level * 100)}"
                shown = told(union, level, limits[level], sizes[level])
                columns.append(shown["value"].alias(f"{name}_ms"))
                if measure == "ttft" and level in WITH_INTERVAL:
                    columns += [shown[end].alias(f"{name}_{end}_ms") for end in ("low", "high")]
        return groups.with_columns(columns)

    def effective(
        self,
        union: Union,
        of_cell: Numbers,
        weeks: Sequence[bool],
        limits: Mapping[float, Values],
    ) -> dict[float, NDArray[np.int64]]:
        """Return how many independent values each group of `weeks` is worth; 0 for the others."""
        levels = [limits[level] for level in WITH_INTERVAL]
        parts = [part for week in weeks for part in self.sessions[week]]
        if not parts:
            return {}
        by_session = added([part.sums(of_cell, len(union.n), levels) for part in parts])
        by_day = union.sums_by_day(self.cells.height, levels)
        return dict(zip(WITH_INTERVAL, effective_sizes(by_session, by_day), strict=True))


def cells_of(names: polars.DataFrame) -> tuple[Numbers, polars.DataFrame]:
    """Return the cell of each `nth` in the week before (in this one: the next), and what cells are."""
    import polars as pl

    distinct = names.unique().sort(names.columns)
    cell_of = names.join(
        distinct.with_row_index("cell"), on=names.columns, nulls_equal=True, maintain_order="left"
    )["cell"].to_numpy()
    weeks = pl.DataFrame({"is_now": [False, True]})
    cells = distinct.join(weeks, how="cross", maintain_order="left_right")
    return (2 * cell_of).astype(np.min_scalar_type(cells.height)), cells


@dataclass(frozen=True)
class Day:
    """The answered requests of one day: each measure sorted within cells, and what tells sessions.

    `session`, `cell` and `ttft` are of the requests with a first token, first those of the week
    before, those of a part of the sessions side by side; `starts` tells where each part begins.
    """

    measures: Mapping[str, Runs]
    session: Numbers
    cell: Numbers
    ttft: Values
    starts: Numbers

    @classmethod
    def of(cls, rows: polars.DataFrame, cell_of: Numbers, cells: int) -> Day:
        """Sort the rows of `fetch_answered`."""
        cell = cell_of[rows["nth"].to_numpy()]
        cell += rows["is_now"].to_numpy()
        values = {measure: rows[f"{measure}_ms"].to_numpy() for measure in MEASURES}
        order = stable_order(cell)
        run = cell[order]
        measures = {name: Runs.of(value[order], run, cells) for name, value in values.items()}
        session, ttft = rows["session"].to_numpy(), values["ttft"]
        part = (session >> (64 - PART_BITS)).astype(np.uint8)
        part += (cell % 2).astype(np.uint8) << PART_BITS
        order = stable_order(part)
        order = order[~np.isnan(ttft[order])]
        sizes = np.bincount(part[order], minlength=2 << PART_BITS)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        return cls(measures, session[order], cell[order], ttft[order], starts)

    def between(self, first: int, end: int) -> tuple[Numbers, Numbers, Values]:
        """Return session, cell and ttft of the parts from `first` to before `end`."""
        mine = slice(self.starts[first], self.starts[end])
        return self.session[mine], self.cell[mine], self.ttft[mine]


def cuts_of(days: Sequence[Day], week: bool) -> list[tuple[int, int]]:
    """Return which parts of the sessions of a week to take together: first and end."""
    first, end = week << PART_BITS, (week + 1) << PART_BITS
    requests = sum(int(day.starts[end] - day.starts[first]) for day in days)
    number = min(max(requests // AT_ONCE, 1), 1 << PART_BITS)
    cuts = np.linspace(first, end, number + 1).astype(int).tolist()
    return [*pairwise(cuts)]


@dataclass(frozen=True)
class Union:
    """Groups of runs: what `intervals` asks of values in order."""

    groups: Groups
    n: NDArray[np.int64]

    @classmethod
    def of(cls, runs: Runs, group: Numbers, groups: int) -> Union:
        n = np.bincount(group, weights=runs.sizes, minlength=groups)
        return cls(Groups(runs, group), n.astype(np.int64))

    def at(self, rank: NDArray[np.int64]) -> Values:
        """Return the order statistic of a rank (from 1) in each group; NaN for rank 0."""
        found = np.full(len(rank), np.nan)
        wanted = np.flatnonzero(rank > 0)
        found[wanted] = self.groups.ranked(wanted, rank[wanted] - 1)
        return found

    def sums_by_day(self, cells: int, limits: Sequence[Values]) -> ClusterSums:
        """Return the sums over days, each of which has so many runs."""
        groups, group, runs = len(self.n), self.groups.group, self.groups.runs
        days = len(group) // cells
        cluster = group * days + np.arange(len(group)) // cells

        def by_cluster(numbers: Numbers) -> Values:
            return np.bincount(cluster, weights=numbers, minlength=groups * days).astype(float)

        m = by_cluster(runs.sizes)
        h = [by_cluster(runs.up_to(limit[group])) for limit in limits]
        return cluster_sums(np.repeat(np.arange(groups), days), groups, m, h)


@dataclass(frozen=True)
class Sessions:
    """Requests in the order of their sessions, which begin at `start`."""

    start: NDArray[np.int64]
    cell: Numbers
    value: Values

    @classmethod
    def of(cls, parts: Sequence[tuple[Numbers, Numbers, Values]]) -> Sessions:
        """Put the requests of all parts in order: session, cell and value of each."""
        session, cell, value = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(session)
        return cls(starts_of(session[order]), cell[order], value[order])

    def sums(self, of_cell: Numbers, groups: int, limits: Sequence[Values]) -> ClusterSums:
        """Return the sums over the sessions of each group, up to the limits of the groups."""
        group = small(of_cell)[self.cell]
        begins = np.zeros(len(group), dtype=bool)
        begins[self.start] = True
        if not ((group[1:] != group[:-1]) > begins[1:]).any():
            # All requests of a session are of one group: they lie side by side already.
            held = [self.value <= limit[group] for limit in limits]
            return sums_of(group[self.start], groups, self.start, held)
        # One number for session, group and which limits hold: sorted, it has clusters side by side.
        # It is short if it can be, because that is sorted in half the time.
        number = np.cumsum(
            begins, dtype=np.min_scalar_type((len(self.start) + 1) * groups << len(limits))
        )
        key = number * groups
        key += group
        for limit in limits:
            key *= 2
            key += self.value <= limit[group]
        key.sort()
        cluster = key >> len(limits)
        start = starts_of(cluster)
        bits = [key >> bit & 1 for bit in reversed(range(len(limits)))]
        return sums_of(cluster[start] % groups, groups, start, bits)


def sums_of(
    group: Numbers, groups: int, start: Numbers, held: Sequence[NDArray[Any]]
) -> ClusterSums:
    """Return the sums over clusters of rows, of which some hold something.

    There is one of `group` and of `start`, where it begins, per cluster; of `held` one per row.
    """
    ends = np.append(start[1:], len(held[0])) - 1
    # How many there are up to the end of each cluster, less those up to the end of the one before.
    h = [np.diff(np.cumsum(one, dtype=np.int64)[ends], prepend=0) for one in held]
    return cluster_sums(group, groups, np.diff(ends, prepend=-1), h)


def added(parts: Sequence[ClusterSums]) -> ClusterSums:
    """Return the sums over the clusters of all parts, which have none in common."""
    found = ([getattr(part, field.name) for part in parts] for field in fields(ClusterSums))
    return ClusterSums(*(np.sum(one, axis=0) for one in found))
