"""What changed between two weeks beyond noise.

Two estimates with intervals give the interval of their difference by the method of variance
estimates recovery, which keeps the intervals' lopsidedness. Where many pairs are tested at once,
Holm's correction keeps the chance of a single false alarm among them at 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Z = 1.959963984540054
ALPHA = 0.05
# A difference that is certain but smaller than this share is not worth anybody's morning.
LEAST_CHANGE = 0.05


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Shift:
    """How a number of one group moved from the week before to this one."""

    group: tuple[Any, ...]
    before: Estimate
    now: Estimate
    low: float
    high: float
    p_value: float
    beyond_noise: bool = False

    @property
    def difference(self) -> float:
        return self.now.value - self.before.value


def difference(now: Estimate, before: Estimate) -> tuple[float, float, float]:
    """Return the 95 % interval of now - before, low and high, and the p-value of no difference."""
    gap = now.value - before.value
    low = gap - math.hypot(now.value - now.low, before.high - before.value)
    high = gap + math.hypot(now.high - now.value, before.value - before.low)
    towards_zero = gap - low if gap > 0 else high - gap
    if towards_zero <= 0:
        return low, high, 1.0 if gap == 0 else 0.0
    return low, high, math.erfc(abs(gap) / towards_zero * Z / math.sqrt(2))


def estimate(row: Mapping[str, Any], measure: str) -> Estimate | None:
    """Return a row's number with its interval, None where either is withheld."""
    found = [row.get(f"{measure}{end}_ms") for end in ("", "_low", "_high")]
    if any(value is None for value in found):
        return None
    return Estimate(*(float(value) for value in found if value is not None))


def shifts(
    now: Sequence[Mapping[str, Any]],
    before: Sequence[Mapping[str, Any]],
    by: Sequence[str],
    measure: str,
) -> list[Shift]:
    """Return every group for which both weeks tell the measure, the surest change first.

    A shift is beyond noise if Holm's correction over all groups says so and it is 5 % or more.
    """
    past = {tuple(row[key] for key in by): row for row in before}
    found = []
    for row in now:
        group = tuple(row[key] for key in by)
        new = estimate(row, measure)
        old = estimate(past[group], measure) if group in past else None
        if new and old:
            found.append(Shift(group, old, new, *difference(new, old)))
    found.sort(key=lambda shift: (shift.p_value, str(shift.group)))
    judged, open_ = [], True
    for place, shift in enumerate(found):
        open_ = open_ and shift.p_value <= ALPHA / (len(found) - place)
        large = abs(shift.difference) >= LEAST_CHANGE * abs(shift.before.value)
        judged.append(Shift(**{**vars(shift), "beyond_noise": open_ and large}))
    return judged
