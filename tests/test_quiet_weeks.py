"""Alarms over 400 generated quiet weeks, and how often a planted shift is found.

Requests of six groups over a series of weeks: log-normal first tokens, times a factor that all
requests of an hour share and that remembers the hour before (autocorrelation rho). Nothing changes,
so every alarm is a false one. Then each week is judged once more with one group 20 % slower.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from logscope.mixes import Sample
from logscope.week_changes import PAST_CHANGES, Change, judged, week_change

WEEKS, GROUPS, REQUESTS = 400, 6, 2000
SPREAD_OF_REQUESTS, SPREAD_OF_HOURS = 0.6, 0.1
LEVELS = (0.5, 0.95)


def series(rho: float, seed: int) -> list[Sample]:
    """Return the weeks of one group, one sample each."""
    rng = np.random.default_rng(seed)
    weeks = WEEKS + PAST_CHANGES + 1
    noise = rng.normal(0, np.sqrt(1 - rho**2), weeks * 168)
    noise[0] = rng.normal()
    hours = lfilter([1.0], [1.0, -rho], noise).reshape(weeks, 168)
    found = []
    for factor in hours:
        hour = rng.integers(0, 168, REQUESTS)
        cell = rng.integers(0, 4, REQUESTS)
        log = rng.normal(6 + 0.3 * cell, SPREAD_OF_REQUESTS) + SPREAD_OF_HOURS * factor[hour]
        order = np.argsort(log)
        found.append(Sample(np.exp(log[order]), cell[order], (hour // 24)[order]))
    return found


def slower(sample: Sample, share: float) -> Sample:
    return replace(sample, value=sample.value * (1 + share))


def alarms(now: list[list[Change]], past: list[list[list[float]]], week: int) -> bool:
    """Judge one week: for each group and level its change, with the changes of the weeks before."""
    changes = [
        replace(change, past=tuple(past[g][k][week - PAST_CHANGES : week]))
        for g, levels in enumerate(now)
        for k, change in enumerate(levels)
    ]
    return any(change.alarm for change in judged(changes))


@pytest.mark.parametrize("rho", [0.0, 0.8, 0.95])
def test_quiet_weeks_are_quiet_and_shifts_are_found(
    rho: float, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = [series(rho, 1000 * g + round(100 * rho)) for g in range(GROUPS)]
    steps = [
        [[change(weeks[i + 1], weeks[i], level) for level in LEVELS] for i in range(len(weeks) - 1)]
        for weeks in groups
    ]
    past = [[[step[k].log_change for step in steps[g]] for k in range(2)] for g in range(GROUPS)]
    false, found = 0, 0
    for week in range(PAST_CHANGES, PAST_CHANGES + WEEKS):
        quiet = [steps[g][week] for g in range(GROUPS)]
        false += alarms(quiet, past, week)
        # A factor on all values of a week moves its percentiles by that factor and nothing else.
        shifted = [replace(c, log_change=c.log_change + np.log(1.2)) for c in quiet[0]]
        found += alarms([shifted, *quiet[1:]], past, week)
    with capsys.disabled():
        print(
            f"\nrho {rho}: false alarms in {false} of {WEEKS} quiet weeks; "
            f"a group 20 % slower found in {found / WEEKS:.0%}"
        )
    assert false <= 30
    assert found / WEEKS > {0.0: 0.9, 0.8: 0.5, 0.95: 0.1}[rho]


def change(now: Sample, before: Sample, level: float) -> Change:
    found = week_change(now, before, level)
    assert found is not None
    return found


def test_a_factor_on_a_week_moves_the_change_by_its_logarithm() -> None:
    before, now = series(0.8, 5)[:2]
    for level in LEVELS:
        plain, shifted = change(now, before, level), change(slower(now, 0.2), before, level)
        assert shifted.log_change == pytest.approx(plain.log_change + np.log(1.2), rel=1e-9)
        assert shifted.error_by_day == pytest.approx(plain.error_by_day, rel=1e-9)
