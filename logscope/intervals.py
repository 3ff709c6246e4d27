"""Exact percentiles of many groups at once, with intervals for the process behind them.

A percentile is exact for the logged requests (linear interpolation, as numpy's default). Its 95 %
interval lies between two order statistics whose ranks come from the binomial distribution at
n_eff = n / max(1, deff): requests come in bursts, so they count for fewer than they are. deff is the
larger of the cluster variances by session and by day, over the binomial one. With fewer than four
days sessions alone decide. The ranks' tails are unequal where n is small.

All sums are over whole numbers, so that the same rows give the same numbers in whatever order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

LEVELS = (0.5, 0.95, 0.99)
# Below these numbers of requests a percentile is not told: not even the maximum bounds it with 95 %.
LEAST = {0.5: 1, 0.95: 60, 0.99: 300}
CONFIDENCE = 0.95
MIN_DAYS = 4
BOTH = "sessions and days"
FEW_DAYS = "sessions; under 4 days"
THREADS = 2


@dataclass(frozen=True)
class Ranks:
    """Ranks (from 1) of the order statistics around a percentile; 0 where there is no interval."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]


def percentile_ranks(n: NDArray[np.int64], n_eff: NDArray[np.int64], level: float) -> Ranks:
    """Return the ranks among `n` values that bound the percentile `level` with 95 % confidence.

    `n_eff` is the number of independent values that the `n` are worth.
    """
    from scipy.special import bdtr

    tail = (1 - CONFIDENCE) / 2
    size = np.maximum(n_eff, 1).astype(np.int64)

    def quantile(share: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the smallest k with P(B <= k) >= share, by halving the range."""
        low, high = np.zeros_like(size), size.copy()
        while (low < high).any():
            middle = (low + high) // 2
            enough = bdtr(middle, size, level) >= share
            low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
            low = np.minimum(low, high)
        return low

    all_below, none_below = level**size, (1 - level) ** size
    # Where one end of the sample has to serve as a limit, the other tail gets what it leaves over.
    high_is_end = quantile(np.full(size.shape, 1 - tail)) + 1 > size
    low_is_end = quantile(np.full(size.shape, tail)) < 1
    low_tail = np.where(high_is_end, 2 * tail - all_below, tail)
    high_tail = np.where(low_is_end, 2 * tail - none_below, tail)
    possible = np.where(low_is_end, none_below, 0) + np.where(high_is_end, all_below, 0) <= 2 * tail
    low = np.where(low_is_end, 1, quantile(np.clip(low_tail, 0, 1)))
    high = np.where(high_is_end, size, quantile(np.clip(1 - high_tail, 0, 1)) + 1)
    possible &= (low >= 1) & (high <= size) & (low < high) & (n_eff >= 1)
    scale = n / size
    return Ranks(
        np.where(possible, np.maximum(np.floor(low * scale), 1), 0).astype(np.int64),
        np.where(possible, np.minimum(np.ceil(high * scale), n), 0).astype(np.int64),
    )


def percentiles(
    rows: polars.DataFrame, measures: Sequence[str], levels: Sequence[float] = LEVELS
) -> polars.DataFrame:
    """Return percentiles of every group and measure in `rows`, with 95 % intervals.

    `rows` has one row per request: group_key and session (integers), day, and for each of `measures`
    a column of that name (float, NULL where it is not known). One row per group, measure and level:
    group_key, measure, level, n, value, low, high, n_eff, interval_basis. NULL where a number is
    withheld; no row where nothing was measured.
    """
    import polars as pl

    groups = rows["group_key"].unique().sort()
    codes = np.searchsorted(groups.to_numpy(), rows["group_key"].to_numpy())
    # Of the smallest type that holds them: numpy sorts short integers by counting.
    group = codes.astype(np.min_scalar_type(max(groups.len() - 1, 0)))
    by_group = np.argsort(group, kind="stable")
    clusters = {
        name: cluster(group, rows[name].to_physical().to_numpy()) for name in ("session", "day")
    }

    def of_measure(measure: str) -> list[polars.DataFrame]:
        values = Values.of(rows[measure].cast(float).fill_null(np.nan).to_numpy(), group, by_group)
        limits = [percentile(values, level) for level in levels]
        sizes, enough_days = effective(values, clusters, limits)
        basis = pl.Series(np.where(enough_days, BOTH, FEW_DAYS))
        return [
            told(values, level, limit, n_eff)
            .with_columns(
                group_key=groups,
                measure=pl.lit(measure),
                level=pl.lit(level),
                interval_basis=pl.when(pl.col("low").is_not_null()).then(basis),
            )
            .filter(pl.col("n") > 0)
            for level, limit, n_eff in zip(levels, limits, sizes, strict=True)
        ]

    with ThreadPoolExecutor(THREADS) as threads:
        found = [frame for frames in threads.map(of_measure, measures) for frame in frames]
    keys = ["group_key", "measure", "level"]
    columns = [*keys, "n", "value", "low", "high", "n_eff", "interval_basis"]
    return pl.concat(found).select(columns).sort(keys)


class Ordered(Protocol):
    """The values of several groups, each in order."""

    @property
    def n(self) -> NDArray[np.int64]:
        """How many values each group has."""

    def at(self, rank: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the order statistic of a rank (from 1) in each group; NaN for rank 0."""


def percentile(values: Ordered, level: float) -> NDArray[np.float64]:
    """Return the percentile of each group, to the bit as numpy interpolates; NaN without one."""
    below, above, share = neighbours(values.n, level)
    return interpolated(values.at(below), values.at(above), share)


def neighbours(
    n: NDArray[np.int64], level: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the ranks (from 1; 0 without values) around a percentile, and how far between it is."""
    position = np.maximum(n - 1, 0) * level
    below, above = (
        np.where(n > 0, end.astype(np.int64) + 1, 0)
        for end in (np.floor(position), np.ceil(position))
    )
    return below, above, position % 1


def interpolated(
    below: NDArray[np.float64], above: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what lies a share of the way from one value to another, to the bit as numpy does."""
    gap = above - below
    return np.where(share < 0.5, below + gap * share, above - gap * (1 - share))


@dataclass(frozen=True)
class Values:
    """The values of one measure; NaN where it is not known."""

    value: NDArray[np.float64]
    group: NDArray[Any]
    ordered: NDArray[np.float64]  # those of a group together, within it by size
    start: NDArray[np.int64]  # where in `ordered` each group begins
    n: NDArray[np.int64]  # how many values each group has

    @classmethod
    def of(
        cls, value: NDArray[np.float64], group: NDArray[Any], by_group: NDArray[np.int64]
    ) -> Values:
        """Order the values within each group; `by_group` lists the rows group by group."""
        ordered = value[by_group]
        rows = np.bincount(group)
        ends = np.cumsum(rows)
        start = ends - rows
        for first, end in zip(start, ends, strict=True):
            # What is not known comes last.
            ordered[first:end].sort()
        n = np.bincount(group, weights=~np.isnan(value)).astype(np.int64)
        return cls(value, group, ordered, start, n)

    def at(self, rank: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the order statistic of a rank (from 1) in each group; NaN for rank 0."""
        place = self.start + np.maximum(rank, 1) - 1
        return np.where(rank > 0, self.ordered[place], np.nan)


def told(
    values: Ordered, level: float, value: NDArray[np.float64], n_eff: NDArray[np.int64]
) -> polars.DataFrame:
    """Return n, value, low, high and n_eff of each group at one level, NULL where withheld."""
    import polars as pl

    ranks = percentile_ranks(values.n, n_eff, level)
    numbers = {"value": value, "low": values.at(ranks.low), "high": values.at(ranks.high)}
    enough = values.n >= LEAST.get(level, 1)
    shown = {name: np.where(enough, number, np.nan) for name, number in numbers.items()}
    frame = pl.DataFrame({"n": values.n, **shown, "n_eff": n_eff})
    return frame.with_columns(pl.col(list(shown)).fill_nan(None))


@dataclass(frozen=True)
class Clusters:
    """The sessions, or the days, of each group."""

    order: NDArray[np.int64]  # the rows: those of a group together, within it those of a cluster
    start: NDArray[np.int64]  # where in the order each cluster begins
    group: NDArray[Any]  # the group of each cluster

    def count(self, marked: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return how many of each cluster's rows are marked, whole numbers; rows in `order`."""
        counts: NDArray[np.int64] = np.add.reduceat(marked, self.start, dtype=np.int64)
        return counts.astype(np.float64)


def cluster(group: NDArray[Any], label: NDArray[Any]) -> Clusters:
    """Return the clusters: rows with one label within one group."""
    order = np.argsort(label)
    order = order[np.argsort(group[order], kind="stable")]
    group, label = group[order], label[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (group[1:] != group[:-1]) | (label[1:] != label[:-1])
    start = np.flatnonzero(begins)
    return Clusters(order, start, group[start])


def effective(
    values: Values, clusters: Mapping[str, Clusters], limits: Sequence[NDArray[np.float64]]
) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """Return how many independent values each group is worth at its percentiles, and if days decide.

    `limits` has for each level the percentile of each group.
    """
    session, day = (counted(values, clusters[name], limits) for name in ("session", "day"))
    return effective_sizes(session, day), day.number >= MIN_DAYS


@dataclass(frozen=True)
class ClusterSums:
    """Sums over the clusters of each group, whole numbers: h are a cluster's values up to a level's
    percentile, m all of them."""

    number: NDArray[np.float64]
    m: NDArray[np.float64]
    mm: NDArray[np.float64]
    h: Sequence[NDArray[np.float64]]  # for each level
    hh: Sequence[NDArray[np.float64]]
    hm: Sequence[NDArray[np.float64]]

    def design_effects(self) -> list[NDArray[np.float64]]:
        """Return for each level the variance of a clustered share over the binomial one.

        G/(G-1) sum(h - qm)^2 / nq(1-q), q being the share of the whole.
        """
        effects = []
        for h, hh, hm in zip(self.h, self.hh, self.hm, strict=True):
            share = h / np.maximum(self.m, 1)
            squares = hh - 2 * share * hm + share * share * self.mm
            binomial = self.m * share * (1 - share)
            with np.errstate(divide="ignore", invalid="ignore"):
                effect = self.number / (self.number - 1) * squares / binomial
            effects.append(np.where((binomial > 0) & (self.number > 1), effect, 1.0))
        return effects


def effective_sizes(session: ClusterSums, day: ClusterSums) -> list[NDArray[np.int64]]:
    """Return for each level how many independent values each group is worth."""
    sizes = []
    for by_session, by_day in zip(session.design_effects(), day.design_effects(), strict=True):
        # One cluster alone says nothing about its own spread: it counts as one observation.
        deff = np.maximum(
            np.where(session.number > 1, by_session, session.m),
            np.where(day.number >= MIN_DAYS, by_day, 1.0),
        )
        # A quotient of floats that is a whole number may lie a hair below it.
        sizes.append(np.floor(session.m / np.maximum(deff, 1.0) + 1e-9).astype(np.int64))
    return sizes


def counted(
    values: Values, clusters: Clusters, limits: Sequence[NDArray[np.float64]]
) -> ClusterSums:
    """Return the sums over clusters; `limits` has for each level the percentile of each group."""
    value, group = values.value[clusters.order], values.group[clusters.order]
    h = [clusters.count(value <= limit[group]) for limit in limits]
    return cluster_sums(clusters.group, len(values.n), clusters.count(~np.isnan(value)), h)


def cluster_sums(
    group: NDArray[Any], groups: int, m: NDArray[Any], h: Sequence[NDArray[Any]]
) -> ClusterSums:
    """Return the sums over clusters from the numbers of each; exact to 2**53."""
    # As `bincount` wants them, which would else convert them each time.
    group, m = group.astype(np.intp, copy=False), m.astype(np.float64)
    h = [one.astype(np.float64) for one in h]

    def total(numbers: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(group, weights=numbers, minlength=groups).astype(np.float64)

    return ClusterSums(
        total(m > 0),
        total(m),
        total(m * m),
        [total(one) for one in h],
        [total(one * one) for one in h],
        [total(one * m) for one in h],
    )
