"""Change points: found where they were put, and seldom where nothing was put."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from logscope.change_points import changed_stretch, log_likelihood

HOURS, WEEKS, REQUESTS = 168, 150, 2000
WEDNESDAY_14 = 62


def draw(share: NDArray[np.float64], n: int = 20) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return `n` requests an hour, slow with the share of the hour."""
    hits = np.random.default_rng(3).binomial(n, share)
    return np.full(len(share), n), hits


def test_log_likelihood_is_that_of_coin_tosses() -> None:
    # 3 of 4: 3 log(3/4) + log(1/4); all or none of them is certain.
    found = log_likelihood(np.array([3, 4, 0]), np.array([4, 4, 4]))
    assert found == pytest.approx([3 * np.log(0.75) + np.log(0.25), 0, 0])


def test_a_change_is_found_where_it_was_put() -> None:
    hour = np.arange(HOURS)
    later = changed_stretch(*draw(np.where(hour < WEDNESDAY_14, 0.5, 0.75)))
    assert later is not None
    # What remains of the week may be called inside or outside: the edge is one.
    edge = later.start or later.stop
    assert abs(edge - WEDNESDAY_14) <= 3 and {later.start, later.stop} & {0, HOURS}
    incident = changed_stretch(*draw(np.where((hour >= 62) & (hour < 86), 0.9, 0.5)))
    assert incident is not None
    assert abs(incident.start - 62) <= 2 and abs(incident.stop - 86) <= 2
    assert incident.share_inside == pytest.approx(0.9, abs=0.05)
    assert incident.share_outside == pytest.approx(0.5, abs=0.05)


def test_nothing_is_found_where_nothing_is() -> None:
    assert changed_stretch(*draw(np.full(HOURS, 0.5))) is None
    assert changed_stretch(*draw(np.full(HOURS, 0.0))) is None
    assert changed_stretch(*draw(np.full(2, 0.5))) is None
    assert changed_stretch(np.zeros(HOURS, dtype=int), np.zeros(HOURS, dtype=int)) is None


@pytest.mark.parametrize(("rho", "most"), [(0.0, 0.02), (0.8, 0.05), (0.95, 0.2)])
def test_quiet_weeks_seldom_have_one(rho: float, most: float, capsys: Any) -> None:
    """Hours that remember the hour before look like changes; told is one only beside an alarm."""
    rng = np.random.default_rng(round(100 * rho))
    noise = rng.normal(0, np.sqrt(1 - rho**2), WEEKS * HOURS)
    noise[0] = rng.normal()
    mood = lfilter([1.0], [1.0, -rho], noise).reshape(WEEKS, HOURS)
    quiet, found, edges = 0, 0, []
    for week in range(1, WEEKS):
        hour = rng.integers(0, HOURS, REQUESTS)
        before = rng.normal(0, 0.6, REQUESTS) + 0.1 * mood[week - 1][hour]
        now = rng.normal(0, 0.6, REQUESTS) + 0.1 * mood[week][hour]
        limit = np.median(before)
        n = np.bincount(hour, minlength=HOURS)

        def stretch(values: NDArray[np.float64], hour=hour, n=n, limit=limit) -> Any:
            return changed_stretch(n, np.bincount(hour[values > limit], minlength=HOURS))

        quiet += stretch(now) is not None
        changed = stretch(now + np.log(1.4) * (hour >= WEDNESDAY_14))
        if changed is not None:
            found += 1
            edges.append(changed.start or changed.stop)
    off = np.abs(np.array(edges) - WEDNESDAY_14)
    with capsys.disabled():
        print(
            f"\nrho {rho}: a change point in {quiet / WEEKS:.0%} of {WEEKS} quiet weeks; one of 40 % "
            f"found in {found / WEEKS:.0%}, off by {np.median(off):.0f} h (p90 "
            f"{np.quantile(off, 0.9):.0f} h)"
        )
    assert quiet / WEEKS <= most
    assert found / WEEKS > 0.7
    assert np.median(off) <= 3
