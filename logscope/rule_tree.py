"""Growing rules: a small tree that tells the clusters apart by columns a proxy can see.

Each split has a condition; what satisfies it goes one way, the rest (NULL included) the other.
Read from the satisfied side on, the leaves are a list of rules in which the first that holds wins
and the last is empty, so what the list says of a request is exactly where the tree put it.

The tree is grown on counts of whole columns, best split of all routes first. Counts are integers,
ties go to the first column and the smallest value, so the same rows give the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from logscope.rules import Condition, Rule, simplified

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

T = TypeVar("T")

MAX_LEAVES = 8
MAX_DEPTH = 4
MIN_LEAF = 200  # requests
MIN_LEAF_SHARE = 0.02  # of a route
MIN_GAIN = 0.02  # of the impurity of a route: below, a split tells nothing worth a rule
MAX_CATEGORIES = 50
# Thresholds a person would choose: 1, 1.5, 2, 3, ... of every power of ten, and 1,000 x powers of
# two, as people speak of contexts.
STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
CUTS = sorted(
    {0}
    | {round(step * 10**power) for step in STEPS for power in range(8) if step * 10**power >= 1}
    | {1000 * 2**power for power in range(11)}
)


@dataclass(frozen=True)
class Coded:
    """A column as small integers: the number of its value among `values`, the last code is NULL.

    Numbers: code i means above values[i - 1] and up to values[i]; texts and booleans: values[i].
    """

    name: str
    ordered: bool
    values: tuple[float | str | bool, ...]
    codes: NDArray[np.uint8]

    @property
    def null(self) -> int:
        return len(self.values) + self.ordered


@dataclass(frozen=True)
class Leaf:
    """A rule as grown, and the rows (positions) for which it is the first that holds."""

    route: int
    path: Rule
    rows: NDArray[np.int64]

    @property
    def rule(self) -> Rule:
        return simplified(self.path)


@dataclass
class _Node:
    """A leaf that may still be split, or a split."""

    route: int
    rows: NDArray[np.int64]
    depth: int
    least: float
    condition: Condition | None = None
    satisfied: _Node | None = None
    rest: _Node | None = None


@dataclass(frozen=True)
class _Split:
    gain: float
    column: Coded
    condition: Condition
    codes: NDArray[np.bool_]  # which codes satisfy it


def encode(column: polars.Series) -> Coded | None:
    """Return a column of requests as codes; None if it is unknown or always the same."""
    import polars as pl

    if column.dtype.is_numeric():
        values = column.cast(pl.Float64).to_numpy()
        known = ~np.isnan(values)
        if not known.any():
            return None
        low, high = values[known].min(), values[known].max()
        cuts = [cut for cut in CUTS if low <= cut < high]
        above = np.searchsorted(np.array(cuts, dtype=float), values, side="left")
        codes = np.where(known, above, len(cuts) + 1).astype(np.uint8)
        coded = Coded(column.name, True, tuple(cuts), codes)
        return coded if cuts or not known.all() else None
    counts = column.drop_nulls().value_counts()
    # The commonest first, and true before false.
    order = [column.name] if column.dtype == pl.Boolean else ["count", column.name]
    counts = counts.sort(order, descending=[True, False][: len(order)])
    found = counts[column.name].to_list()[:MAX_CATEGORIES]
    if not found or (len(found) == 1 and not column.null_count()):
        return None
    # Rarer categories than these satisfy no condition that could be found: as if unknown.
    number = {value: i for i, value in enumerate(found)}
    codes = column.replace_strict(number, default=len(found), return_dtype=pl.UInt8).to_numpy()
    return Coded(column.name, False, tuple(found), codes)


def grow(
    columns: Sequence[Coded],
    clusters: NDArray[np.int64],
    routes: NDArray[np.int64],
    max_leaves: int = MAX_LEAVES,
) -> list[Leaf]:
    """Return the leaves, route by route, in the order in which their rules apply.

    `clusters` and `routes` are numbers from 0, one per request. Each route has at least one leaf,
    so with more routes than `max_leaves` each has exactly one.
    """
    roots, open_leaves = [], []
    for route in range(int(routes.max(initial=-1)) + 1):
        rows = np.flatnonzero(routes == route)
        root = _Node(route, rows, 0, MIN_GAIN * _impurity(np.bincount(clusters[rows])))
        roots.append(root)
        open_leaves.append((root, _best_split(root, columns, clusters)))
    leaves = len(roots)
    while leaves < max_leaves and open_leaves:
        place = max(
            range(len(open_leaves)),
            key=lambda i: split.gain if (split := open_leaves[i][1]) else -1,
        )
        node, split = open_leaves.pop(place)
        if split is None:
            break
        yes = split.codes[split.column.codes[node.rows]]
        node.condition = split.condition
        node.satisfied = _Node(node.route, node.rows[yes], node.depth + 1, node.least)
        node.rest = _Node(node.route, node.rows[~yes], node.depth + 1, node.least)
        for child in (node.satisfied, node.rest):
            open_leaves.append((child, _best_split(child, columns, clusters)))
        leaves += 1
    return [leaf for root in roots for leaf in _flatten(root, ())]


def merge(
    leaves: Sequence[Leaf], judge: Callable[[Leaf], T], same: Callable[[T, T], bool]
) -> list[tuple[Leaf, T]]:
    """Return the leaves and what `judge` says of each; neighbours judged the `same` become one.

    A rule can go if the next one of its route takes all its rows, and if what is said of both
    together is the same again: pooled, two types that were hardly tried might seem to be tried.
    """
    merged = [(leaf, judge(leaf)) for leaf in leaves]
    i = 0
    while i + 1 < len(merged):
        (one, its), (other, others) = merged[i], merged[i + 1]
        i += 1
        if (
            one.route != other.route
            or not set(other.path) <= set(one.path)
            or not same(its, others)
        ):
            continue
        both = Leaf(one.route, other.path, np.sort(np.concatenate([one.rows, other.rows])))
        verdict = judge(both)
        if same(its, verdict):
            merged[i - 1 : i + 1] = [(both, verdict)]
            i = 0
    return merged


def _flatten(node: _Node, path: Rule) -> Iterator[Leaf]:
    if node.condition is None or node.satisfied is None or node.rest is None:
        yield Leaf(node.route, path, node.rows)
        return
    yield from _flatten(node.satisfied, (*path, node.condition))
    yield from _flatten(node.rest, path)


def _impurity(counts: NDArray[np.int64]) -> float:
    """Return n times the Gini impurity of counts by cluster."""
    n = int(counts.sum())
    return n - float((counts.astype(float) ** 2).sum()) / n if n else 0.0


def _best_split(
    node: _Node, columns: Sequence[Coded], clusters: NDArray[np.int64]
) -> _Split | None:
    """Return the split that separates the clusters best, None where none is worth it."""
    if node.depth >= MAX_DEPTH or len(node.rows) < 2 * MIN_LEAF:
        return None
    width = int(clusters.max()) + 1
    labels = clusters[node.rows]
    total = np.bincount(labels, minlength=width)
    smallest = max(MIN_LEAF, MIN_LEAF_SHARE * len(node.rows))
    best: _Split | None = None
    for column in columns:
        bins = column.null + 1
        cells = column.codes[node.rows].astype(np.int64) * width + labels
        table = np.bincount(cells, minlength=bins * width).reshape(bins, width)
        for condition, codes in _conditions(column, table):
            inside = table[codes].sum(axis=0)
            n = int(inside.sum())
            if n < smallest or len(node.rows) - n < smallest:
                continue
            gain = _impurity(total) - _impurity(inside) - _impurity(total - inside)
            if gain > max(node.least, best.gain if best else 0.0):
                best = _Split(gain, column, condition, codes)
    return best


def _conditions(
    column: Coded, table: NDArray[np.int64]
) -> Iterator[tuple[Condition, NDArray[np.bool_]]]:
    """Yield the conditions that can be put on a column, with the codes that satisfy each."""
    codes = np.arange(len(table))
    if column.ordered:
        unknown = table[column.null].any()
        for i, cut in enumerate(column.values):
            yield Condition(column.name, "<=", cut), codes <= i
            if unknown:  # else it is the same split, seen from the other side
                yield Condition(column.name, ">", cut), (codes > i) & (codes < column.null)
        return
    present = [i for i in range(len(column.values)) if table[i].any()]
    for i in present:
        yield Condition(column.name, "=", column.values[i]), codes == i
    # Several values at once: those that mostly mean the same cluster.
    mostly = table.argmax(axis=1)
    for cluster in range(table.shape[1]):
        alike = [i for i in present if mostly[i] == cluster]
        if 2 <= len(alike) < len(present):
            values = tuple(sorted(str(column.values[i]) for i in alike))
            yield Condition(column.name, "in", values), np.isin(codes, alike)
