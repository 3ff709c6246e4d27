"""Exact percentiles of many groups at once, with intervals for the process behind them.

A percentile is exact for the logged requests (linear interpolation, as numpy's default). Its 95 %
interval lies between two order statistics whose ranks come from the binomial distribution at
n_eff = n / max(1, deff): requests come in bursts, so they count for fewer than they are. deff is the
larger of the cluster variances by session and by day, over the binomial one. With fewer than four
days sessions alone decide. The ranks' tails are unequal where n is small.

All sums are over integers, so that the same rows give the same numbers whatever the threads do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from logscope.tables import fetch

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

LEVELS = (0.5, 0.95, 0.99)
# Below these numbers of requests a percentile is not told: not even the maximum bounds it with 95 %.
LEAST = {0.5: 1, 0.95: 60, 0.99: 300}
CONFIDENCE = 0.95
MIN_DAYS = 4
FEW_DAYS = "sessions; under 4 days"
BUCKET = "case when value > 0 then floor(ln(value) / ln(1.02))::integer else -2147483648 end"


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


def percentiles(connection: Any, source: str, levels: Sequence[float] = LEVELS) -> polars.DataFrame:
    """Return percentiles of every group and measure in `source`, with 95 % intervals.

    `source` is a query with the columns group_key (integer), measure (text), session (any), day and
    value (float, not NULL). One row per group, measure and level: group_key, measure, level, n,
    value, low, high, n_eff, interval_basis. NULL where a number is withheld.
    """
    import polars as pl

    connection.execute(
        f"create or replace temp table measured as select *, {BUCKET} as bucket from ({source})"
    )
    connection.execute(
        "create or replace temp table bucketed as "
        "select group_key, measure, bucket, count(*) as n from measured group by all"
    )
    counts = fetch(
        connection,
        "select group_key, measure, sum(n)::bigint as n from bucketed "
        "group by all order by group_key, measure",
    )
    grid = counts.join(pl.DataFrame({"level": list(levels)}), how="cross").with_columns(
        position=(pl.col("n") - 1) * pl.col("level")
    )
    values = order_statistics(
        connection,
        pl.concat(
            [
                grid.select("group_key", "measure", rank=pl.col("position").floor().cast(int) + 1),
                grid.select("group_key", "measure", rank=pl.col("position").ceil().cast(int) + 1),
            ]
        ),
    )
    grid = look_up(grid, values, pl.col("position").floor().cast(int) + 1, "below")
    grid = look_up(grid, values, pl.col("position").ceil().cast(int) + 1, "above")
    grid = grid.with_columns(value=interpolated(grid))
    grid = grid.join(effects(connection, grid), on=["group_key", "measure", "level"], how="left")
    return bounded(connection, grid)


def interpolated(grid: polars.DataFrame) -> NDArray[np.float64]:
    """Return the percentiles between their neighbours, to the bit as numpy interpolates."""
    below, above = grid["below"].to_numpy(), grid["above"].to_numpy()
    share = grid["position"].to_numpy() % 1
    gap = above - below
    values: NDArray[np.float64] = np.where(
        share < 0.5, below + gap * share, above - gap * (1 - share)
    )
    return values


def look_up(
    grid: polars.DataFrame, values: polars.DataFrame, rank: polars.Expr, name: str
) -> polars.DataFrame:
    """Add the value at a rank as the column `name`."""
    keys = ["group_key", "measure", "rank"]
    found = values.rename({"value": name})
    return grid.with_columns(rank=rank).join(found, on=keys, how="left").drop("rank")


def order_statistics(connection: Any, wanted: polars.DataFrame) -> polars.DataFrame:
    """Return the values at the wanted ranks of each group and measure of `measured`.

    Only the rows of 2 %-wide buckets that hold a wanted rank are ordered.
    """

    connection.register("wanted_frame", wanted.unique().to_arrow())
    connection.execute("create or replace temp table wanted as select * from wanted_frame")
    connection.unregister("wanted_frame")
    return fetch(
        connection,
        """
            with running as (
                select
                    *,
                    sum(n) over (partition by group_key, measure order by bucket) as through
                from bucketed
            ),
            hit as (
                select distinct group_key, measure, bucket, through - n as before
                from running
                join wanted using (group_key, measure)
                where rank > through - n and rank <= through
            ),
            numbered as (
                select
                    group_key,
                    measure,
                    value,
                    (before + row_number() over (
                        partition by group_key, measure, bucket order by value
                    ))::bigint as rank
                from measured
                join hit using (group_key, measure, bucket)
            )
            select wanted.group_key, wanted.measure, wanted.rank, value
            from wanted join numbered using (group_key, measure, rank)
            order by all
            """,
    )


def effects(connection: Any, grid: polars.DataFrame) -> polars.DataFrame:
    """Return n_eff and its basis per group, measure and level: how bursty the requests are."""
    import polars as pl

    levels = sorted(grid["level"].unique())
    limits = grid.pivot(on="level", index=["group_key", "measure"], values="value")
    limits.columns = ["group_key", "measure", *(f"limit_{i}" for i in range(len(levels)))]
    connection.register("limits_frame", limits.to_arrow())
    connection.execute("create or replace temp table limits as select * from limits_frame")
    connection.unregister("limits_frame")
    hits = ", ".join(
        f"sum(case when value <= limit_{i} then 1 else 0 end) as h{i}" for i in range(len(levels))
    )
    sums = ", ".join(
        f"sum(h{i} * h{i})::bigint as hh{i}, sum(h{i} * m)::bigint as hm{i}, sum(h{i})::bigint as h{i}"
        for i in range(len(levels))
    )
    keys = ["group_key", "measure"]
    frames = {}
    for cluster in ("session", "day"):
        frames[cluster] = fetch(
            connection,
            f"""
                select group_key, measure, count(*) as clusters, sum(m)::bigint as n_rows,
                    sum(m * m)::bigint as mm, {sums}
                from (
                    select group_key, measure, {cluster}, count(*)::bigint as m, {hits}
                    from measured join limits using (group_key, measure)
                    group by group_key, measure, {cluster}
                )
                group by group_key, measure
                """,
        )
    results = []
    for i, level in enumerate(levels):
        part = grid.filter(pl.col("level") == level).select(*keys, "level", "n")
        for cluster, frame in frames.items():
            part = part.join(
                frame.select(
                    *keys,
                    pl.col("clusters").alias(f"{cluster}s"),
                    design_effect(i).alias(f"deff_{cluster}"),
                ),
                on=keys,
            )
        results.append(part)
    # One cluster alone says nothing about its own spread: it counts as one observation.
    by_session = pl.when(pl.col("sessions") > 1).then("deff_session").otherwise(pl.col("n"))
    enough_days = pl.col("days") >= MIN_DAYS
    deff = pl.max_horizontal(
        pl.lit(1.0), by_session, pl.when(enough_days).then("deff_day").otherwise(1.0)
    )
    return pl.concat(results).select(
        *keys,
        "level",
        n_eff=(pl.col("n") / deff).floor().cast(int),
        interval_basis=pl.when(enough_days)
        .then(pl.lit("sessions and days"))
        .otherwise(pl.lit(FEW_DAYS)),
    )


def design_effect(i: int) -> polars.Expr:
    """Return the variance of a clustered share over the binomial one: G/(G-1) sum(h - qm)^2 / nq(1-q).

    h are a cluster's values at or below the percentile, m all of them, q the share of the whole.
    """
    import polars as pl

    n, hits = pl.col("n_rows"), pl.col(f"h{i}").cast(float)
    share = hits / n
    squares = pl.col(f"hh{i}") - 2 * share * pl.col(f"hm{i}") + share * share * pl.col("mm")
    binomial = n * share * (1 - share)
    clusters = pl.col("clusters").cast(float)
    return pl.when(binomial > 0).then(clusters / (clusters - 1) * squares / binomial).otherwise(1.0)


def bounded(connection: Any, grid: polars.DataFrame) -> polars.DataFrame:
    """Add the interval's limits and withhold what too few requests cannot tell."""
    import polars as pl

    parts = []
    for level, part in grid.partition_by("level", as_dict=True, maintain_order=True).items():
        p = float(level[0])
        ranks = percentile_ranks(part["n"].to_numpy(), part["n_eff"].to_numpy(), p)
        parts.append(
            part.with_columns(
                low_rank=ranks.low, high_rank=ranks.high, told=pl.col("n") >= LEAST.get(p, 1)
            )
        )
    grid = pl.concat(parts)
    keys = ["group_key", "measure"]
    wanted = [
        grid.filter(pl.col("told")).select(*keys, rank=f"{end}_rank") for end in ("low", "high")
    ]
    values = order_statistics(connection, pl.concat(wanted).filter(pl.col("rank") > 0))
    grid = look_up(grid, values, pl.col("low_rank"), "low")
    grid = look_up(grid, values, pl.col("high_rank"), "high")
    return grid.select(
        *keys,
        "level",
        "n",
        value=pl.when("told").then("value"),
        low=pl.when("told").then("low"),
        high=pl.when("told").then("high"),
        n_eff="n_eff",
        interval_basis=pl.when(pl.col("low").is_not_null()).then("interval_basis"),
    ).sort(*keys, "level")
