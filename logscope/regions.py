"""Regions compared: how much slower one answers than another, for the same requests.

Within each group the region with the most requests is the reference. Requests are weighted to the
common mix of both regions (model, task, input size, streamed or not), so that what remains is the
place. The error is the larger of the ones clustered by session and by day; both regions live
through the same days, so a bad day for both is no difference. With fewer than four days sessions
alone decide, and the answer says so.
"""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from logscope.errors import UsageError, did_you_mean
from logscope.intervals import FEW_DAYS, LEAST
from logscope.measures import MEASURES, require_rows
from logscope.mixes import Sample, Weighted, clustered, common_mix, influence, percentile
from logscope.selection import CLUSTER, COMPUTED, Selection
from logscope.store import Store
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

LEVELS = (0.5, 0.95)
LEAST_REQUESTS = 60
LEAST_DAYS = 4
CELL = f"hash(model, task, {COMPUTED['input_bucket']}, stream)"
SHAPE: dict[str, Any] = {
    "region": str,
    "reference": str,
    "measure": str,
    "percentile": str,
    "n": int,
    "n_reference": int,
    "value_ms": float,
    "reference_ms": float,
    "naive_ms": float,
    "difference_ms": float,
    "low_ms": float,
    "high_ms": float,
    "covered": float,
    "interval_basis": str,
}


def regions(store: Store, selection: Selection, measure: str = "ttft") -> polars.DataFrame:
    """Return the difference in ms of each region to the largest one of its group.

    One row per group of --by (region left out), other region and percentile: n and the percentile
    of both as logged, `naive_ms` their difference, `difference_ms` the one under the common mix
    with its 95 % interval; NULL under 60 like requests a side. `covered`: the share compared.
    """
    import polars as pl

    if measure not in MEASURES:
        raise UsageError(f"There is no measure {measure!r}.{did_you_mean(measure, MEASURES)}")
    grouped = selection.grouped([name for name in selection.by if name != "region"])
    with closing(grouped.connect(store)) as connection:
        rows = fetch(
            connection,
            f"""
                select group_key, region, value, cell, day, session
                from (
                    select
                        group_key,
                        region,
                        {measure}_ms as value,
                        {CELL} as cell,
                        date_diff('day', date '1970-01-01', day) as day,
                        {CLUSTER} as session
                    from selection
                    where status = 'ok' and region is not null and {measure}_ms is not null
                )
                order by group_key, region, value, day, cell, session
            """,
        )
        groups = fetch(connection, "select * from groups")
        if not groups.height:
            require_rows(connection, store)
    names = {row["group_key"]: row for row in groups.iter_rows(named=True)}
    out = []
    for key, samples in samples_of(rows).items():
        reference = max(samples, key=lambda name: (samples[name].n, name))
        for region, sample in samples.items():
            if region != reference:
                place = {name: names[key][name] for name in grouped.by}
                place |= {"region": region, "reference": reference, "measure": measure}
                out += [place | compared(sample, samples[reference], level) for level in LEVELS]
    schema = {name: groups.schema[name] for name in grouped.by} | SHAPE
    frame = pl.DataFrame(out, schema=schema, orient="row", infer_schema_length=None)
    order = ["n_reference", *grouped.by, "n", "region", "percentile"]
    return frame.sort(
        order, descending=[name in ("n", "n_reference") for name in order], nulls_last=True
    )


def samples_of(rows: polars.DataFrame) -> dict[Any, dict[str, Sample]]:
    """Return the samples per group and region from rows ordered by group, region and value."""
    import polars as pl

    value = rows["value"].to_numpy()
    cell, day, session = (
        np.unique(rows[name].to_numpy(), return_inverse=True)[1]
        for name in ("cell", "day", "session")
    )
    found: dict[Any, dict[str, Sample]] = {}
    parts = (
        rows.with_row_index("at")
        .group_by("group_key", "region", maintain_order=True)
        .agg(pl.col("at").first().alias("start"), pl.len().alias("n"))
    )
    for key, region, start, n in parts.iter_rows():
        part = slice(start, start + n)
        sample = Sample(value[part], cell[part], day[part], session[part])
        found.setdefault(key, {})[region] = sample
    return found


def compared(here: Sample, there: Sample, level: float) -> dict[str, Any]:
    """Return the numbers of one row: a region against the reference."""
    told: dict[str, Any] = {
        "percentile": f"p{round(level * 100)}",
        "n": here.n,
        "n_reference": there.n,
    }
    if min(here.n, there.n) < LEAST[level]:
        return told
    values = [float(np.quantile(side.value, level)) for side in (here, there)]
    told |= {
        "value_ms": values[0],
        "reference_ms": values[1],
        "naive_ms": round(values[0] - values[1], 6),
    }
    mixed = common_mix(here, there)
    if mixed is None or min(side.sample.n for side in mixed[:2]) < LEAST_REQUESTS:
        return told
    difference = percentile(mixed[0], level) - percentile(mixed[1], level)
    reach, basis = error(mixed[0], mixed[1], level)
    return told | {
        "difference_ms": round(difference, 6),
        "low_ms": round(difference - reach, 6),
        "high_ms": round(difference + reach, 6),
        "covered": round(mixed[2], 6),
        "interval_basis": basis,
    }


def error(here: Weighted, there: Weighted, level: float) -> tuple[float, str]:
    """Return half the width of the 95 % interval of the difference, and the clusters used."""
    from scipy.special import ndtri, stdtrit

    moves = np.concatenate([influence(here, level, False), -influence(there, level, False)])
    samples = (here.sample, there.sample)
    session = np.concatenate([side.session for side in samples])
    day = np.concatenate([side.day for side in samples])
    by_session, by_day = (
        clustered(np.bincount(labels, weights=moves), labels) for labels in (session, day)
    )
    days = int(np.count_nonzero(np.bincount(day)))
    if days < LEAST_DAYS:
        return float(ndtri(0.975)) * math.sqrt(by_session), FEW_DAYS
    return float(stdtrit(days - 1, 0.975)) * math.sqrt(max(by_session, by_day)), "sessions and days"
