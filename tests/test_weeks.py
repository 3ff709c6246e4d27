"""What two weeks come to: sums that agree with the named queries, causes that add up, steps in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from logscope import latencies, runs
from logscope.bridge import CAUSES, INPUT, OUTPUT, bridge
from logscope.kept import serves
from logscope.measures import latency, run_query
from logscope.moments import outburst
from logscope.objectives import Objective, as_parameter
from logscope.weeks import GROUPINGS, Weeks
from tests.conftest import Bench
from tests.test_report import MONDAY, START, week


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Weeks:
    """Two weeks of two models, one task unknown, some failed, some unpriced."""
    bench = Bench(tmp_path_factory.mktemp("weeks"))
    records = []
    for number, first in enumerate((START, START - timedelta(7))):
        records += week(
            130 - 20 * number,
            first,
            "a",
            region="eu",
            task="chat",
            team="search",
            max_gap_ms=10 + number,
            stall_ms=0,
        )
        records += week(70, first, "b", region="us", model="gpt-5.5", ttft_ms=700.0)
        records += week(9, first, "c", region="us", status="throttled", output_tokens=None)
        records += week(4, first, "d", model="no-such-model", region="us", task="chat")
    streams = [
        {"request_id": row["request_id"], "offsets_ms": [400.0, 430.0, 430.0 + 90 * (i + 1)]}
        for i, row in enumerate(records[::9])
    ]
    bench.ingest(bench.write(records), bench.write(streams, "streams.jsonl"))
    return Weeks(bench.logs.store, MONDAY)


@pytest.mark.parametrize(
    "by", [(), ("model",), ("day",), ("task", "model"), ("hour", "region"), ("team",)], ids=str
)
@pytest.mark.parametrize("before", [False, True])
def test_sums_of_cells_are_what_the_named_query_says(
    weeks: Weeks, by: tuple[str, ...], before: bool
) -> None:
    selection = weeks.before if before else weeks.this
    assert selection is not None
    named = run_query(weeks.store, "account", selection.grouped(by), {})
    summed = weeks.rows("account", by, before)
    assert_frame_equal(
        summed.sort(by) if by else summed,
        named.sort(by) if by else named,
        check_dtypes=False,
    )


KEPT = [
    ("cost_parts", ("task", "model")),
    ("cost_per_success", ("task", "model")),
    ("duration_by_length", ("model",)),
    ("load", ("model", "region")),
    ("operation_outcomes", ("team",)),
    ("stalls", ()),
    ("stream_pauses", ("model",)),
    ("ttft_by_input", ("model",)),
    ("ttft_curve", ("task", "model")),
    ("traffic", ("label:feature",)),
    ("account", ("label:feature",)),
]


@pytest.mark.parametrize(("query", "by"), KEPT, ids=str)
def test_what_is_kept_answers_as_the_store_does(
    weeks: Weeks, query: str, by: tuple[str, ...]
) -> None:
    assert serves(query, by) == ("label:feature" not in by)
    named = run_query(weeks.store, query, weeks.this.grouped(by), {})
    assert named.height
    assert_frame_equal(weeks.rows(query, by), named, check_row_order=False, rel_tol=1e-12)


def test_objectives_read_the_requests_as_stored(weeks: Weeks) -> None:
    given = as_parameter([Objective("task chat", task="chat", ttft_ms=450.0, goal=0.9)])
    assert weeks.source == "plain_requests"
    named = run_query(weeks.store, "objectives", weeks.this.grouped(()), given)
    assert named["operations"].to_list() == [134]
    assert_frame_equal(weeks.rows("objectives", **given), named)


@pytest.mark.parametrize("by", GROUPINGS, ids=str)
def test_latency_is_what_the_command_says(weeks: Weeks, by: tuple[str, ...]) -> None:
    named = latency(weeks.store, weeks.this.grouped(by))
    found = weeks.rows("latency", by)
    columns = [
        *by,
        "n",
        "n_ok",
        *(f"{m}_{end}" for m in ("ttft", "duration", "tpot") for end in ("n", "p50_ms", "p95_ms")),
        "ttft_p99_ms",
    ]
    if by != ("team",):
        columns += ["ttft_p95_low_ms", "ttft_p95_high_ms"]
    shown = found.select(columns), named.select(columns)
    left, right = (frame.sort(by, nulls_last=True) if by else frame for frame in shown)
    assert_frame_equal(left, right, check_dtypes=False, rel_tol=1e-12)


def test_requests_taken_a_few_at_a_time_give_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions of several days, models and parts; values of a run looked at in several pieces."""
    records = []
    for number, first in enumerate((START, START - timedelta(7))):
        records += week(180, first, "a", region="eu", task="chat")
        records += week(90 + number, first, "b", region="us", model="gpt-5.5")
    for i, row in enumerate(records):
        row |= {"session_id": f"s{i * i % 61}", "ttft_ms": 300.0 + i * 37 % 101}
    bench.ingest(bench.write(records))
    monkeypatch.setattr(latencies, "AT_ONCE", 20)
    monkeypatch.setattr(runs, "AT_ONCE", 7)
    found = Weeks(bench.logs.store, MONDAY)
    ends = [f"ttft_{level}_{end}_ms" for level in ("p50", "p95") for end in ("low", "high")]
    for by in [(), ("model",), ("model", "region")]:
        columns = [*by, "n", "ttft_n", "ttft_p50_ms", "ttft_p95_ms", *ends]
        named = latency(found.store, found.this.grouped(by)).select(columns)
        assert named["ttft_p50_low_ms"].null_count() == 0
        shown = found.rows("latency", by).select(columns)
        assert_frame_equal(shown, named, check_dtypes=False, check_row_order=False, rel_tol=1e-12)


def test_a_condition_on_what_is_stored_reads_what_is_stored(bench: Bench) -> None:
    """The view has to look at all requests for what it computes, so only who asks for it pays."""
    bench.ingest(bench.write(week(30, START, "a") + week(20, START, "b", model="gpt-5.5")))
    for where, source, n in [
        ("model = 'gpt-5.5'", "plain_requests", 20),
        ("in_flight >= 1 and model = 'gpt-5.5'", "requests", 20),
        ('"Attempt" = 1', "requests", 50),
        ("columns('att.*') = 1", "requests", 50),
    ]:
        asked = Weeks(bench.logs.store, MONDAY, where=where)
        assert (asked.source, asked.rows("account")["n"].to_list()) == (source, [n])
        assert asked.rows("operation_outcomes")["operations"].to_list() == [n]


def cell(task: str, model: str, n: int, tokens: float, price: float, cached: float = 0) -> Any:
    """Return a row of cost_parts: `tokens` of input a request, `cached` of them from a cache."""
    row = {"task": task, "model": model, "n_paid": n, "other_usd": 0.0}
    for kind in (*INPUT, *OUTPUT):
        row[f"{kind}_tokens"] = row[f"{kind}_usd"] = 0.0
    row["uncached_tokens"] = n * tokens * (1 - cached)
    row["cache_read_tokens"] = n * tokens * cached
    row["uncached_usd"] = row["uncached_tokens"] * price
    row["cache_read_usd"] = row["cache_read_tokens"] * price / 10
    row["cost_usd"] = row["uncached_usd"] + row["cache_read_usd"]
    return row


def test_one_cause_alone_gets_the_whole_difference() -> None:
    base = [cell("code", "a", 100, 1000, 0.01), cell("code", "b", 100, 1000, 0.02)]
    cases = {
        "paid requests": [cell("code", "a", 150, 1000, 0.01), cell("code", "b", 150, 1000, 0.02)],
        "models": [cell("code", "a", 50, 1000, 0.01), cell("code", "b", 150, 1000, 0.02)],
        "prompt length": [cell("code", "a", 100, 900, 0.01), cell("code", "b", 100, 1100, 0.02)],
        "caching": [cell("code", "a", 100, 1000, 0.01, 0.5), cell("code", "b", 100, 1000, 0.02, 0)],
        "prices and tiers": [
            cell("code", "a", 100, 1000, 0.01),
            cell("code", "b", 100, 1000, 0.03),
        ],
    }
    cases["caching"][1] = base[1]
    for cause, now in cases.items():
        # A cache price is only known from the week that read from a cache.
        found = bridge(now, base)
        assert found is not None
        gap = sum(row["cost_usd"] for row in now) - sum(row["cost_usd"] for row in base)
        assert found.total(cause) == pytest.approx(gap), cause
        others = [found.total(name) for name in CAUSES if name != cause]
        assert others == pytest.approx([0.0] * len(others), abs=1e-9), cause


def test_causes_add_up_whatever_the_weeks_hold() -> None:
    rng = np.random.default_rng(7)
    tasks, models = ("code", "chat", None), ("a", "b", "c")
    for _ in range(20):
        now, before = (
            [
                cell(task, model, int(rng.integers(1, 90)), rng.uniform(10, 999), rng.uniform(0, 1))
                for task in tasks
                for model in models
                if rng.uniform() < 0.7
            ]
            for _ in range(2)
        )
        found = bridge(now, before)
        if not now or not before:
            assert found is None
            continue
        assert found is not None
        gap = sum(row["cost_usd"] for row in now) - sum(row["cost_usd"] for row in before)
        assert sum(found.total(cause) for cause in CAUSES) == pytest.approx(gap)
        assert found.now - found.before == pytest.approx(gap)


def test_an_outburst_is_the_shortest_stretch_with_most_of_it() -> None:
    assert outburst({3: 1, 62: 40, 63: 45, 100: 2}) == range(62, 64)
    assert outburst(dict.fromkeys(range(168), 1)) is None
    assert outburst({}) is None


def test_a_week_without_a_past_has_nothing_to_compare(bench: Bench) -> None:
    bench.ingest(bench.write(week(10)))
    alone = Weeks(bench.logs.store, MONDAY)
    assert alone.before is None
    assert alone.rows("account", ["model"], before=True).height == 0
    assert not alone.partial
    assert isinstance(alone.rows("account"), pl.DataFrame)
