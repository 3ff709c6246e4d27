"""The forecast of the coming week's cost: by hand, and what it must not be told from."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import t

from logscope.errors import NoDataError
from logscope.markdown import render_markdown
from logscope.queries import find_query
from logscope.weekly import build_report
from tests.conftest import Bench, Row, native

MONDAY = date(2026, 11, 9)


def weeks_of(thousands: list[int], name: str = "r", **fields: Any) -> list[Row]:
    """Return a request a day, of as many thousand tokens a week; the last week is that of MONDAY."""
    records = []
    for back, tokens in enumerate(reversed(thousands)):
        for day in range(7):
            moment = datetime(2026, 11, 9, 10, tzinfo=UTC) + timedelta(day - 7 * back)
            row = native(f"{name}-{back}-{day}", started_at=moment.isoformat(), **fields)
            records.append(row | {"input_tokens": 1000 * tokens, "output_tokens": 0})
    return [row for row in records if row["input_tokens"]]


def bench_of(folder: Path, records: list[Row]) -> Bench:
    bench = Bench(folder)
    bench.ingest(bench.write(records))
    return bench


def test_weeks_that_double_and_halve(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, weeks_of([1, 2, 1, 2]))
    row = bench.logs.forecast([]).row(0, named=True)
    last = float(bench.logs.cost([], week="2026-W46")["cost_usd"][0])
    # Three changes of log 2 up or down: their root mean square is log 2, t of 3 degrees is 3.182446.
    assert row["week"] == date(2026, 11, 16)
    assert row["past_changes"] == 3
    assert row["spread"] == pytest.approx(0.693147)
    assert row["forecast_usd"] == pytest.approx(last)
    assert row["high_usd"] == pytest.approx(last * 2**3.182446, rel=1e-4)
    assert row["low_usd"] == pytest.approx(last / 2**3.182446, rel=1e-3)


def test_weeks_without_a_cost_and_parts_of_weeks_compare_with_nothing(tmp_path: Path) -> None:
    records = weeks_of([3, 3, 3, 3, 3, 3])
    records += weeks_of([5, 5, 0, 5, 5, 5], "p", model="gpt-5.5")
    # The store begins on a Thursday: its first week is no whole one.
    records = [row for row in records if row["started_at"] >= "2026-10-08"]
    frame = bench_of(tmp_path, records).logs.forecast("model")
    found = {row["model"]: row for row in frame.to_dicts()}
    assert found["gpt-5.4"]["past_changes"] == 4
    assert found["gpt-5.4"]["low_usd"] == found["gpt-5.4"]["high_usd"]
    assert found["gpt-5.5"]["past_changes"] == 2
    assert found["gpt-5.5"]["low_usd"] is None


def test_three_weeks_tell_nothing(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, weeks_of([1, 2, 3]))
    with pytest.raises(NoDataError, match="needs 4 whole weeks"):
        bench.logs.forecast([])
    assert "will cost" not in render_markdown(build_report(bench.logs.store, MONDAY))


def test_the_report_tells_it_with_its_command(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, weeks_of([1, 2, 1, 2]))
    page = render_markdown(build_report(bench.logs.store, MONDAY))
    assert "week 47 will cost" in page
    assert "logscope cost --forecast --by model --week 2026-W46" in page
    assert "will cost" not in render_markdown(build_report(bench.logs.store, date(2026, 11, 2)))


def test_the_quantiles_are_those_of_t() -> None:
    pairs = re.findall(r"\((\d+), (\d\.\d+)\)", find_query("cost_forecast").sql)
    assert [int(degrees) for degrees, _ in pairs] == list(range(3, 13))
    for degrees, quantile in pairs:
        assert float(quantile) == pytest.approx(t.ppf(0.975, int(degrees)), abs=1e-6)
