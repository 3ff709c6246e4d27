"""Percentiles of two samples under one mix of requests, and the error of their difference.

Two regions, or two weeks, serve different requests; the difference of their percentiles then mixes
speed with demand. So requests are sorted into cells of like requests (task, input size, streamed or
not, ...), and each side is weighted such that its cells have the shares that they have on both
sides together: the common mix. Cells with too few requests on either side are left out.

The percentile of a weighted sample lies, as numpy's, on a line between neighbours: the k-th value
has the position (M_k - M_1) / (M_n - M_1), M_k being the weight below it plus half of its own.

The error of a percentile comes from its influence function: a request moves it by its weight times
(share - [value <= percentile]) over the density there, the share taken within its cell because the
cells' weights are fixed. Sums over clusters (days, sessions) give the clustered variance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A cell with fewer requests on one side would lend single requests the weight of hundreds.
LEAST_IN_CELL = 5


@dataclass(frozen=True)
class Sample:
    """Requests of one side, ordered by value: arrays of one length.

    `cell`, `day` and `session` are numbers from 0 that mean the same on both sides; `session` is
    empty where it is not asked for.
    """

    value: NDArray[np.float64]
    cell: NDArray[np.integer[Any]]
    day: NDArray[np.integer[Any]]
    session: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def n(self) -> int:
        return len(self.value)

    def kept(self, keep: NDArray[np.bool_]) -> Sample:
        """Return the requests marked True."""
        session = self.session[keep] if len(self.session) else self.session
        return Sample(self.value[keep], self.cell[keep], self.day[keep], session)


@dataclass(frozen=True)
class Weighted:
    """A sample with weights that sum to 1."""

    sample: Sample
    weight: NDArray[np.float64]

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """The position of each value, from 0 to 1."""
        middle = np.cumsum(self.weight) - self.weight / 2
        span = middle[-1] - middle[0]
        return (middle - middle[0]) / span if span > 0 else np.zeros_like(middle)


def common_mix(a: Sample, b: Sample) -> tuple[Weighted, Weighted, float] | None:
    """Return both samples weighted to the mix they have together, and the share of requests kept.

    None where no cell has enough requests on both sides.
    """
    cells = int(max(a.cell.max(initial=0), b.cell.max(initial=0))) + 1
    in_a, in_b = (np.bincount(side.cell, minlength=cells) for side in (a, b))
    shared = (in_a >= LEAST_IN_CELL) & (in_b >= LEAST_IN_CELL)
    together = np.where(shared, in_a + in_b, 0)
    total = together.sum()
    if not total:
        return None
    sides = []
    for side, count in ((a, in_a), (b, in_b)):
        per_request = together / (np.maximum(count, 1) * total)
        kept = side.kept(shared[side.cell])
        sides.append(Weighted(kept, per_request[kept.cell]))
    return sides[0], sides[1], float(total / (a.n + b.n))


def percentile(side: Weighted, level: float) -> float:
    """Return the weighted percentile; with equal weights numpy's own."""
    return float(np.interp(level, side.positions, side.sample.value))


def influence(side: Weighted, level: float, log: bool) -> NDArray[np.float64]:
    """Return by how much each request moves the percentile (of log values if `log`; it is not 0).

    The density is taken from the values one standard error of the share around the percentile.
    """
    sample = side.sample
    positions = side.positions
    quantile = np.interp(level, positions, sample.value)
    below = (sample.value <= quantile).astype(float)
    cells = np.bincount(sample.cell)
    share = np.bincount(sample.cell, weights=below) / np.maximum(cells, 1)
    # The share comes from the same requests, which makes their distances from it a little short.
    lengthened = np.sqrt(cells / np.maximum(cells - 1, 1))
    residual = (side.weight * lengthened[sample.cell]) * (share[sample.cell] - below)
    spread = np.sqrt(clustered(np.bincount(sample.day, weights=residual), sample.day))
    size = 1 / float((side.weight**2).sum())
    width = max(spread, float(np.sqrt(level * (1 - level) / size)))
    ends = np.clip([level - width, level + width], 0, 1)
    low, high = np.interp(ends, positions, sample.value)
    if log:
        # Where 0 is that near, there is no logarithm: its slope at the percentile has to do.
        low, high = np.log([low, high]) if low > 0 else np.array([low, high]) / quantile
    result: NDArray[np.float64] = residual * (high - low) / (ends[1] - ends[0])
    return result


def clustered(sums: NDArray[Any], labels: NDArray[np.integer[Any]]) -> float:
    """Return the variance of a total from its sums over clusters: G/(G-1) times their squares."""
    clusters = int(np.count_nonzero(np.bincount(labels)))
    if clusters < 2:
        return 0.0
    return float(clusters / (clusters - 1) * (sums**2).sum())
