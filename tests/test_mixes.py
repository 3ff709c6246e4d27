"""Regions and weeks compared for the same requests: by hand, against numpy, and by simulation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from logscope.mixes import Sample, Weighted, common_mix, influence, percentile
from logscope.regions import compared, regions
from logscope.selection import select
from logscope.store import Store
from logscope.traffic_screens import changes_table
from logscope.week_changes import Change, holm, judged, numbers, week_changes
from tests.made_store import make_store

MONDAY = date(2026, 11, 9)


def sample(value: Any, cell: Any = 0, day: Any = 0, session: Any = 0) -> Sample:
    """Return a sample in order of value; numbers stand for arrays of them."""
    value = np.asarray(value, dtype=float)
    order = np.argsort(value, kind="stable")
    labels = (np.broadcast_to(np.asarray(x), value.shape)[order] for x in (cell, day, session))
    return Sample(value[order], *labels)


@pytest.mark.parametrize("n", [1, 2, 3, 60, 1001])
def test_with_equal_weights_a_percentile_is_numpys(n: int) -> None:
    value = np.random.default_rng(n).lognormal(6, 1, n)
    side = Weighted(sample(value), np.full(n, 1 / n))
    for level in (0, 0.05, 0.5, 0.95, 1):
        assert percentile(side, level) == pytest.approx(np.quantile(value, level), rel=1e-11)


def test_a_weighted_percentile_by_hand() -> None:
    side = Weighted(sample([1, 2, 3]), np.array([0.5, 0.25, 0.25]))
    # Middles of the weights: .25, .625, .875; from 0 to 1: 0, .6, 1. Half is .5 / .6 from 1 to 2.
    assert percentile(side, 0.5) == pytest.approx(1 + 0.5 / 0.6)


def test_the_common_mix_by_hand() -> None:
    # Cells of 30 and 10 requests on one side, of 10 and 50 on the other, and one of 4 and 6.
    a = sample(np.arange(44), np.repeat([0, 1, 2], [30, 10, 4]))
    b = sample(np.arange(66), np.repeat([0, 1, 2], [10, 50, 6]))
    mixed = common_mix(a, b)
    assert mixed is not None
    here, there, covered = mixed
    # Together 40 and 60; the third cell has too few on one side and is left out.
    for side in (here, there):
        sums = np.bincount(side.sample.cell, weights=side.weight)
        assert sums.tolist() == pytest.approx([0.4, 0.6])
    assert here.weight[0] == pytest.approx(0.4 / 30)
    assert there.weight[-1] == pytest.approx(0.6 / 50)
    assert covered == pytest.approx(100 / 110)


def test_no_like_requests_no_comparison() -> None:
    assert common_mix(sample(np.arange(90), 0), sample(np.arange(90), 1)) is None


def test_holm_by_hand() -> None:
    # Smallest times 3, next times 2 and no smaller than that, last times 1 and no smaller.
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_a_change_is_judged_by_the_larger_error_and_t() -> None:
    # Past changes of .1, -.1, .2 and 0: their root mean square is sqrt(.06 / 4) = .1225.
    past, spread = (0.1, -0.1, 0.2, 0.0), np.sqrt(0.06 / 4)
    by_weeks = Change(0.5, 0.4, 0.05, 1.0, past)
    by_days = replace(by_weeks, error_by_day=0.3)
    assert (by_weeks.error, by_days.error) == (pytest.approx(spread), 0.3)
    for change, error in ((by_weeks, spread), (by_days, 0.3)):
        # Alone, with as many degrees of freedom as past changes; Holm has nothing to correct.
        [told] = judged([change])
        assert told.p_value == told.p_holm == pytest.approx(2 * t.sf(0.4 / error, 4))
        row = numbers(told)
        assert row["low"] == pytest.approx(np.exp(0.4 - t.ppf(0.975, 4) * error) - 1, abs=1e-6)
        assert row["high"] == pytest.approx(np.exp(0.4 + t.ppf(0.975, 4) * error) - 1, abs=1e-6)
    assert [numbers(judged([c])[0])["verdict"] for c in (by_weeks, by_days)] == ["alarm", "quiet"]
    # Two of a kind: the smaller p twice.
    both = judged([by_weeks, by_days])
    assert both[0].p_holm == pytest.approx(2 * (both[0].p_value or 0))


def test_an_alarm_needs_more_than_five_percent_and_four_past_changes() -> None:
    def verdict(change: float, past: tuple[float, ...] = (0.001,) * 4) -> str:
        [told] = judged([Change(0.5, float(np.log1p(change)), 0.001, 1.0, past)])
        return str(numbers(told)["verdict"])

    # Beyond noise all of them.
    assert [verdict(x) for x in (0.049, 0.051, -0.049, -0.051)] == [
        *("quiet", "alarm"),
        *("quiet", "alarm"),
    ]
    assert verdict(0.5, (0.001,) * 3) == "provisional"


def test_the_interval_of_a_regions_difference_holds() -> None:
    """Sessions and days that both regions share: a 95 % interval holds in 181 to 197 of 200."""
    rng = np.random.default_rng(11)
    held = {0.5: 0, 0.95: 0}
    for _ in range(200):
        days = rng.normal(0, 0.1, 14)
        sides = []
        for factor, long_share in ((1.25, 0.7), (1.0, 0.3)):
            session = np.repeat(np.arange(150), 4)
            of_session = rng.normal(0, 0.2, 150)[session]
            day = rng.integers(0, 14, 150)[session]
            cell = (rng.random(600) < long_share).astype(int)
            log = 6 + 0.7 * cell + of_session + days[day] + rng.normal(0, 0.4, 600)
            sides.append(sample(factor * np.exp(log), cell, day, session + 150 * len(sides)))
        # Of the common mix, half long and half short requests, by a sample of a million.
        for level, truth in TRUTH.items():
            row = compared(sides[0], sides[1], level)
            held[level] += row["low_ms"] <= 0.25 * truth <= row["high_ms"]
    for level in held:
        assert 181 <= held[level] <= 197, held


def true_percentiles() -> dict[float, float]:
    rng = np.random.default_rng(0)
    cell = rng.random(1_000_000) < 0.5
    spread = np.sqrt(0.1**2 + 0.2**2 + 0.4**2)
    values = np.exp(6 + 0.7 * cell + rng.normal(0, spread, 1_000_000))
    return {level: float(np.quantile(values, level)) for level in (0.5, 0.95)}


TRUTH = true_percentiles()


def store_of(folder: Path, ttft: str, extra: str = "", weeks: int = 14, n: int = 2100) -> Store:
    """Return a store of weeks up to the one from MONDAY, `n` requests each, in two models.

    `ttft` is SQL over i (number in the week), week (0 is the last), noise (normal) and model.
    """
    query = f"""
        select *, {ttft} as ttft_ms
        from (
            select
                'r' || week || '-' || i as request_id,
                case when i % 2 = 0 then 'a' else 'b' end as model,
                case when i % 4 < 2 then 'eu' else 'us' end as region,
                'chat' as task,
                100 as input_tokens,
                timestamptz '{MONDAY} 00:00:00+00' - to_days((7 * week)::integer)
                    + to_microseconds((i * 604800000000 // {n})::bigint) as started_at,
                'ok' as status,
                sqrt(-2 * ln(u(i, week, 1))) * cos(2 * pi() * u(i, week, 2)) as noise,
                i, week {extra}
            from range({n}) as r(i), range({weeks}) as w(week)
        )
    """
    uniform = (
        "create macro u(i, w, k) as (hash(i * 1000003 + w * 7919 + k) % 1000000 + 1) / 1000001"
    )
    return make_store(folder / "store", query, setup=uniform)


PLANTED = "case when model = 'a' and week = 0 then 1.2 else 1 end * exp(6 + 0.5 * noise)"


def rows_of(store: Store, by: str = "model", **options: Any) -> dict[tuple[Any, str], Any]:
    frame = week_changes(store, select(by=by, **options), MONDAY)
    return {
        (*(row[name] for name in by.split(",") if name), row["percentile"]): row
        for row in frame.iter_rows(named=True)
    }


def test_a_planted_shift_is_an_alarm_and_the_rest_is_quiet(tmp_path: Path) -> None:
    store = store_of(tmp_path, PLANTED)
    rows = rows_of(store)
    assert {key: row["verdict"] for key, row in rows.items()} == {
        ("a", "p50"): "alarm",
        ("a", "p95"): "alarm",
        ("b", "p50"): "quiet",
        ("b", "p95"): "quiet",
    }
    shifted = rows["a", "p50"]
    assert shifted["past_changes"] == 12
    assert shifted["low"] <= 0.2 <= shifted["high"]
    assert shifted["covered"] == 1.0
    assert (shifted["n"], shifted["n_before"]) == (1050, 1050)
    frame = select(by=[]).connect(store)
    for week, name in ((0, "now_ms"), (1, "before_ms")):
        values = [
            row[0]
            for row in frame.execute(
                "select ttft_ms from requests where model = 'a' and request_id like ?",
                [f"r{week}-%"],
            ).fetchall()
        ]
        assert shifted[name] == pytest.approx(np.quantile(values, 0.5), rel=1e-12)
    frame.close()
    again = week_changes(Store.open(store.path), select(by="model"), MONDAY)
    assert again.equals(week_changes(store, select(by="model"), MONDAY))


def test_with_three_past_changes_a_change_is_provisional(tmp_path: Path) -> None:
    rows = rows_of(store_of(tmp_path, PLANTED, weeks=5))
    assert {row["verdict"] for row in rows.values()} == {"provisional"}
    row = rows["a", "p50"]
    assert row["past_changes"] == 3
    assert row["p_holm"] is None
    assert row["change"] == pytest.approx(0.2, abs=0.08)


def test_a_time_of_zero_is_a_value_but_no_share_is_of_it(tmp_path: Path) -> None:
    """Of model a 9 of 10 answers take 0 ms: its p50 is 0 and has no share, its p95 has one."""
    zero = f"case when model = 'a' and i % 20 < 18 then 0 else {PLANTED} end"
    rows = rows_of(store_of(tmp_path, zero))
    nothing, slow = rows["a", "p50"], rows["a", "p95"]
    assert (nothing["n"], nothing["now_ms"], nothing["before_ms"]) == (1050, 0, 0)
    assert (nothing["verdict"], nothing["change"]) == (None, None)
    # p95 of all is the median of the tenth that takes time, 20 % more than in the week before.
    assert slow["low"] < 0.2 < slow["high"]
    assert slow["verdict"] in ("alarm", "quiet")
    assert rows["b", "p50"]["verdict"] == "quiet"
    screen = changes_table(
        week_changes(Store.open(tmp_path / "store"), select(by="model"), MONDAY),
        ["model"],
        "2026-W46",
    )
    assert sum("no share of 0" in line for line in screen.splitlines()) == 1


def test_a_percentile_next_to_zero_has_an_error() -> None:
    # 100 values, the lower half 0: around the 52nd of them, 0 lies within one standard error.
    value = np.concatenate([np.zeros(50), np.full(50, 400.0) + np.arange(50)])
    side = Weighted(sample(value, day=np.arange(100) % 7), np.full(100, 0.01))
    plain, log = (influence(side, 0.52, log=log) for log in (False, True))
    quantile = percentile(side, 0.52)
    # The slope of the logarithm is one over the value.
    assert log == pytest.approx(plain / quantile, rel=1e-12)
    assert np.isfinite(log).all() and np.abs(log).max() > 0


def test_other_requests_are_no_change(tmp_path: Path) -> None:
    """Long prompts, twice as slow, go from a fifth to four fifths: p50 rises, speed does not."""
    long = "i // 4 % 5 < case when week = 0 then 4 else 1 end"
    store = store_of(
        tmp_path,
        "input_tokens / 100 * exp(6 + 0.3 * noise)",
        f", case when {long} then 't' else 's' end as team",
    )
    # The size of the prompt is what makes the cell; set it by the same rule.
    store = make_store(
        tmp_path / "mixed",
        "select * replace (case when team = 't' then 20000 else 100 end as input_tokens, "
        "case when team = 't' then 2 else 1 end * ttft_ms as ttft_ms) from given",
        setup=given(store),
    )
    row = rows_of(store)["a", "p50"]
    assert row["now_ms"] / row["before_ms"] > 1.3
    assert row["verdict"] == "quiet"
    assert abs(row["change"]) < 0.06
    assert row["low"] <= 0 <= row["high"]


def test_a_region_with_longer_prompts_is_not_slower(tmp_path: Path) -> None:
    """A part of the difference between two regions is the mix, 80 ms of it the distance."""
    long = "i % 10 < case when i % 4 < 2 then 8 else 2 end"
    store = store_of(tmp_path, "exp(6 + 0.3 * noise)", weeks=1, n=8000)
    store = make_store(
        tmp_path / "mixed",
        f"""select * replace (
            case when {long} then 20000 else 100 end as input_tokens,
            case when {long} then 300 else 0 end + case when region = 'eu' then 80 else 0 end
                + ttft_ms as ttft_ms)
        from (select *, split_part(request_id, '-', 2)::integer as i from given)""",
        setup=given(store),
    )
    frame = regions(store, select(by="task"))
    row = frame.filter(frame["percentile"] == "p50").row(0, named=True)
    assert {row["region"], row["reference"]} == {"eu", "us"}
    sign = 1 if row["region"] == "eu" else -1
    assert sign * row["naive_ms"] > 150
    assert row["low_ms"] <= sign * 80 <= row["high_ms"]
    assert row["high_ms"] - row["low_ms"] < 60
    assert row["interval_basis"] == "sessions and days"


def given(store: Store) -> str:
    """Return the SQL that makes the rows of a store the table `given`."""
    files = ", ".join(f"'{file.path}'" for file in store.files("requests"))
    return f"create table given as select * from read_parquet([{files}], hive_partitioning = true)"
