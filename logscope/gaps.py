"""Gaps between the chunks of streams, pooled over each group: exact percentiles in bounded memory.

Many queries ask for them under two definitions of a chunk; in SQL both are views (`as_view`), which
is how other clients see them. A million streams have a hundred million gaps, and DuckDB holds all of
a query's, twice while its lists grow. So a query of logscope's own finds tables in the place of
the views, with the same numbers: how many gaps a group has is stored with the streams, each group's
are put into an array of that size, and as many groups are read at once as fit. Numpy is loaded only
for that: an ingest needs the views alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from logscope.tables import fetch

if TYPE_CHECKING:
    import numpy as np
    import polars
    from numpy.typing import NDArray

# Gaps held at once, 8 bytes each. A group with more is read alone.
MOST = 120_000_000
# Streams taken at a time: few enough that their gaps stay in the processor's cache.
BATCH = 2_048
PART = 100_000
LEVELS = (0.5, 0.9, 0.95, 0.99)
# Which chunks count, and how many gaps a stream has between them.
CHUNKS = {
    # Mostly the generated chunks follow each other.
    "generated_gaps": """coalesce(
        streams.generated_ms,
        streams.offsets_ms[
            streams.generated_at : streams.generated_at + streams.n_generated - 1
        ]
    )""",
    "answer_gaps": """case
        when streams.kinds is null then streams.offsets_ms
        else list_filter(
            streams.offsets_ms,
            lambda moment, place: coalesce(streams.kinds[place], 'text') <> 'usage'
        )
    end""",
}
GAPS = {
    "generated_gaps": "streams.n_generated - 1",
    "answer_gaps": "streams.n_answered - 1",
}


def as_view(name: str) -> str:
    """Return the SELECT of n, avg, std, min, p50, p90, p95, p99 and max (ms) of each group's gaps."""
    told = ", ".join(f"percentiles[{i}] as p{round(100 * p)}" for i, p in enumerate(LEVELS, 1))
    return f"""
        select group_key, n, avg, std, min, {told}, max
        from (
            select
                group_key, count(gap) as n, round(avg(gap), 9) as avg,
                round(stddev_pop(gap), 9) as std, min(gap) as min,
                quantile_cont(gap, {list(LEVELS)}) as percentiles, max(gap) as max
            from (
                select group_key, unnest(chunks_ms[2:]) - unnest(chunks_ms[:-2]) as gap
                from (select selection.group_key, {CHUNKS[name]} as chunks_ms {streamed(name)})
            )
            group by group_key
        )
    """


def streamed(name: str) -> str:
    return f"""
        from selection join streams on selection.request_id = streams.request_id
        where selection.status = 'ok' and {GAPS[name]} >= 1
    """


def make_tables(connection: Any, sql: str) -> None:
    """Make those of the tables that a query names, over the views of a selection."""
    for name in CHUNKS:
        if name in sql:
            connection.register("pooled", pooled(connection, name).to_arrow())
            connection.execute(f"create temp table {name} as select * from pooled")
            connection.unregister("pooled")


def pooled(connection: Any, name: str) -> polars.DataFrame:
    """Return what `as_view` does: one row per group that has a gap."""
    import polars as pl

    sizes = fetch(
        connection,
        f"select group_key, sum({GAPS[name]})::bigint as n {streamed(name)} "
        "group by group_key order by n, group_key",
    )
    rows = []
    for part in parts(sizes):
        keys, counts = (part[column].to_numpy() for column in ("group_key", "n"))
        gaps = read(connection, name, keys, counts)
        with ThreadPoolExecutor(2) as workers:
            found = workers.map(told, gaps)
            rows += [{"group_key": int(key), **row} for key, row in zip(keys, found, strict=True)]
    kinds = {"group_key": pl.UInt64, "n": pl.Int64}
    columns = ["avg", "std", "min", *(f"p{round(100 * p)}" for p in LEVELS), "max"]
    return pl.DataFrame(rows, schema=kinds | dict.fromkeys(columns, pl.Float64))


def parts(sizes: polars.DataFrame) -> Iterator[polars.DataFrame]:
    """Cut the groups, small ones first, into parts with at most MOST gaps; a larger one is alone."""
    start, held = 0, 0
    for row, n in enumerate(sizes["n"]):
        if held and held + n > MOST:
            yield sizes[start:row]
            start, held = row, 0
        held += n
    if held:
        yield sizes[start:]


def read(
    connection: Any, name: str, keys: NDArray[np.uint64], counts: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """Return the gaps of each of the groups `keys`, of which `counts` tells how many there are."""
    import numpy as np

    gaps = [np.empty(n) for n in counts]
    filled = [0] * len(keys)
    sorted_keys = np.argsort(keys)
    listed = ", ".join(str(key) for key in keys)
    # Room for several batches, so that DuckDB reads on while one is taken apart.
    connection.execute("set streaming_buffer_size = '64MB'")
    batches = connection.sql(
        f"select selection.group_key, {CHUNKS[name]} as chunks_ms {streamed(name)} "
        f"and selection.group_key in ({listed})"
    ).to_arrow_reader(BATCH)
    for batch in batches:
        group = np.searchsorted(keys, batch["group_key"].to_numpy(), sorter=sorted_keys)
        order = np.argsort(group, kind="stable")
        group = group[order]
        lists = batch["chunks_ms"].take(order)
        ends = lists.offsets.to_numpy()
        moments = lists.values.to_numpy()[ends[0] : ends[-1]]
        between = np.ones(len(moments), dtype=bool)
        # The first chunk of a stream has none before it.
        between[ends[:-1] - ends[0]] = False
        found = np.diff(moments, prepend=0)[between]
        through = np.cumsum(np.diff(ends) - 1)
        last = np.flatnonzero(np.diff(group, append=-1))
        start = 0
        for row in last:
            place, end = sorted_keys[group[row]], through[row]
            size = end - start
            gaps[place][filled[place] : filled[place] + size] = found[start:end]
            filled[place] += size
            start = end
    return gaps


def told(gaps: NDArray[np.float64]) -> dict[str, float]:
    """Return the row of one group; leaves `gaps` in another order."""
    import numpy as np

    mean = gaps.mean()
    # Part by part, so that no second array of that size is made.
    parts = (gaps[at : at + PART] for at in range(0, len(gaps), PART))
    squares = math.fsum(float(((part - mean) ** 2).sum()) for part in parts)
    row = {
        "n": len(gaps),
        "avg": round(float(mean), 9),
        "std": round(math.sqrt(squares / len(gaps)), 9),
        "min": float(gaps.min()),
        "max": float(gaps.max()),
    }
    values = np.quantile(gaps, LEVELS, overwrite_input=True)
    return row | {f"p{round(100 * p)}": float(v) for p, v in zip(LEVELS, values, strict=True)}
