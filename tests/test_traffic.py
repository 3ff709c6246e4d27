"""Traffic, load and objectives: counted by hand, and against numpy."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from logscope.cli import app
from logscope.config import Config, read_config
from logscope.errors import UsageError
from logscope.objectives import objectives, read_objectives
from logscope.selection import select
from tests.conftest import Bench, native

VOICE = {"ttft_ms": 800, "goal": 0.9}


def at(seconds: float) -> str:
    return (
        datetime.fromisoformat("2026-11-09T10:00:00+00:00") + timedelta(seconds=seconds)
    ).isoformat()


def slo(**section: Any) -> Config:
    return Config(None, {"slo": section})


def judge(bench: Bench, config: Config, by: str = "") -> dict[Any, dict[str, Any]]:
    """Return the answer per objective, or per objective and group."""
    frame = objectives(bench.logs.store, select(by=by), config)
    names = [name for name in by.split(",") if name]
    return {
        (row["objective"], *(row[name] for name in names)) if names else row["objective"]: row
        for row in frame.iter_rows(named=True)
    }


def test_goodput_counts_operations_and_what_failed(bench: Bench) -> None:
    voice = {"labels": {"task": "voice"}}
    records = [
        native("met", **voice, ttft_ms=800.0),  # at the limit is within it
        native("late", **voice, ttft_ms=801.0),
        native("error", **voice, status="error", ttft_ms=None),
        native("throttled", **voice, status="throttled", ttft_ms=None),
        # Cancelled before a first token: after 500 ms in time, after 900 ms past the objective.
        native("left", **voice, status="cancelled", ttft_ms=None, duration_ms=500.0),
        native("gave-up", **voice, status="cancelled", ttft_ms=None, duration_ms=900.0),
        # Cancelled while streaming: the first token had come in time.
        native("stopped", **voice, status="cancelled", ttft_ms=300.0, duration_ms=9000.0),
        # No first token logged: known only if the whole answer came within the limit.
        native("quick", **voice, ttft_ms=None, duration_ms=700.0),
        native("unknown", **voice, ttft_ms=None, duration_ms=5000.0),
        # Retried: throttled, then answered 500 ms after its own start, 700 ms after the first.
        native(
            "a1", **voice, operation_id="a", status="throttled", ttft_ms=None, duration_ms=150.0
        ),
        native("a2", **voice, operation_id="a", started_at=at(0.2), ttft_ms=500.0),
        # Retried too late: 600 ms after its own start is 1.1 s after the first.
        native("b1", **voice, operation_id="b", status="error", ttft_ms=None, duration_ms=400.0),
        native("b2", **voice, operation_id="b", started_at=at(0.5), ttft_ms=600.0),
        native("other", ttft_ms=5000.0),  # no objective
    ]
    bench.ingest(bench.write(records))
    row = judge(bench, slo(task={"voice": VOICE}))["task voice"]
    assert row["operations"] == 11
    assert (row["n_met"], row["n_missed"], row["n_unknown"]) == (5, 5, 1)
    assert (row["n_failed"], row["n_late"], row["n_cancelled_in_time"]) == (2, 3, 2)
    assert row["goodput"] == 0.5
    # Of 10 judged operations a goal of 90 % allows one miss; five were made.
    assert (row["budget"], row["budget_burned"]) == (1.0, 5.0)
    assert row["budget_left"] == -4.0
    # Of the ok operations whose first token is known (met, late, a, b) two were in time.
    assert row["ttft_attained"] == 0.5


def test_both_limits_must_hold_and_the_nearest_objective_counts(bench: Bench) -> None:
    records = [
        native("v", labels={"task": "voice"}, route="fast", ttft_ms=500.0, duration_ms=4000.0),
        native("r", labels={"task": "mail"}, route="fast", ttft_ms=500.0, duration_ms=4000.0),
        native("o", labels={"task": "mail"}, route="slow", ttft_ms=500.0, duration_ms=70000.0),
    ]
    bench.ingest(bench.write(records))
    config = slo(
        duration_ms=60000,
        goal=0.5,
        task={"voice": {"ttft_ms": 800, "duration_ms": 3000}, "idle": {"ttft_ms": 1}},
        route={"fast": {"ttft_ms": 600}},
    )
    found = judge(bench, config)
    assert {name: (row["operations"], row["n_met"]) for name, row in found.items()} == {
        "task voice": (1, 0),
        "task idle": (0, None),
        "route fast": (1, 1),
        "everything else": (1, 0),
    }
    assert found["task voice"]["goal"] == 0.5  # from [slo]
    assert list(found) == ["task voice", "task idle", "route fast", "everything else"]


def test_who_burns_the_budget(bench: Bench) -> None:
    records = [
        native(f"{m}{i}", model=m, ttft_ms=ms)
        for m, ms in (("a", 900.0), ("b", 100.0))
        for i in range(10)
    ]
    bench.ingest(bench.write(records))
    found = judge(bench, slo(ttft_ms=800, goal=0.75), "model")
    # 20 operations at 75 % allow 5 misses; model a made 10 of them: twice the budget.
    assert found["all", "a"]["budget_burned"] == 2.0
    assert found["all", "b"]["budget_burned"] == 0.0
    assert {row["budget_left"] for row in found.values()} == {-1.0}
    without_goal = judge(bench, slo(ttft_ms=800))["all"]
    assert without_goal["goodput"] == 0.5
    assert without_goal["budget"] is None and without_goal["budget_left"] is None


def test_which_request_types_burn_the_budget(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long prompts with tools and short ones without, no label on either; every third long one is late.
    short = [native(f"s{i}", started_at=at(i), input_tokens=100 + i) for i in range(120)]
    long = [
        native(
            f"l{i}",
            started_at=at(i),
            input_tokens=40_000 + 50 * i,
            n_tools=3,
            ttft_ms=900.0 if i % 3 == 0 else 400.0,
        )
        for i in range(120)
    ]
    bench.ingest(bench.write([*short, *long]))
    (tmp_path / "logscope.toml").write_text("[slo]\nttft_ms = 800\ngoal = 0.9\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    rows = json.loads(run(bench, "traffic", "--slo", "--format", "json").stdout)
    # 240 operations at 90 % allow 24 misses; 40 of 120 long ones missed: 40 / 24 of the budget.
    assert [(row["operations"], row["n_late"]) for row in rows] == [(120, 40), (120, 0)]
    assert [row["budget_burned"] for row in rows] == [pytest.approx(40 / 24), 0]
    names = bench.logs.types(week="last")["name"].to_list()
    assert {row["request_type"] for row in rows} == set(names) and len(names) == 2
    assert "tools" in rows[0]["request_type"]
    lines = run(bench, "traffic", "--slo").stdout.splitlines()
    place = lines.index("Who burns it, by request_type:")
    assert lines[place + 2].startswith(rows[0]["request_type"])
    assert lines[place + 3] == "1 more group missed nothing."
    # The types group any answer: short prompts began within 400 ms.
    latency = bench.logs.latency(by="model,request_type")
    assert dict(zip(latency["request_type"], latency["ttft_p95_ms"], strict=True)) == {
        rows[0]["request_type"]: 900,
        rows[1]["request_type"]: 400,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[slo.task.voice]\nttft = 800", "Did you mean ttft_ms?"),
        ("[slo.tasks.voice]\nttft_ms = 800", "Did you mean task?"),
        ("[slo.task.voice]\nttft_ms = '800'", "no time"),
        ("[slo.task.voice]\nttft_ms = -1", "no time"),
        ("[slo.task.voice]\ngoal = 0.9", "sets no limit"),
        ("[slo.task.voice]\nttft_ms = 800\ngoal = 95", "0.95"),
        ("[slo.task]\nvoice = 800", "is no table"),
        ("[slo]\ntask = 'voice'", "needs a table per task"),
    ],
)
def test_a_wrong_objective_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "logscope.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message) as error:
        read_objectives(read_config(path))
    assert str(path) in str(error.value)


def test_peaks_are_the_fullest_clock_minutes(bench: Bench) -> None:
    tokens = {"input_tokens": 10, "output_tokens": 5}
    records = [
        native("a", started_at=at(0), **tokens),
        native("b", started_at=at(59), **tokens),
        native("c", started_at=at(60), input_tokens=100, output_tokens=1),
        native("d", started_at=at(180), **tokens),
        native("e", started_at=at(181), **tokens, status="throttled"),
        native("f", started_at=at(300), input_tokens=None, output_tokens=None, status="error"),
    ]
    bench.ingest(bench.write(records))
    row = bench.logs.traffic(by=[]).row(0, named=True)
    assert (row["n"], row["n_ok"], row["n_error"], row["n_throttled"]) == (6, 4, 1, 1)
    assert row["peak_requests_per_minute"] == 2
    assert row["peak_requests_at"].isoformat() == "2026-11-09T10:00:00+00:00"  # the first of two
    assert row["peak_tokens_per_minute"] == 101
    assert row["peak_tokens_at"].isoformat() == "2026-11-09T10:01:00+00:00"
    assert row["n_without_tokens"] == 1
    assert row["goodput"] is None


def test_load_is_what_numpy_counts(bench: Bench) -> None:
    rng = np.random.default_rng(3)
    start = np.sort(rng.uniform(0, 3000, 900)).round(3)
    duration = rng.uniform(1000, 20000, 900).round(0)
    ttft = rng.uniform(100, 900, 900).round(1)
    logged = zip(start.tolist(), duration.tolist(), ttft.tolist(), strict=True)
    records = [
        native(
            f"r{i}",
            started_at=at(s),
            duration_ms=d,
            ttft_ms=t,
            region="eu",
            status={0: "throttled", 1: "error"}.get(i % 10, "ok"),
        )
        for i, (s, d, t) in enumerate(logged)
    ]
    bench.ingest(bench.write(records))
    end = start + duration / 1000
    in_flight = np.array([np.sum((start <= s) & (end >= s)) for s in start])
    bucket, ok = 2 ** np.floor(np.log2(in_flight)), np.arange(900) % 10 > 1
    tpot = (duration - ttft) / 100  # of 101 tokens
    found = bench.logs.load(by=[]).to_dicts()
    assert [row["from_in_flight"] for row in found] == np.unique(bucket).tolist()
    for row in found:
        here = bucket == row["from_in_flight"]
        assert row["n"] == here.sum()
        throttled, failed = (here & (np.arange(900) % 10 == rest) for rest in (0, 1))
        assert row["throttled"] == pytest.approx(throttled.sum() / here.sum())
        assert row["errors"] == pytest.approx(failed.sum() / here.sum())
        assert row["ttft_n"] == row["tpot_n"] == (here & ok).sum()
        assert row["tpot_p50_ms"] == pytest.approx(np.quantile(tpot[here & ok], 0.5), rel=1e-12)
        assert row["ttft_p50_ms"] == pytest.approx(np.quantile(ttft[here & ok], 0.5), rel=1e-12)
        if row["ttft_n"] >= 60:
            assert row["ttft_p95_ms"] == pytest.approx(
                np.quantile(ttft[here & ok], 0.95), rel=1e-12
            )
            assert row["ttft_p95_low_ms"] < row["ttft_p95_ms"] < row["ttft_p95_high_ms"]
            assert row["tpot_p95_ms"] == pytest.approx(
                np.quantile(tpot[here & ok], 0.95), rel=1e-12
            )
        else:
            assert row["ttft_p95_ms"] is row["ttft_p95_low_ms"] is None
    assert max(row["ttft_n"] for row in found) >= 60


def test_a_request_without_an_end_is_not_in_flight_for_ever(bench: Bench) -> None:
    ended = [native(f"e{i}", started_at=at(10 * i)) for i in range(3)]
    endless = native("x", started_at=at(1), duration_ms=None, ttft_ms=None, status="error")
    bench.ingest(bench.write([*ended, endless]))
    rows = bench.rows("select request_id, in_flight from requests order by request_id")
    # x starts while e0 (1.4 s) is under way; it is not there for e1 and e2.
    assert {row["request_id"]: row["in_flight"] for row in rows} == {
        "e0": 1,
        "e1": 1,
        "e2": 1,
        "x": 2,
    }


def test_headroom_is_the_least_that_was_left(bench: Bench) -> None:
    limits = {"limit_requests": 100, "limit_tokens": 1000}
    bench.ingest(
        bench.write(
            [
                native(
                    "a", started_at=at(0), **limits, remaining_requests=40, remaining_tokens=900
                ),
                native(
                    "b", started_at=at(60), **limits, remaining_requests=5, remaining_tokens=300
                ),
                # As little again, but later; a larger limit, so less of it is left.
                native("c", started_at=at(120), limit_requests=1000, remaining_requests=50),
                native("d", started_at=at(180), limit_tokens=4000, remaining_tokens=400),
                native("e", started_at=at(240), remaining_tokens=7),
                native("f", started_at=at(300)),
                native("g", model="gpt-5.5", started_at=at(0)),
            ]
        )
    )
    rows = {row["model"]: row for row in bench.logs.traffic().iter_rows(named=True)}
    told, untold = rows["gpt-5.4"], rows["gpt-5.5"]
    assert (told["n_with_limits"], untold["n_with_limits"]) == (5, 0)
    assert (told["headroom_requests"], told["headroom_requests_at"].minute) == (0.05, 1)
    assert (told["headroom_tokens"], told["headroom_tokens_at"].minute) == (0.1, 3)
    assert (told["least_remaining_requests"], told["least_remaining_tokens"]) == (5, 7)
    assert all(value is None for name, value in untold.items() if "headroom" in name)
    shown = " ".join(run(bench, "traffic").stdout.split())
    assert "gpt-5.4 5 5.0 % 9 Nov 10:01 10.0 % 9 Nov 10:03" in shown


def run(bench: Bench, *words: str) -> Any:
    return CliRunner().invoke(app, [*words, "--store", str(bench.logs.path)])


def test_traffic_on_the_command_line(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "[slo.task.voice]\nttft_ms = 300\ngoal = 0.5\n"
    (tmp_path / "logscope.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    bench.ingest(
        bench.write([native(f"r{i}", started_at=at(i), labels={"task": "voice"}) for i in range(4)])
    )
    plain = run(bench, "traffic")
    assert plain.exit_code == 0, plain.output
    assert "budget left" in plain.stdout and "headroom is not known" in plain.stdout
    rows = json.loads(run(bench, "traffic", "--format", "json").stdout)
    assert [(row["model"], row["n"], row["goodput"]) for row in rows] == [("gpt-5.4", 4, 0.0)]
    assert "coordinated omission" in run(bench, "traffic", "--load").stdout
    assert "Who burns it" in run(bench, "traffic", "--slo", "--by", "model,region").stdout
    assert "Too few requests, or too alike, to tell types" in run(bench, "traffic", "--slo").stdout
    for view in ("--regions", "--changes"):
        assert run(bench, "traffic", view).exit_code == 0
    named = json.loads(run(bench, "query", "objectives", "--format", "json").stdout)
    assert named[0]["objective"] == "task voice"
    assert run(bench, "traffic", "--load", "--slo").exit_code == 2
    assert run(bench, "traffic", "--changes", "--since", "2026-11-09").exit_code == 2
    assert run(bench, "traffic", "--changes", "--measure", "ttfb").exit_code == 2
    (tmp_path / "logscope.toml").write_text("[slo.task.voise]\nttft_ms = 300\n", encoding="utf-8")
    assert "No operation had the task voise. Did you mean voice?" in run(bench, "traffic").stdout
    (tmp_path / "logscope.toml").unlink()
    missing = run(bench, "traffic", "--slo")
    assert missing.exit_code == 2
    assert run(bench, "traffic").exit_code == 0


def test_a_day_as_the_end_is_included_however_it_is_written() -> None:
    for end in ("2026-11-09", "20261109", "2026-W46-1", "2026-11-10T00:00"):
        assert select(until=end).until == datetime.fromisoformat("2026-11-10T00:00:00+00:00"), end
    assert select(until="2026-11-09T14").until == datetime.fromisoformat("2026-11-09T14:00+00:00")


def test_changes_of_what_nobody_logged_are_named_as_that(bench: Bench) -> None:
    bench.ingest(bench.write([native("r", ttft_ms=None)]))
    told = CliRunner().invoke(app, ["traffic", "--changes", "--store", str(bench.logs.path)])
    assert told.stdout == (
        "2026-W46 (UTC) against the week before: nothing to compare was logged in it.\n"
    )
