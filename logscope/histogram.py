"""Histogram: the distribution of a measure as eight bars in a line of text.

One scale holds for all. Bins are equally wide on a log scale, from a round number at or below
the 1st percentile of all to one at or above the 99th; what lies outside is in the outer bins, and
so is 0, which has no place on such a scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

BINS = 8
BARS = "▁▂▃▄▅▆▇█"
ROUND = (1.0, 2.0, 5.0)
RATIO = 1.02  # values are counted in buckets so wide


@dataclass(frozen=True)
class Histogram:
    """Counts per bin of each group between `low_ms` and `high_ms`; a group is its --by values."""

    low_ms: float
    high_ms: float
    counts: dict[tuple[Any, ...], list[int]]

    @property
    def scale(self) -> str:
        """Return the limits in words: `0.1 – 5 s`, or in ms below that."""
        if self.high_ms >= 1000:
            return f"{self.low_ms / 1000:g} – {self.high_ms / 1000:g} s"
        return f"{self.low_ms:g} – {self.high_ms:g} ms"

    def bars(self, group: tuple[Any, ...]) -> str:
        """Return the bars of a group, the fullest bin as the highest; blank where nothing fell."""
        counts = self.counts.get(group)
        if not counts:
            return " " * BINS
        top = max(counts)
        return "".join(
            BARS[math.ceil(len(BARS) * count / top) - 1] if count else " " for count in counts
        )


def histogram(
    rows: polars.DataFrame, keys: polars.DataFrame, by: Sequence[str], measure: str = "ttft"
) -> Histogram | None:
    """Return the histogram of a measure: the column of that name in `rows`, beside group_key.

    `keys` has group_key and the columns of `by`. None if nothing above 0 was measured.
    """
    import polars as pl

    positive = pl.when(pl.col(measure) > 0).then(pl.col(measure))
    bucket = (positive.log() / math.log(RATIO)).floor().cast(pl.Int32)
    frame = (
        rows.lazy()
        .filter(pl.col(measure).is_not_null())
        .group_by("group_key", bucket.alias("bucket"))
        .agg(pl.len().alias("n"))
        .collect()
    )
    totals: dict[int, int] = {}
    for _, bucket, n in frame.drop_nulls("bucket").iter_rows():
        totals[bucket] = totals.get(bucket, 0) + n
    if not totals:
        return None
    low, high = limits(totals)
    names = {row[0]: tuple(row[1:]) for row in keys.select("group_key", *by).iter_rows()}
    counts: dict[tuple[Any, ...], list[int]] = {}
    for key, bucket, n in frame.iter_rows():
        bins = counts.setdefault(names[key], [0] * BINS)
        bins[0 if bucket is None else place(bucket, low, high)] += n
    return Histogram(low, high, counts)


def limits(totals: dict[int, int]) -> tuple[float, float]:
    """Return round limits around the 1st and 99th percentile of counts per bucket; ms."""
    n, running = sum(totals.values()), 0
    low_bucket = high_bucket = None
    for bucket in sorted(totals):
        running += totals[bucket]
        if low_bucket is None and running >= 0.01 * n:
            low_bucket = bucket
        if running >= 0.99 * n:
            high_bucket = bucket
            break
    assert low_bucket is not None and high_bucket is not None
    low = rounded(RATIO**low_bucket, up=False)
    high = rounded(RATIO ** (high_bucket + 1), up=True)
    return low, max(high, 2 * low)


def rounded(value: float, up: bool) -> float:
    """Return the nearest of 1, 2, 5, 10, 20 ... at or above (`up`) or at or below the value."""
    power = math.floor(math.log10(value))
    steps = [step * 10.0**exponent for exponent in (power, power + 1) for step in ROUND]
    if up:
        return next(step for step in steps if step >= value * (1 - 1e-9))
    return max(step for step in steps if step <= value * (1 + 1e-9))


def place(bucket: int, low: float, high: float) -> int:
    """Return the bin that the middle of a bucket falls in."""
    middle = (bucket + 0.5) * math.log(RATIO)
    share = (middle - math.log(low)) / (math.log(high) - math.log(low))
    return min(max(math.floor(BINS * share), 0), BINS - 1)
