"""Pools: all gaps of a group's streams together, and their exact percentiles in bounded memory.

A million streams have a hundred million gaps, which take longer to put in order than to read. So they
are counted in stretches of like length, and put in order are only the stretches in which a wanted rank
lies. What was read is kept until then; where that is too much it is read again.

Most gaps count under every definition of a chunk (`gaps.CHUNKS`), and to read them is most of the work:
so one reading counts them for all. A group's gaps are counted in parts, one for each set of definitions,
and its pool under a definition is the union of the parts that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
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

# The parts of a group: bit i of a part's number tells if its gaps count under definition i.
PARTS = 2 ** len(CHUNKS)
# Gaps held at once, 8 bytes each.
MOST = 120_000_000
# Streams taken at a time: few enough that their gaps stay in the processor's cache.
BATCH = 2_048
# Of a double's 52 bits of fraction those that a stretch leaves open: 128 stretches per doubling, but
# the more parts there are, the wider they are; of all parts there is ROOM for so many.
OPEN_BITS = 45
ROOM = 4_000_000
# From a microsecond to two days; what is shorter or longer is in the first or last stretch.
SHORTEST_MS, LONGEST_MS = 2.0**-10, 2.0**27


def make_tables(connection: Any, store: Store, selection: Selection, sql: str) -> None:
    """Make those of the tables of gaps that a query names, over the views of a selection."""
    for name in CHUNKS:
        if name in sql:
            question = "gaps", selection
            if question not in store.answers:
                answers = pooled(connection)
                store.answers[question] = {name: answers[name].to_arrow() for name in answers}
            connection.register("pooled", store.answers[question][name])
            connection.execute(f"create temp table {name} as select * from pooled")
            connection.unregister("pooled")


@dataclass(frozen=True)
class Batch:
    """Gaps of some streams, cut into pieces whose gaps are of one part of one group."""

    gaps: Values
    size: Numbers  # how many gaps each piece has, one at least
    part: Numbers  # group * PARTS + part

    def sums(self, values: Values) -> Values:
        """Return the sum over each piece of a value for each gap."""
        of_piece: Values = np.add.reduceat(values, np.cumsum(self.size) - self.size)
        return of_piece


@dataclass(frozen=True)
class Scale:
    """Stretches of gaps of like length; those of a part follow each other, and the parts do."""

    bits: int  # of a double those that a stretch leaves open
    first: int
    each: int  # stretches of one part

    @classmethod
    def of(cls, parts: int) -> Scale:
        bits = OPEN_BITS
        while True:
            first, last = (
                int(np.float64(x).view(np.int64)) >> bits for x in (SHORTEST_MS, LONGEST_MS)
            )
            if parts * (last - first + 1) <= ROOM or last == first:
                return cls(bits, first, last - first + 1)
            bits += 1

    def place(self, batch: Batch) -> Numbers:
        """Return the number of each gap's stretch."""
        place: Numbers = batch.gaps.view(np.int64) >> self.bits
        np.clip(place, self.first, self.first + self.each - 1, out=place)
        place += np.repeat(batch.part * self.each - self.first, batch.size)
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


def pooled(connection: Any) -> dict[str, polars.DataFrame]:
    """Return of each definition what `gaps.as_view` does: one row per group that has a gap."""
    keys = np.sort(fetch(connection, "select group_key from groups")["group_key"].to_numpy())
    batches = Batches(lambda: read(connection, keys))
    parts = Parts.of(batches, len(keys))
    pools = [Pool.of(parts, definition) for definition in range(len(CHUNKS))]
    hit = np.unique(np.concatenate([pool.stretch.ravel() for pool in pools]))
    for stretches in portions(hit, parts.counts[:, 1:].sum(axis=1).ravel()):
        gaps, cell = parts.gathered(batches, stretches)
        for pool in pools:
            pool.find(gaps, cell, stretches)
    return {name: pool.frame(keys) for name, pool in zip(CHUNKS, pools, strict=True)}


@dataclass(frozen=True)
class Parts:
    """How many gaps of each part of each group lie in each stretch, and their first two moments."""

    scale: Scale
    counts: Numbers  # groups x parts x stretches
    mean: Values  # groups x parts
    squares: Values  # of what lies between gaps and mean, their sum; groups x parts

    @classmethod
    def of(cls, batches: Iterable[Batch], groups: int) -> Parts:
        parts = groups * PARTS
        scale = Scale.of(parts)
        counts = np.zeros(parts * scale.each, dtype=np.int64)
        n, total, squares, centre = np.zeros((4, parts))
        for batch in batches:
            part = batch.part
            np.add.at(counts, scale.place(batch), 1)
            new = part[n[part] == 0]
            np.add.at(n, part, batch.size.astype(float))  # else it converts them one by one
            np.add.at(total, part, batch.sums(batch.gaps))
            # Squares are summed about what a part's first gaps say its mean is: without loss.
            centre[new] = total[new] / n[new]
            off = batch.gaps - np.repeat(centre[part], batch.size)
            off *= off
            np.add.at(squares, part, batch.sums(off))
        mean = total / np.maximum(n, 1)
        squares = np.maximum(squares - n * (mean - centre) ** 2, 0)
        shape = groups, PARTS
        return cls(scale, counts.reshape(*shape, -1), mean.reshape(shape), squares.reshape(shape))

    def gathered(self, batches: Iterable[Batch], stretches: Numbers) -> tuple[Values, Numbers]:
        """Return the gaps in some stretches of the groups, in their order, and the cell of each.

        A cell is stretch * PARTS + part, a stretch numbered by its place among those asked for.
        """
        number = np.full(self.counts.shape, -1, dtype=np.int32)
        group, stretch = np.divmod(stretches, self.scale.each)
        number[group, :, stretch] = np.arange(len(stretches) * PARTS).reshape(-1, PARTS)
        number[:, 0] = -1  # of no definition
        cell_of = number.ravel()
        gaps, cell = [], []
        for batch in batches:
            of_gap = cell_of[self.scale.place(batch)]
            lies = of_gap >= 0
            gaps.append(batch.gaps[lies])
            cell.append(of_gap[lies])
        cells = np.concatenate(cell)
        order = stable_order(cells >> len(CHUNKS))
        return np.concatenate(gaps)[order], cells[order]


@dataclass(frozen=True)
class Pool:
    """All gaps under one definition, of the groups that have any; where those at the ranks wanted lie."""

    has: NDArray[np.bool_]  # which parts count
    group: NDArray[np.int64]
    n: NDArray[np.int64]
    mean: Values
    std: Values
    # Of each rank in each group: the stretch, the place in it (from 0) and, once found, the gap.
    stretch: Numbers
    within: Numbers
    found: Values

    @classmethod
    def of(cls, parts: Parts, definition: int) -> Pool:
        has = np.arange(PARTS) >> definition & 1 == 1
        counts = parts.counts[:, has].sum(axis=1)
        all_n = counts.sum(axis=1)
        group = np.flatnonzero(all_n)
        n = all_n[group]
        size = parts.counts[:, has].sum(axis=2)[group]
        own_mean, squares = (moment[group][:, has] for moment in (parts.mean, parts.squares))
        mean = (size * own_mean).sum(axis=1) / n
        squares = (squares + size * (own_mean - mean[:, None]) ** 2).sum(axis=1)
        # Where a gap would lie if all were in order.
        target = (np.cumsum(all_n) - all_n)[group] + ranks(n) - 1
        through = np.cumsum(counts)
        stretch = np.searchsorted(through, target, side="right")
        within = target - (through - counts.ravel())[stretch]
        return cls(
            has, group, n, mean, np.sqrt(squares / n), stretch, within, np.empty(stretch.shape)
        )

    def find(self, gaps: Values, cell: Numbers, stretches: Numbers) -> None:
        """Find what lies in some stretches, among what `Parts.gathered` returns of them."""
        mine = np.isin(self.stretch, stretches)
        counts = self.has[cell & (PARTS - 1)]
        lying = Runs.of(gaps[counts], cell[counts] >> len(CHUNKS), len(stretches))
        wanted = np.searchsorted(stretches, self.stretch[mine])
        self.found[mine] = lying.values[lying.starts[wanted] + self.within[mine]]

    def frame(self, keys: NDArray[np.uint64]) -> polars.DataFrame:
        """Return a row per group, in the order of their keys."""
        import polars as pl

        least, *between, most = self.found
        columns = {
            "group_key": keys[self.group],
            "n": self.n,
            "avg": np.round(self.mean, 9),
            "std": np.round(self.std, 9),
            "min": least,
        }
        for level, below, above in zip(LEVELS, between[::2], between[1::2], strict=True):
            share = neighbours(self.n, level)[2]
            columns[percentile_name(level)] = interpolated(below, above, share)
        return pl.DataFrame(columns | {"max": most})


def ranks(n: NDArray[np.int64]) -> Numbers:
    """Return the ranks (from 1) that are wanted of `n` gaps: the first, those around each level, the last."""
    around = [rank for level in LEVELS for rank in neighbours(n, level)[:2]]
    return np.stack([np.ones_like(n), *around, n])


def portions(stretches: Numbers, counts: Numbers) -> Iterator[Numbers]:
    """Cut stretches into portions of at most MOST / 8 gaps; one that holds more is alone."""
    through = np.cumsum(counts[stretches])
    start = 0
    while start < len(stretches):
        before = through[start - 1] if start else 0
        end = max(int(np.searchsorted(through, before + MOST // 8, side="right")), start + 1)
        yield stretches[start:end]
        start = end


def read(connection: Any, keys: NDArray[np.uint64]) -> Iterator[Batch]:
    """Read the gaps of all groups; `keys` are those of the groups, in order."""
    # Room for several batches, so that DuckDB reads on while one is taken apart.
    connection.execute("set streaming_buffer_size = '64MB'")
    # Streams are looked up among requests as they come. DuckDB, which guesses that few of them have
    # a second chunk, would hold them all and look up the requests.
    connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
    with connection.cursor() as other:
        batches = connection.sql(chunks(*CHUNKS)).to_arrow_reader(BATCH)
        other.execute("reset disabled_optimizers")
    for batch in batches:
        group = np.searchsorted(keys, batch["group_key"].to_numpy())
        together = {}
        for definition, name in enumerate(CHUNKS):
            place, n = (batch[f"{name}_{part}"].to_numpy() for part in ("place", "n"))
            size, apart = np.maximum(n - 1, 0), batch[f"{name}_apart"]
            follow = apart.is_null().to_numpy(zero_copy_only=False)
            together[definition] = place - 1, size * follow
            if not follow.all():
                yield taken_apart(apart, group, {definition: (0 * place, size * ~follow)})
        yield taken_apart(batch["offsets_ms"], group, together)


def taken_apart(
    moments: Any, group: Numbers, counted: Mapping[int, tuple[Numbers, Numbers]]
) -> Batch:
    """Return the gaps between the moments of each stream, and what lies between streams as no part.

    `counted` tells for each definition which gaps of a stream count: from a place (from 0) on so many.
    """
    begin = moments.offsets.to_numpy()
    gaps = np.diff(moments.values.to_numpy()[begin[0] : begin[-1]])
    begin = begin[:-1] - begin[0]
    limits = [(begin + place, begin + place + size) for place, size in counted.values()]
    # The ends of all limits cut a stream into pieces.
    cuts = np.sort(np.stack([begin, *chain(*limits)], axis=1), axis=1)
    part = np.repeat(PARTS * group[:, None], cuts.shape[1], axis=1)
    for definition, (low, high) in zip(counted, limits, strict=True):
        part += ((low[:, None] <= cuts) & (cuts < high[:, None])) << definition
    size = np.diff(np.minimum(cuts.ravel(), len(gaps)), append=len(gaps))
    there = size > 0
    return Batch(gaps, size[there], part.ravel()[there])
