"""Exact percentiles of many groupings of the same values, from one sort.

Values are sorted within runs, the finest parts that any grouping has. A group is a union of runs. Its
value at a rank is found by counting: each run falls into stretches of values that are 2 to 3 % wide,
the stretch of all the group's runs that holds the rank is found by adding up, and only what lies in
that stretch is put in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.integer[Any]]
Values = NDArray[np.float64]
# Of a double's 52 bits of fraction those that a stretch leaves open: 32 stretches per doubling.
OPEN_BITS = 47
# Values looked at together: few enough to stay in the processor's cache.
AT_ONCE = 1 << 17


def stable_order(numbers: Numbers) -> NDArray[np.int64]:
    """Return what sorts whole numbers from 0; those of up to 16 bits are sorted in one pass."""
    order: NDArray[np.int64] = np.argsort(small(numbers), kind="stable")
    return order


def small(numbers: Numbers) -> Numbers:
    """Return whole numbers from 0 in the shortest type that holds them."""
    return numbers.astype(np.min_scalar_type(numbers.max(initial=0)), copy=False)


def numbered(names: NDArray[Any]) -> tuple[NDArray[Any], Numbers]:
    """Return the distinct names in order, and the place of each row's name among them."""
    distinct = np.unique(names)
    return distinct, small(np.searchsorted(distinct, names))


def combined(numbers: Numbers, others: Numbers, end: int) -> Numbers:
    """Return a number for each pair of two numbers from 0, the second one below `end`."""
    kind = np.min_scalar_type((int(numbers.max(initial=0)) + 1) * end)
    pairs: Numbers = numbers.astype(kind)
    pairs *= end
    pairs += others.astype(kind, copy=False)
    return pairs


def starts_of(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return where among labels, equal ones side by side, each one begins."""
    changes = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    return np.concatenate([np.zeros(min(len(labels), 1), dtype=np.int64), changes])


def in_order(values: Values, numbers: Numbers, end: int) -> tuple[Values, Numbers]:
    """Return values in order, and the number of each; equal values in the order of their numbers.

    The numbers are whole, from 0 to below `end`.
    """
    # Times are mostly told to the microsecond: then one number holds both, and such numbers are
    # sorted in a third of the time.
    bits = end.bit_length()
    whole = np.rint(values * 1000)
    if np.array_equal(whole / 1000, values) and np.abs(whole).max(initial=0) < 2.0 ** (63 - bits):
        both = whole.astype(np.int64) << bits
        both |= numbers
        both.sort()
        return (both >> bits) / 1000, both & ((1 << bits) - 1)
    order = stable_order(numbers)
    order = order[np.argsort(values[order], kind="stable")]
    return values[order], numbers[order]


def places(values: Values) -> Numbers:
    """Return the number of the stretch in which each value lies: a larger one for larger values."""
    bits = values.view(np.int64)
    # The sign turned such that the order of the bits is the order of the numbers.
    return (bits ^ ((bits >> 63) & np.iinfo(np.int64).max)) >> OPEN_BITS


@dataclass(frozen=True)
class Runs:
    """Values sorted within runs: those of run i are values[starts[i]:starts[i + 1]]."""

    values: Values
    starts: Numbers

    @classmethod
    def of(cls, values: Values, run: Numbers, runs: int) -> Runs:
        """Return the runs of values; `run` is the number of each value's run, in order."""
        known = ~np.isnan(values)
        if not known.all():
            values, run = values[known], run[known]
        starts = np.concatenate([[0], np.cumsum(np.bincount(run, minlength=runs))])
        for start, end in pairwise(starts):
            values[start:end].sort()
        return cls(values, starts)

    @classmethod
    def joined(cls, parts: Sequence[Runs]) -> Runs:
        """Return the runs of all parts, one part after the other."""
        sizes = np.concatenate([[0], *(part.sizes for part in parts)])
        return cls(np.concatenate([part.values for part in parts]), np.cumsum(sizes))

    @cached_property
    def sizes(self) -> Numbers:
        return np.diff(self.starts)

    @cached_property
    def stretches(self) -> tuple[Numbers, Numbers, Numbers]:
        """The stretches of all runs: the run of each, where it lies among values, where it starts."""
        firsts = self.starts[:-1][self.sizes > 0]
        found = []
        for at in range(0, len(self.values), AT_ONCE):
            place = places(self.values[at : at + AT_ONCE])
            begins = np.ones(len(place), dtype=bool)
            begins[1:] = place[1:] != place[:-1]
            low, high = np.searchsorted(firsts, [at, at + AT_ONCE])
            begins[firsts[low:high] - at] = True
            found.append(np.flatnonzero(begins) + at)
        # One that goes on from where it was cut is two stretches in one place.
        start = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
        run = np.searchsorted(self.starts, start, side="right") - 1
        return run, places(self.values[start]), start

    def up_to(self, limits: Values) -> Numbers:
        """Return how many values of each run are at most its limit."""
        low, high = self.starts[:-1].copy(), self.starts[1:].copy()
        last = max(len(self.values) - 1, 0)
        while (low < high).any():
            middle = (low + high) // 2
            below = (low < high) & (self.values[np.minimum(middle, last)] <= limits)
            low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
        return low - self.starts[:-1]


@dataclass(frozen=True)
class Groups:
    """Groups as unions of runs; `group` is the number of each run's group, -1 for none."""

    runs: Runs
    group: Numbers

    @cached_property
    def in_order(self) -> dict[int, Values]:
        """The values of the stretches that were asked for: several ranks lie in the same."""
        return {}

    @cached_property
    def stretches(self) -> tuple[Numbers, int, Numbers, Numbers, Numbers]:
        """The stretches of all groups, those of a group in order, equal ones side by side.

        Keys (a number for group and stretch, so many for each group), where each lies among the
        values, how long it is, and how many values lie up to its end.
        """
        run, place, start = self.runs.stretches
        size = np.diff(start, append=len(self.runs.values))
        least, reach = (place.min(), int(np.ptp(place)) + 1) if len(place) else (0, 1)
        key = self.group[run] * reach + (place - least)
        order = np.argsort(key, kind="stable")
        order = order[self.group[run][order] >= 0]
        size = size[order]
        return key[order], reach, start[order], size, np.cumsum(size)

    def ranked(self, wanted: Numbers, rank: Numbers) -> Values:
        """Return the values at some ranks (from 0, below the size of the group) of some groups.

        `wanted` are the numbers of the groups, `rank` goes with them.
        """
        key, reach, start, size, through = self.stretches
        first = np.searchsorted(key, wanted * reach)
        target = np.where(first > 0, through[first - 1], 0) + rank
        hit = key[np.searchsorted(through, target, side="right")]
        found = np.empty(len(hit))
        for one in np.unique(hit):
            low, high = np.searchsorted(key, [one, one + 1])
            if one not in self.in_order:
                lying = zip(start[low:high], size[low:high], strict=True)
                values = np.concatenate([self.runs.values[at : at + n] for at, n in lying])
                values.sort()
                self.in_order[one] = values
            mine = hit == one
            found[mine] = self.in_order[one][target[mine] - (through[low] - size[low])]
        return found
