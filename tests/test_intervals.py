"""Percentiles and their intervals: against numpy, against scipy, and by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from logscope.intervals import percentile_ranks, percentiles


def measure(values: Any, sessions: Any = None, days: Any = None) -> pl.DataFrame:
    n = len(values)
    frame = pl.DataFrame(
        {
            "group_key": [1] * n,
            "session": list(sessions) if sessions is not None else list(range(n)),
            "day": days
            if days is not None
            else [date(2026, 11, 9) + timedelta(i % 7) for i in range(n)],
            "ttft": [float(value) for value in values],
        }
    )
    return percentiles(frame, ["ttft"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=400))
def test_percentiles_are_numpys_to_the_bit(values: list[float]) -> None:
    told = {row["level"]: row["value"] for row in measure(values).iter_rows(named=True)}
    least = {0.5: 1, 0.95: 60, 0.99: 300}
    for level, value in told.items():
        if len(values) < least[level]:
            assert value is None
        else:
            assert value == np.percentile(np.array(values), 100 * level)


def test_a_percentile_by_hand() -> None:
    # 1..100: position (100 - 1) * 0.95 = 94.05, so 95 + 0.05 * (96 - 95).
    row = measure(range(1, 101)).filter(pl.col("level") == 0.95).row(0, named=True)
    assert row["n"] == 100
    assert row["value"] == pytest.approx(95.05)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 5, 6, 58, 59, 60, 100, 298, 299, 300, 1000, 5000])
def test_ranks_bound_the_percentile_with_95_percent(n: int, level: float) -> None:
    ranks = percentile_ranks(np.array([n]), np.array([n]), level)
    low, high = int(ranks.low[0]), int(ranks.high[0])
    if low == 0:
        # Not even the whole sample would do.
        assert 1 - level**n - (1 - level) ** n < 0.95
        return
    coverage = binom.cdf(high - 1, n, level) - binom.cdf(low - 1, n, level)
    assert coverage >= 0.95
    assert 1 <= low < high <= n
    # No shorter at both ends: each tail misses what it may, at most half where both can share.
    if low > 1 and high < n:
        assert binom.cdf(low, n, level) > 0.025
        assert 1 - binom.cdf(high - 2, n, level) > 0.025


def test_ranks_for_a_p95_of_100_by_hand() -> None:
    # Binomial(100, 0.95): P(B <= 89) = 0.0115, P(B <= 90) = 0.0282, so low = 90;
    # P(B <= 98) = 0.9629, P(B <= 99) = 0.9941, so high = 100.
    ranks = percentile_ranks(np.array([100]), np.array([100]), 0.95)
    assert (ranks.low[0], ranks.high[0]) == (90, 100)


def test_sixty_is_the_least_that_bounds_a_p95() -> None:
    assert percentile_ranks(np.array([58]), np.array([58]), 0.95).high[0] == 0
    assert percentile_ranks(np.array([60]), np.array([60]), 0.95).high[0] == 60


def test_requests_that_repeat_within_a_session_count_once() -> None:
    rng = np.random.default_rng(7)
    values = rng.lognormal(6, 0.5, 600)
    alone = measure(values).filter(pl.col("level") == 0.5).row(0, named=True)
    # Each value ten times in one session: n grows tenfold, what is known does not.
    tenfold = (
        measure(np.repeat(values, 10), np.repeat(np.arange(600), 10))
        .filter(pl.col("level") == 0.5)
        .row(0, named=True)
    )
    assert tenfold["n"] == 6000
    assert tenfold["n_eff"] == pytest.approx(600, rel=0.02)
    assert tenfold["high"] - tenfold["low"] == pytest.approx(alone["high"] - alone["low"], rel=0.3)


@pytest.mark.parametrize("n", [60, 80, 100, 300, 661, 1001])
def test_independent_values_are_worth_all_but_one(n: int) -> None:
    # Each alone in its session: deff = n/(n-1) * sum((h - q)^2) / (n q (1-q)) = n/(n-1).
    rows = measure(range(n), days=[date(2026, 11, 9)] * n)
    assert set(rows["n_eff"]) == {n - 1}


def test_the_design_effect_by_hand() -> None:
    # Four sessions of two values each, p50 = 4.5: shares below are 2, 1, 1, 0 of 2.
    # sum (h - m q)^2 = 1 + 0 + 0 + 1 = 2; G/(G-1) = 4/3; n q (1-q) = 8/4 = 2; deff = 4/3.
    values = [1, 2, 3, 8, 4, 7, 5, 6]
    row = measure(values, [0, 0, 1, 1, 2, 2, 3, 3], [date(2026, 11, 9)] * 8).row(0, named=True)
    assert row["level"] == 0.5
    assert row["value"] == 4.5
    assert row["n_eff"] == int(8 / (4 / 3))
    assert row["interval_basis"] in (None, "sessions; under 4 days")


def test_days_widen_the_interval_and_are_named() -> None:
    # Days that differ much: every value of a day is nearly the same.
    days = [date(2026, 11, 9) + timedelta(i // 100) for i in range(700)]
    values = [100 * (i // 100) + i % 100 / 100 for i in range(700)]
    row = measure(values, None, days).filter(pl.col("level") == 0.5).row(0, named=True)
    assert row["n_eff"] < 10
    three = (
        measure(values[:300], None, days[:300]).filter(pl.col("level") == 0.5).row(0, named=True)
    )
    assert three["interval_basis"] == "sessions; under 4 days"


def test_intervals_of_a_known_process_hold_as_often_as_they_say() -> None:
    # 200 runs of a log-normal: a right 95 % interval holds in 181 to 197 of them (99 % band).
    rng = np.random.default_rng(1)
    truth = float(np.exp(6 + 0.5 * 1.6448536269514722))
    held = 0
    for _ in range(200):
        row = measure(rng.lognormal(6, 0.5, 400)).filter(pl.col("level") == 0.95).row(0, named=True)
        held += row["low"] <= truth <= row["high"]
    print(f"p95 interval held in {held} of 200 runs")
    assert 181 <= held <= 200


def test_zeros_and_ties_are_values() -> None:
    row = measure([0.0] * 50 + [5.0] * 50).filter(pl.col("level") == 0.5).row(0, named=True)
    assert row["value"] == 2.5
    assert (row["low"], row["high"]) == (0.0, 5.0)


def test_what_was_not_measured_has_no_row() -> None:
    rows = pl.DataFrame(
        {
            "group_key": [7, 7, 9],
            "session": [1, 2, 3],
            "day": [date(2026, 11, 9)] * 3,
            "ttft": [4.0, None, None],
        }
    )
    told = percentiles(rows, ["ttft"], [0.5])
    assert told.select("group_key", "n", "value").rows() == [(7, 1, 4.0)]
    assert percentiles(rows.clear(), ["ttft"]).height == 0
