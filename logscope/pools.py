"""Pools: all gaps of a group's streams together, and their exact percentiles in bounded memory.

A million streams have a hundred million gaps, which take longer to put in order than to read. So they
are counted in stretches of like length, and put in order are only the stretches in which a wanted rank
lies. What was read is kept until then; where that is too much it is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from logscope.gaps import CHUNKS, LEVELS, chunks, percentile_name
from logscope.intervals import interpolated, neighbours
from logscope.runs import Numbers, Runs, Values, stable_order
from logscope.tables import fetch

if TYPE_CHECKING:
    import polars

    from logscope.selection import Selection
    from logscope.store import Store

# Gaps held at once, 8 bytes each.
MOST = 120_000_000
# Streams taken at a time: few enough that their gaps stay in the processor's cache.
BATCH = 2_048
# Of a double's 52 bits of fraction those that a stretch leaves open: 128 stretches per doubling, but
# the more groups there are, the wider they are; of all groups there is ROOM for so many.
OPEN_BITS = 45
ROOM = 4_000_000
# From a microsecond to two days; what is shorter or longer is in the first or last stretch.
SHORTEST_MS, LONGEST_MS = 2.0**-10, 2.0**27


def make_tables(connection: Any, store: Store, selection: Selection, sql: str) -> None:
    """Make those of the tables of gaps that a query names, over the views of a selection."""
    for name in CHUNKS:
        if name in sql:
            question = name, selection
            if question not in store.answers:
                store.answers[question] = pooled(connection, name).to_arrow()
            connection.register("pooled", store.answers[question])
            connection.execute(f"create temp table {name} as select * from pooled")
            connection.unregister("pooled")


@dataclass(frozen=True)
class Batch:
    """Gaps of some streams, one stream after the other."""

    gaps: Values
    size: Numbers  # how many gaps each stream has
    group: Numbers  # the number of each stream's group

    def size_of(self, groups: int) -> Values:
        """Return how many gaps each group has here."""
        return np.bincount(self.group, weights=self.size, minlength=groups).astype(float)

    def sums(self, values: Values, groups: int) -> Values:
        """Return the sum over each group of a value for each gap."""
        of_stream = np.add.reduceat(values, np.cumsum(self.size) - self.size)
        return np.bincount(self.group, weights=of_stream, minlength=groups).astype(float)


@dataclass(frozen=True)
class Scale:
    """Stretches of gaps of like length; those of a group follow each other, and the groups do."""

    bits: int  # of a double those that a stretch leaves open
    first: int
    each: int  # stretches of one group

    @classmethod
    def of(cls, groups: int) -> Scale:
        bits = OPEN_BITS
        while True:
            first, last = (
                int(np.float64(x).view(np.int64)) >> bits for x in (SHORTEST_MS, LONGEST_MS)
            )
            if groups * (last - first + 1) <= ROOM or last == first:
                return cls(bits, first, last - first + 1)
            bits += 1

    def place(self, batch: Batch) -> Numbers:
        """Return the number of each gap's stretch."""
        place: Numbers = batch.gaps.view(np.int64) >> self.bits
        place = np.clip(place, self.first, self.first + self.each - 1)
        place += np.repeat(batch.group * self.each - self.first, batch.size)
        return place


class Batches:
    """Batches that can be gone through again: kept if they are not too many, else read anew."""

    def __init__(self, read: Callable[[], Iterator[Batch]]) -> None:
        self.read = read
        self.kept: list[Batch] | None = None

    def __iter__(self) -> Iterator[Batch]:
        if self.kept is not None:
            yield from self.kept
            return
        kept, room = [], MOST
        for batch in self.read():
            room -= len(batch.gaps)
            if room >= 0:
                kept.append(batch)
            else:
                kept.clear()
            yield batch
        if room >= 0:
            self.kept = kept


def pooled(connection: Any, name: str) -> polars.DataFrame:
    """Return what `gaps.as_view` does: one row per group that has a gap."""
    import polars as pl

    keys = np.sort(fetch(connection, "select group_key from groups")["group_key"].to_numpy())
    batches = Batches(lambda: read(connection, name, keys))
    pool = Pool.of(batches, len(keys))
    there = pool.n > 0
    n = pool.n[there]
    around = [neighbours(n, level) for level in LEVELS]
    wanted = [np.ones_like(n), *(rank for below, above, _ in around for rank in (below, above)), n]
    least, *found, most = pool.ranked(batches, np.flatnonzero(there), wanted)
    columns = {
        "group_key": keys[there],
        "n": n,
        "avg": np.round(pool.mean[there], 9),
        "std": np.round(np.sqrt(pool.variance[there]), 9),
        "min": least,
    }
    for level, (_, _, share), below, above in zip(
        LEVELS, around, found[::2], found[1::2], strict=True
    ):
        columns[percentile_name(level)] = interpolated(below, above, share)
    return pl.DataFrame(columns | {"max": most})


@dataclass(frozen=True)
class Pool:
    """How many gaps lie in each stretch of each group, and their first two moments by group."""

    scale: Scale
    counts: Numbers
    mean: Values
    variance: Values

    @classmethod
    def of(cls, batches: Iterable[Batch], groups: int) -> Pool:
        scale = Scale.of(groups)
        counts = np.zeros(groups * scale.each, dtype=np.int64)
        n, total, squares, centre = np.zeros((4, groups))
        for batch in batches:
            np.add.at(counts, scale.place(batch), 1)
            size, gaps = batch.size_of(groups), batch.sums(batch.gaps, groups)
            # Squares are summed about what a group's first gaps say its mean is: without loss.
            new = (n == 0) & (size > 0)
            centre[new] = gaps[new] / size[new]
            off = batch.gaps - np.repeat(centre[batch.group], batch.size)
            squares += batch.sums(off * off, groups)
            n, total = n + size, total + gaps
        mean = total / np.maximum(n, 1)
        variance = squares / np.maximum(n, 1) - (mean - centre) ** 2
        return cls(scale, counts, mean, np.maximum(variance, 0))

    @cached_property
    def n(self) -> NDArray[np.int64]:
        """How many gaps each group has."""
        n: NDArray[np.int64] = self.counts.reshape(-1, self.scale.each).sum(axis=1)
        return n

    def ranked(
        self, batches: Iterable[Batch], group: Numbers, ranks: Sequence[Numbers]
    ) -> list[Values]:
        """Return the gaps at some ranks (from 1) of some groups: for each of `ranks` one per group."""
        through = np.cumsum(self.counts)
        # Where a gap would lie if all were in order.
        target = (np.cumsum(self.n) - self.n)[group] + np.stack(ranks) - 1
        hit = np.searchsorted(through, target, side="right")
        within = target - (through[hit] - self.counts[hit])
        found = np.empty(hit.shape)
        for stretches in parts(np.unique(hit), self.counts):
            lying = self.gathered(batches, stretches)
            run = np.searchsorted(stretches, hit)
            mine = np.isin(hit, stretches)
            found[mine] = lying.values[lying.starts[run[mine]] + within[mine]]
        return list(found)

    def gathered(self, batches: Iterable[Batch], stretches: Numbers) -> Runs:
        """Return what lies in some stretches, one run for each."""
        number = np.full(len(self.counts), -1, dtype=np.int32)
        number[stretches] = np.arange(len(stretches))
        gaps, run = [], []
        for batch in batches:
            of_gap = number[self.scale.place(batch)]
            lies = of_gap >= 0
            gaps.append(batch.gaps[lies])
            run.append(of_gap[lies])
        together = np.concatenate(run)
        order = stable_order(together)
        return Runs.of(np.concatenate(gaps)[order], together[order], len(stretches))


def parts(stretches: Numbers, counts: Numbers) -> Iterator[Numbers]:
    """Cut stretches into parts of at most MOST / 4 gaps; one that holds more is alone."""
    through = np.cumsum(counts[stretches])
    start = 0
    while start < len(stretches):
        before = through[start - 1] if start else 0
        end = max(int(np.searchsorted(through, before + MOST // 4, side="right")), start + 1)
        yield stretches[start:end]
        start = end


def read(connection: Any, name: str, keys: NDArray[np.uint64]) -> Iterator[Batch]:
    """Read the gaps of all groups; `keys` are those of the groups, in order."""
    # Room for several batches, so that DuckDB reads on while one is taken apart.
    connection.execute("set streaming_buffer_size = '64MB'")
    # Streams are looked up among requests as they come. DuckDB, which guesses that few of them have
    # a second chunk, would hold them all and look up the requests.
    connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
    with connection.cursor() as other:
        batches = connection.sql(chunks(name)).to_arrow_reader(BATCH)
        other.execute("reset disabled_optimizers")
    for batch in batches:
        group = np.searchsorted(keys, batch["group_key"].to_numpy())
        place, size = batch["place"].to_numpy() - 1, batch["n"].to_numpy() - 1
        follow = batch["apart_ms"].is_null().to_numpy(zero_copy_only=False)
        if follow.any():
            yield taken_apart(batch["offsets_ms"], follow, place, size, group)
        if not follow.all():
            yield taken_apart(batch["apart_ms"], ~follow, 0 * place, size, group)


def taken_apart(
    moments: Any, rows: NDArray[np.bool_], place: Numbers, size: Numbers, group: Numbers
) -> Batch:
    """Return the gaps of some rows: of each so many (`size`) between chunks from a place (from 0) on."""
    start, size = (moments.offsets.to_numpy()[:-1] + place)[rows], size[rows]
    # The places of all first chunks of a gap, of one stream after the other.
    first = np.repeat(start - (np.cumsum(size) - size), size)
    first += np.arange(len(first), dtype=first.dtype)
    return Batch(np.diff(moments.values.to_numpy())[first], size, group[rows])
