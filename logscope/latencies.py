"""Latency of two weeks by several groupings at once, as `logscope latency` tells it of each.

A report asks for latency by model, by region, by task and so on. The answered requests of both weeks
are read once and sorted once, within the finest parts there are (`runs`); percentiles of every
grouping come from that, with intervals where a report shows them: of the first token in this week,
and in the one before for the groupings compared. What an interval is stands in `intervals`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from logscope.runs import Groups, Numbers, Runs, Values, combined, small, stable_order, starts_of
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

By = tuple[str, ...]
MEASURES = {"ttft": (0.5, 0.95, 0.99), "duration": (0.5, 0.95), "tpot": (0.5, 0.95)}
WITH_INTERVAL = (0.5, 0.95)


def fetch_answered(connection: Any, is_now: str) -> polars.DataFrame:
    """Return the ok requests of the view `selection`: which names they have, session, day and times.

    `nth` is the place of a request's names among those kept, `is_now` is the condition of this week.
    """
    return fetch(
        connection,
        f"select nth, {is_now} as is_now, coalesce(session_id, operation_id) as session, "
        "date_diff('day', date '1970-01-01', day)::integer as day, "
        "ttft_ms, duration_ms, tpot_ms from selection where status = 'ok'",
    )


def is_now(boundary: Any) -> str:
    """Return the SQL condition of the week that begins at `boundary`."""
    return f"started_at >= timestamptz {quote(boundary.isoformat())}"


def latencies(
    rows: polars.DataFrame,
    names: polars.DataFrame,
    groupings: Sequence[By],
    bounded: Sequence[By],
    compared: Sequence[By],
) -> dict[tuple[By, bool], polars.DataFrame]:
    """Return a frame per grouping and week (True: this one) of the rows of `fetch_answered`.

    `names` has a row for each `nth`, in their order, with the columns of the groupings.
    Columns: those of the grouping, then `<m>_n`, `<m>_p50_ms`, `<m>_p95_ms` for ttft, duration and
    tpot, `ttft_p99_ms`, and the ends of 95 % intervals, `ttft_p50_low_ms` and so on: NULL for
    groupings that are not `bounded`, and in the week before for those that are not `compared`. NULL
    where withheld or not logged.
    """
    import polars as pl

    with ThreadPoolExecutor(THREADS) as threads:
        answered = Answered.of(rows, names, threads)

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
    """The answered requests of two weeks, sorted within runs of one cell and one day.

    A cell is all that the groupings can tell apart; `cells` has a row for each, with `is_now` and
    the names.
    """

    cells: polars.DataFrame
    days: int
    measures: Mapping[str, Runs]
    sessions: Mapping[bool, Sessions]

    @classmethod
    def of(
        cls, rows: polars.DataFrame, names: polars.DataFrame, threads: ThreadPoolExecutor
    ) -> Answered:
        """Sort the rows of `fetch_answered`."""
        cell, cells = cells_of(rows, names)
        values = {measure: rows[f"{measure}_ms"].to_numpy() for measure in MEASURES}
        now, session = rows["is_now"].to_numpy(), rows["session"].to_numpy()
        known = ~np.isnan(values["ttft"])

        def in_sessions(week: bool) -> Sessions:
            mine = np.flatnonzero(known & (now == week))
            return Sessions.of(mine, session, cell, values["ttft"])

        weeks = (True, False)
        sessions = threads.map(in_sessions, weeks)
        day = rows["day"].to_numpy()
        day = day - (day.min() if len(day) else 0)
        days = int(day.max(initial=0)) + 1
        run = combined(cell, day, days)
        order = stable_order(run)
        run, runs = run[order], cells.height * days

        def sorted_runs(measure: str) -> Runs:
            return Runs.of(values[measure][order], run, runs)

        measures = threads.map(sorted_runs, MEASURES)
        return cls(
            cells,
            days,
            dict(zip(MEASURES, measures, strict=True)),
            dict(zip(weeks, sessions, strict=True)),
        )

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
        of_run = np.repeat(of_cell, self.days)
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
        if not weeks:
            return {}
        groups = len(union.n)
        found = [self.sessions[week].clusters(of_cell, groups, levels) for week in weeks]
        group, m, *h = (np.concatenate(part) for part in zip(*found, strict=True))
        by_session = cluster_sums(group, groups, m, h)
        sizes = effective_sizes(by_session, union.sums_by_day(self.days, levels))
        return dict(zip(WITH_INTERVAL, sizes, strict=True))


def cells_of(rows: polars.DataFrame, names: polars.DataFrame) -> tuple[Numbers, polars.DataFrame]:
    """Return the number of each row's cell, and what the cells are: `is_now` and names."""
    import polars as pl

    distinct = names.unique().sort(names.columns)
    cell_of = names.join(
        distinct.with_row_index("cell"), on=names.columns, nulls_equal=True, maintain_order="left"
    )["cell"].to_numpy()
    cell = combined(small(cell_of)[rows["nth"].to_numpy()], rows["is_now"].to_numpy(), 2)
    weeks = pl.DataFrame({"is_now": [False, True]})
    return cell, distinct.join(weeks, how="cross", maintain_order="left_right")


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

    def sums_by_day(self, days: int, limits: Sequence[Values]) -> ClusterSums:
        """Return the sums over days, which the runs of a cell are in turn."""
        groups, group, runs = len(self.n), self.groups.group, self.groups.runs
        cluster = group * days + np.arange(len(group)) % days

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
    def of(
        cls, mine: NDArray[np.int64], session: Numbers, cell: Numbers, value: Values
    ) -> Sessions:
        """Put those of the requests that lie at `mine` in order."""
        order = mine[np.argsort(session[mine])]
        return cls(starts_of(session[order]), cell[order], value[order])

    def clusters(self, of_cell: Numbers, groups: int, limits: Sequence[Values]) -> list[Numbers]:
        """Return of each session in each group: the group, its requests, those up to each limit."""
        group = small(of_cell)[self.cell]
        begins = np.zeros(len(group), dtype=bool)
        begins[self.start] = True
        if not (group[1:] != group[:-1])[~begins[1:]].any():
            # All requests of a session are of one group: they lie side by side already.
            return counts(
                group[self.start], self.start, [self.value <= limit[group] for limit in limits]
            )
        # One number for session, group and which limits hold: sorted, it has clusters side by side.
        # It is short if it can be, because that is sorted in half the time.
        number = np.cumsum(
            begins, dtype=np.min_scalar_type(len(self.start) * groups << len(limits))
        )
        key = number * groups
        key += group
        for limit in limits:
            key *= 2
            key += self.value <= limit[group]
        key.sort()
        cluster = key >> len(limits)
        start = starts_of(cluster)
        held = [key >> bit & 1 for bit in reversed(range(len(limits)))]
        return counts(cluster[start] % groups, start, held)


def counts(group: Numbers, start: NDArray[np.int64], held: Sequence[NDArray[Any]]) -> list[Numbers]:
    """Return of clusters of rows the group, the rows, and how many of them hold something.

    There is one of `group` and of `start`, where it begins, per cluster; of `held` one per row.
    """
    if not len(start):
        return [start] * (2 + len(held))
    sums = [np.add.reduceat(one, start, dtype=np.int64) for one in held]
    return [group, np.diff(start, append=len(held[0])), *sums]
