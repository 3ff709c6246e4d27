"""Traffic: how much was asked for, how it ended, when it peaked, and what load did to latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logscope.config import Config
from logscope.measures import run_query
from logscope.objectives import as_parameter, read_objectives
from logscope.selection import Selection
from logscope.store import Store

if TYPE_CHECKING:
    import polars


def traffic(store: Store, selection: Selection, config: Config) -> polars.DataFrame:
    """Return requests, errors, 429s, cancelled and peaks per group, the largest group first.

    Columns: those of --by, then as queries/traffic/traffic.sql has them, then `goodput`: the share
    of the judged operations that met the objectives of [slo], NULL without any.
    """
    import polars as pl

    frame = run_query(store, "traffic", selection, {})
    known = read_objectives(config)
    if not known:
        return frame.with_columns(goodput=pl.lit(None, dtype=pl.Float64))
    by = list(selection.by)
    met, missed = pl.col("n_met").sum(), pl.col("n_missed").sum()
    judged = run_query(store, "objectives", selection, as_parameter(known))
    share = pl.when(met + missed > 0).then(met / (met + missed)).alias("goodput")
    if not by:
        return frame.with_columns(goodput=judged.select(share)["goodput"])
    return frame.join(
        judged.group_by(by).agg(share), on=by, how="left", nulls_equal=True, maintain_order="left"
    )


def load(store: Store, selection: Selection) -> polars.DataFrame:
    """Return latency, throttling and errors per group and load bucket: queries/traffic/load.sql."""
    by = list(selection.by)
    frame = run_query(store, "load", selection, {})
    return frame.sort(*by, "from_in_flight", nulls_last=True)
