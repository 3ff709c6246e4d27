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

from logscope.config import identifier, quote
from logscope.intervals import ClusterSums, cluster_sums, effective_sizes, percentile, told
from logscope.runs import Numbers, Runs, Values, combined, small, stable_order, starts_of
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

By = tuple[str, ...]
MEASURES = {"ttft": (0.5, 0.95, 0.99), "duration": (0.5, 0.95), "tpot": (0.5, 0.95)}
WITH_INTERVAL = (0.5, 0.95)
THREADS = 2


def fetch_answered(connection: Any, names: Sequence[str], is_now: str) -> polars.DataFrame:
    """Return the ok requests of the view `selection`: what groups them, session, day and times.

    `names` are the columns to group by, `is_now` is the condition of this week.
    """
    listed = "".join(f"{identifier(name)}, " for name in names)
    return fetch(
        connection,
        f"select {listed}{is_now} as is_now, coalesce(session_id, operation_id) as session, "
        "date_diff('day', date '1970-01-01', day)::integer as day, "
        "ttft_ms, duration_ms, tpot_ms from selection where status = 'ok'",
    )


def is_now(boundary: Any) -> str:
    """Return the SQL condition of the week that begins at `boundary`."""
    return f"started_at >= timestamptz {quote(boundary.isoformat())}"


def latencies(
    rows: polars.DataFrame,
    groupings: Sequence[By],
    bounded: Sequence[By],
    compared: Sequence[By],
) -> dict[tuple[By, bool], polars.DataFrame]:
    """Return a frame per grouping and week (True: this one) of the rows of `fetch_answered`.

    Columns: those of the grouping, then `<m>_n`, `<m>_p50_ms`, `<m>_p95_ms` for ttft, duration and
    tpot, `ttft_p99_ms`, and the ends of 95 % intervals, `ttft_p50_low_ms` and so on: NULL for
    groupings that are not `bounded`, and in the week before for those that are not `compared`. NULL
    where withheld or not logged.
    """
    import polars as pl

    names = list(dict.fromkeys(name for by in groupings for name in by))
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
        cls, rows: polars.DataFrame, names: Sequence[str], threads: ThreadPoolExecutor
    ) -> Answered:
        """Sort the rows of `fetch_answered`."""
        cell, cells = cells_of(rows, names)
        day = rows["day"].to_numpy()
        day = day - (day.min() if len(day) else 0)
        days = int(day.max(initial=0)) + 1
        run = combined(cell, day, days)
        order = stable_order(run)
        run, runs = run[order], cells.height * days

        def sorted_runs(measure: str) -> Runs:
            return Runs.of(rows[f"{measure}_ms"].to_numpy()[order], run, runs)

        measures = threads.map(sorted_runs, MEASURES)
        now = rows["is_now"].to_numpy()
        ttft, session = rows["ttft_ms"].to_numpy(), rows["session"].to_numpy()
        known = ~np.isnan(ttft)

        def in_sessions(week: bool) -> Sessions:
            mine = np.flatnonzero(known & (now == week))
            return Sessions.of(session[mine], cell[mine], ttft[mine])

        weeks = (True, False)
        sessions = dict(zip(weeks, threads.map(in_sessions, weeks), strict=True))
        return cls(cells, days, dict(zip(MEASURES, measures, strict=True)), sessions)

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


def cells_of(rows: polars.DataFrame, names: Sequence[str]) -> tuple[Numbers, polars.DataFrame]:
    """Return the number of each row's cell, and what the cells are: `is_now` and names as text."""
    import polars as pl

    cell: Numbers = rows["is_now"].to_numpy().astype(np.uint8)
    for name in names:
        codes = (rows[name].cast(pl.Categorical).to_physical() + 1).fill_null(0).to_numpy()
        cell = combined(cell, codes, int(codes.max(initial=0)) + 1)
        there = np.bincount(cell) > 0
        cell = small(np.cumsum(there) - 1)[cell]
    example = np.zeros(int(cell.max()) + 1 if len(cell) else 0, dtype=np.int64)
    example[cell] = np.arange(len(cell))
    return cell, rows.select("is_now", *names)[example].with_columns(pl.col(names).cast(str))


@dataclass(frozen=True)
class Union:
    """Groups as unions of runs: what `intervals` asks of values in order."""

    runs: Runs
    group: Numbers  # of each run
    n: NDArray[np.int64]

    @classmethod
    def of(cls, runs: Runs, group: Numbers, groups: int) -> Union:
        return cls(
            runs, group, np.bincount(group, weights=runs.sizes, minlength=groups).astype(np.int64)
        )

    def at(self, rank: NDArray[np.int64]) -> Values:
        """Return the order statistic of a rank (from 1) in each group; NaN for rank 0."""
        found = np.full(len(rank), np.nan)
        wanted = np.flatnonzero(rank > 0)
        found[wanted] = self.runs.ranked(self.group, wanted, rank[wanted] - 1)
        return found

    def sums_by_day(self, days: int, limits: Sequence[Values]) -> ClusterSums:
        """Return the sums over days, which the runs of a cell are in turn."""
        groups = len(self.n)
        cluster = self.group * days + np.arange(len(self.group)) % days

        def by_cluster(numbers: Numbers) -> Values:
            return np.bincount(cluster, weights=numbers, minlength=groups * days).astype(float)

        m = by_cluster(self.runs.sizes)
        h = [by_cluster(self.runs.up_to(limit[self.group])) for limit in limits]
        return cluster_sums(np.repeat(np.arange(groups), days), groups, m, h)


@dataclass(frozen=True)
class Sessions:
    """Requests in the order of their sessions, which are numbered."""

    session: Numbers
    cell: Numbers
    value: Values

    @classmethod
    def of(cls, session: Numbers, cell: Numbers, value: Values) -> Sessions:
        order = np.argsort(session)
        session = session[order]
        start = starts_of(session)
        number = np.repeat(np.arange(len(start)), np.diff(start, append=len(session)))
        return cls(small(number), cell[order], value[order])

    def clusters(self, of_cell: Numbers, groups: int, limits: Sequence[Values]) -> list[Numbers]:
        """Return of each session in each group: the group, its requests, those up to each limit."""
        group = of_cell[self.cell]
        # One number for session, group and which limits hold: sorted, it has clusters side by side.
        # It is short if it can be, because that is sorted in half the time.
        end = (int(self.session.max(initial=0)) + 1) * groups << len(limits)
        key = self.session.astype(np.min_scalar_type(end))
        key *= groups
        key += group.astype(key.dtype)
        for limit in limits:
            key *= 2
            key += self.value <= limit[group]
        key.sort()
        cluster = key >> len(limits)
        start = starts_of(cluster)
        h = [
            np.add.reduceat(key >> bit & 1, start).astype(np.int64) if len(start) else start
            for bit in reversed(range(len(limits)))
        ]
        return [cluster[start] % groups, np.diff(start, append=len(key)), *h]
