"""Traffic: how much was asked for, how it ended, when it peaked, and what load did to latency."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from logscope.config import Config, identifier
from logscope.intervals import percentiles
from logscope.measures import frame, require_rows, run_query
from logscope.objectives import as_parameter, read_objectives
from logscope.queries import find_query
from logscope.selection import Selection
from logscope.store import Store
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars


def traffic(store: Store, selection: Selection, config: Config) -> polars.DataFrame:
    """Return requests, errors, 429s, cancelled and peaks per group, the largest group first.

    Columns: those of --by, then as queries/traffic/traffic.sql has them, then `goodput`: the share
    of the judged operations that met the objectives of [slo], NULL without any.
    """
    import polars as pl

    rows = run_query(store, "traffic", selection, {})
    known = read_objectives(config)
    if not known:
        return rows.with_columns(goodput=pl.lit(None, dtype=pl.Float64))
    by = list(selection.by)
    met, missed = pl.col("n_met").sum(), pl.col("n_missed").sum()
    judged = run_query(store, "objectives", selection, as_parameter(known))
    share = pl.when(met + missed > 0).then(met / (met + missed)).alias("goodput")
    if not by:
        return rows.with_columns(goodput=judged.select(share)["goodput"])
    return rows.join(
        judged.group_by(by).agg(share), on=by, how="left", nulls_equal=True, maintain_order="left"
    )


def load(store: Store, selection: Selection) -> polars.DataFrame:
    """Return latency, throttling and errors per group and load bucket: queries/traffic/load.sql.

    Beside it the 95 % intervals of the p95, `ttft_p95_low_ms` and so on, as `latency` has them.
    """
    by = list(selection.by)
    with closing(selection.connect(store)) as connection:
        require_rows(connection, store)
        rows = frame(connection, find_query("load"), {}, selection)
        ends = interval_ends(connection, by)
    keys = [*by, "from_in_flight"]
    joined = rows.join(ends, on=keys, how="left", nulls_equal=True)
    return joined.select(
        *(name for name in rows.columns if not name.startswith("tpot")),
        *(f"ttft_p95_{end}_ms" for end in ("low", "high")),
        *(name for name in rows.columns if name.startswith("tpot")),
        *(f"tpot_p95_{end}_ms" for end in ("low", "high")),
    ).sort(keys, nulls_last=True)


def interval_ends(connection: Any, by: Sequence[str]) -> polars.DataFrame:
    """Return the intervals of the p95 of ttft and tpot per group and load bucket."""
    import polars as pl

    connection.execute(
        "create temp table loaded as select group_key, session_id, operation_id, day, ttft_ms, "
        "tpot_ms, cast(power(2, floor(log2(in_flight))) as bigint) as from_in_flight "
        "from selection where status = 'ok' and in_flight >= 1"
    )
    rows = fetch(
        connection,
        "select hash(group_key, from_in_flight) as group_key, day, "
        "hash(coalesce(session_id, operation_id)) as session, ttft_ms as ttft, tpot_ms as tpot "
        "from loaded",
    )
    long = percentiles(rows, ["ttft", "tpot"], [0.95])
    names = "".join(f"groups.{identifier(name)}, " for name in by)
    ends = fetch(
        connection,
        f"select distinct {names}from_in_flight, hash(group_key, from_in_flight) as bucket_key "
        "from loaded join groups using (group_key)",
    )
    for measure in ("ttft", "tpot"):
        part = long.filter(pl.col("measure") == measure).select(
            pl.col("group_key").alias("bucket_key"),
            pl.col("low").alias(f"{measure}_p95_low_ms"),
            pl.col("high").alias(f"{measure}_p95_high_ms"),
        )
        ends = ends.join(part, on="bucket_key", how="left")
    return ends.drop("bucket_key")
