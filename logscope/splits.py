"""Splits: shares of traffic per model, as fractions that sum to 1, and arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

UNITS = 1000  # a proposed split is told, and exported, in thousandths

Split = Mapping[str, float]


def whole_weights(split: Split, total: int) -> dict[str, int]:
    """Return weights that sum to `total`, by largest remainder; a share above 0 gets at least 1.

    Ties go to the first name, so that the same split gives the same weights.
    """
    size = sum(split.values())
    if not split or size <= 0:
        return dict.fromkeys(sorted(split), 0)
    # Rounded first: 0.55 x 1000 is not quite 550 for a computer.
    exact = {name: round(split[name] / size * total, 6) for name in sorted(split)}
    weights = {name: math.floor(value) for name, value in exact.items()}
    for name, value in exact.items():
        weights[name] = max(weights[name], 1 if value > 0 else 0)
    by_remainder = sorted(exact, key=lambda name: (weights[name] - exact[name], name))
    missing = total - sum(weights.values())
    for i in range(missing):
        weights[by_remainder[i % len(by_remainder)]] += 1
    for _ in range(-missing):  # small shares were lifted: the largest weight pays
        weights[max(weights, key=lambda name: (weights[name], name))] -= 1
    return weights


def rounded(split: Split, units: int = UNITS) -> dict[str, float]:
    """Return the split in whole parts of 1 / `units`, so that it still sums to 1."""
    return {name: weight / units for name, weight in whole_weights(split, units).items()}


def largest(split: Split) -> str:
    """Return the model with the largest share, the first name of equals."""
    return min(split, key=lambda name: (-split[name], name))


def exploring(today: Split, models: Sequence[str], floor: float) -> dict[str, float]:
    """Return today's split with at least `floor` for each of `models`, taken from the largest.

    `models` are in the order of preference: as many are tried at once as the largest can give up
    half of its share for; one always is.
    """
    split = dict(today)
    giver = largest({name: share for name, share in today.items() if name not in models} or today)
    budget = split[giver] / 2
    for i, name in enumerate(models):
        step = floor - split.get(name, 0.0)
        if name == giver or step <= 0:
            continue
        if i and step > budget:
            break
        step = min(step, split[giver])
        split[name] = split.get(name, 0.0) + step
        split[giver] -= step
        budget -= step
    return split


def moved_to(today: Split, target: str, candidates: list[str], floor: float) -> dict[str, float]:
    """Return the split that sends everything to `target` but `floor` to each other candidate."""
    others = [name for name in candidates if name != target]
    kept = min(floor, 0.5 / len(others)) if others else 0.0
    split = dict.fromkeys([*today, *candidates], 0.0) | dict.fromkeys(others, kept)
    split[target] = 1 - kept * len(others)
    return split


def stepped(today: Split, goal: Split, limit: float | None) -> dict[str, float]:
    """Return the point on the way from `today` to `goal` where no share moved more than `limit`."""
    names = sorted({*today, *goal})
    longest = max((abs(goal.get(name, 0) - today.get(name, 0)) for name in names), default=0.0)
    part = 1.0 if limit is None or longest <= limit else limit / longest
    return {n: today.get(n, 0.0) + part * (goal.get(n, 0.0) - today.get(n, 0.0)) for n in names}


def without(split: Split, banned: set[str]) -> dict[str, float]:
    """Return the split without some models; the largest of the others takes their share."""
    left = {name: share for name, share in split.items() if name not in banned}
    if not left:
        return dict(split)
    taker = largest(left)
    freed = sum(share for name, share in split.items() if name in banned)
    return {**dict.fromkeys(split, 0.0), **left, taker: left[taker] + freed}


def alike(one: Split, other: Split, tolerance: float) -> bool:
    """Tell whether no model's share differs by more than `tolerance`."""
    names = {*one, *other}
    return all(abs(one.get(name, 0.0) - other.get(name, 0.0)) <= tolerance for name in names)


def averaged(splits: Sequence[tuple[float, Split]]) -> dict[str, float]:
    """Return the average of (weight, split)."""
    total = math.fsum(weight for weight, _ in splits)
    names = sorted({name for _, split in splits for name in split})
    return {
        name: math.fsum(weight * split.get(name, 0.0) for weight, split in splits) / total
        for name in names
    }
