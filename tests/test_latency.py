"""Latency: every definition by hand, other tools' by their formulas, numpy on raw arrays."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from logscope import gaps, pools
from logscope.cli import app
from logscope.histogram import limits, place, rounded
from logscope.queries import find_queries
from logscope.selection import Selection
from logscope.tables import fetch
from tests.conftest import Bench, native

Row = dict[str, Any]

# One reasoning request by hand: role at 100, thinking at 300 and 400, text at 700, a coalesced
# text at 700.5, text at 2,300 (a stall), usage at 2,350; the end at 2,400. 11 tokens, 6 of them
# reasoning.
STREAM = {
    "request_id": "full",
    "offsets_ms": [100, 300, 400, 700, 700.5, 2300, 2350],
    "kinds": ["role", "reasoning", "reasoning", "text", "text", "text", "usage"],
}
FULL = native(
    "full",
    operation_id="o1",
    session_id="s1",
    stream=True,
    ttft_ms=None,
    duration_ms=2400,
    output_tokens=11,
    reasoning_tokens=6,
    overhead_ms=12,
)


def one(bench: Bench, query: str, **params: Any) -> Row:
    """Return the only row of a query over all requests."""
    frame = bench.logs.query(query, params, by=[])
    assert frame.height == 1, frame
    return frame.row(0, named=True)


def like(bench: Bench, tool: str) -> dict[str, Row]:
    """Return what another tool would say, by its metric."""
    frame = bench.logs.latency(by=[], like=tool)
    assert frame.columns == [
        *("metric", "unit", "n", "avg", "std", "min", "p50", "p90", "p95", "p99", "max")
    ]
    return {row["metric"]: row for row in frame.iter_rows(named=True)}


@pytest.fixture
def full(bench: Bench) -> Bench:
    """A store with the one request above and a failed first attempt of the same operation."""
    failed = native(
        "failed",
        operation_id="o1",
        session_id="s1",
        started_at="2026-11-09T09:59:59Z",
        status="throttled",
        ttft_ms=None,
        duration_ms=200,
        output_tokens=None,
    )
    later = native(
        "later",
        operation_id="o2",
        session_id="s1",
        started_at="2026-11-09T10:00:10Z",
        status="cancelled",
        ttft_ms=None,
        duration_ms=500,
        output_tokens=None,
    )
    bench.ingest(
        bench.write([FULL, failed, later], "requests.jsonl"), bench.write([STREAM], "streams.jsonl")
    )
    return bench


@pytest.mark.parametrize(
    ("query", "column", "value"),
    [
        ("first_event", "p50_ms", 100),
        ("first_token", "p50_ms", 300),
        ("first_visible", "p50_ms", 700),
        # Gaps of generated chunks: 100, 300, 0.5, 1599.5; their mean 2000 / 4.
        ("itl", "p50_ms", 200),
        ("chunk_gap", "p50_ms", 500),
        # (2400 - 300) / (11 - 1)
        ("tpot", "p50_ms", 210),
        ("tpot_with_ttft", "p50_ms", 2400 / 11),
        ("decode_tps", "p50_tps", 1000 / 210),
        ("end_to_end_tps", "p50_tps", 11000 / 2400),
        ("duration", "p50_ms", 2400),
        ("overhead", "p50_ms", 12),
        # The whole session: from 9:59:59 to 10:00:10.5.
        ("session_time", "p50_ms", 11500),
    ],
)
def test_every_definition_by_hand(full: Bench, query: str, column: str, value: float) -> None:
    row = one(full, query)
    assert row[column] == pytest.approx(value, rel=1e-12)
    assert row["n"] == (4 if query == "itl" else 1)


def test_an_operation_runs_from_its_first_attempt_to_its_last_end(full: Bench) -> None:
    # o1: 9:59:59 to 10:00:02.4 = 3,400 ms; o2: 500 ms. Middle of the two: 1,950.
    row = one(full, "operation_time")
    assert (row["n"], row["p50_ms"]) == (2, 1950)


def test_coalesced_chunks_are_flagged(full: Bench) -> None:
    # One gap of four is under 1 ms; 5 text tokens came in 5 generated chunks.
    row = one(full, "itl")
    assert (row["coalesced_share"], row["tokens_per_chunk"], row["is_coalesced"]) == (0.25, 1, True)


def test_stalls_by_hand(full: Bench) -> None:
    # Gaps 200, 100, 300, 0.5, 1599.5, 50; stream time 2350 - 100.
    row = one(full, "stream_stalls")
    assert (row["n"], row["n_stalled"], row["stalls"], row["longest_gap_ms"]) == (1, 1, 1, 1599.5)
    assert float(row["stall_ms"]) == 1599.5
    assert row["share_of_stream_time"] == pytest.approx(1599.5 / 2250)
    assert row["stalls_per_1000_tokens"] == pytest.approx(1000 / 11)
    finer = one(full, "stream_stalls", over_ms=250)
    assert (finer["stalls"], float(finer["stall_ms"])) == (2, 1899.5)


def test_gaps_are_those_of_generated_chunks_wherever_others_lie(bench: Bench) -> None:
    # Text at 100, 150 and 190, a usage chunk between; without it the gaps are 50 and 40.
    stream = {
        "request_id": "mixed",
        "offsets_ms": [90, 100, 120, 150, 190],
        "kinds": ["role", "text", "usage", "text", "text"],
    }
    bench.ingest(bench.write([native("mixed")], "r.jsonl"), bench.write([stream], "s.jsonl"))
    itl = one(bench, "itl")
    assert (itl["n"], itl["p50_ms"], itl["max_ms"]) == (2, 45, 50)
    assert one(bench, "chunk_gap")["p50_ms"] == 45
    assert like(bench, "aiperf")["inter_chunk_latency"]["max"] == 50
    # vLLM pools all but the usage: 10, 50 and 40.
    assert like(bench, "vllm")["itl"]["p50"] == 40


def test_a_stall_may_be_of_another_length(full: Bench) -> None:
    # Gaps of 200, 100, 300, 0.5, 1,599.5 and 50 ms.
    stalls = one(full, "stream_stalls", over_ms=250)
    assert (stalls["stalls"], float(stalls["stall_ms"])) == (2, 1899.5)
    assert one(full, "stream_stalls", over_ms=1600)["stalls"] == 0


def test_a_gap_of_exactly_the_limit_is_no_stall_whatever_floats_make_of_it(bench: Bench) -> None:
    # Gaps of 1, 0.999, 22.001, 1,000 and 1,000.001 ms. As floats 1,024.4 - 24.4 is over 1,000 and
    # 1.4 - 0.4 under 1; 256.1 - 6.1 is over 250.
    streams = {
        "second": [0.4, 1.4, 2.399, 24.4, 1024.4, 2024.401],
        "quarter": [6.1, 256.1, 506.101],
    }
    assert (1024.4 - 24.4 > 1000, 1.4 - 0.4 < 1, 256.1 - 6.1 > 250) == (True, True, True)
    requests = [native(name, model=name) for name in streams]
    rows = [{"request_id": name, "offsets_ms": offsets} for name, offsets in streams.items()]
    bench.ingest(bench.write(requests, "r.jsonl"), bench.write(rows, "s.jsonl"))
    stalls = bench.logs.query("stream_stalls").sort("model")
    assert stalls["stalls"].to_list() == [0, 1]
    assert [float(ms) for ms in stalls["stall_ms"]] == [0, 1000.001]
    shorter = bench.logs.query("stream_stalls", {"over_ms": 250}).sort("model")
    assert shorter["stalls"].to_list() == [1, 2]
    # One gap of five is under a millisecond.
    assert bench.logs.query("itl").sort("model")["coalesced_share"].to_list() == [0, 0.2]


def test_a_single_token_has_no_pace(bench: Bench) -> None:
    single = native("single", ttft_ms=300, duration_ms=310, output_tokens=1)
    stream = {"request_id": "single", "offsets_ms": [300], "kinds": ["text"]}
    bench.ingest(bench.write([single], "r.jsonl"), bench.write([stream], "s.jsonl"))
    for query in ("tpot", "decode_tps", "chunk_gap"):
        assert bench.logs.query(query, by=[]).height == 0, query
    assert one(bench, "tpot_with_ttft")["p50_ms"] == 310
    assert one(bench, "itl")["n"] == 0
    assert one(bench, "itl")["p50_ms"] is None
    told = like(bench, "vllm")
    assert "tpot" not in told
    assert "itl" not in told
    assert told["e2el"]["p50"] == 300


def test_a_stream_that_says_only_the_role_has_no_first_token(bench: Bench) -> None:
    request = native("role", ttft_ms=None, duration_ms=500, output_tokens=0)
    stream = {"request_id": "role", "offsets_ms": [90, 480], "kinds": ["role", "usage"]}
    bench.ingest(bench.write([request], "r.jsonl"), bench.write([stream], "s.jsonl"))
    assert one(bench, "first_event")["p50_ms"] == 90
    for query in ("first_token", "first_visible", "tpot", "tpot_with_ttft", "end_to_end_tps"):
        assert bench.logs.query(query, by=[]).height == 0, query
    assert "time_to_first_token" not in like(bench, "aiperf")
    assert like(bench, "vllm")["ttft"]["p50"] == 90


def test_a_stream_on_another_clock_tells_no_first_token(bench: Bench) -> None:
    # The requests take 1400 ms; "own" saw its first token after 400.
    requests = [native(name, ttft_ms=None) for name in ("late", "soon")] + [native("own")]
    text = {"kinds": ["text", "text"]}
    streams = [
        {"request_id": "late", "offsets_ms": [2000, 3000]} | text,
        {"request_id": "soon", "offsets_ms": [1400, 3000]} | text,
        {"request_id": "own", "offsets_ms": [200, 300]} | text,
    ]
    bench.ingest(bench.write(requests, "r.jsonl"), bench.write(streams, "s.jsonl"))
    rows = bench.rows("select ttft_ms, ttft_visible_ms from requests order by request_id")
    assert [tuple(row.values()) for row in rows] == [(None, None), (400, None), (1400, 1400)]


def test_others_definitions_by_hand(full: Bench) -> None:
    vllm = like(full, "vllm")
    # First event 100, last chunk but the usage 2300; its gaps begin at the role chunk.
    assert vllm["ttft"]["p50"] == 100
    assert vllm["e2el"]["p50"] == 2300
    assert vllm["tpot"]["p50"] == 220
    assert vllm["itl"]["n"] == 5
    assert vllm["itl"]["avg"] == 440
    assert vllm["output_throughput"]["avg"] == pytest.approx(11 / 2.4)
    aiperf = like(full, "aiperf")
    assert aiperf["time_to_first_token"]["p50"] == 300
    assert aiperf["time_to_second_token"]["p50"] == 100
    assert aiperf["time_to_first_output_token"]["p50"] == 700
    assert aiperf["inter_token_latency"]["p50"] == 210
    assert aiperf["inter_chunk_latency"]["avg"] == 500
    guidellm = like(full, "guidellm")
    assert guidellm["inter_token_latency_ms"]["p50"] == 200
    assert guidellm["time_per_output_token_ms"]["p50"] == pytest.approx(2300 / 11)
    assert guidellm["request_latency"]["p50"] == 2.4
    # Its run of tokens goes from the first at 300 ms to the last at 2,300; the run's requests, 2.4 s.
    assert guidellm["output_tokens_per_second"]["avg"] == pytest.approx(11 / 2)
    assert guidellm["tokens_per_second"]["avg"] == pytest.approx(1011 / 2)
    assert guidellm["requests_per_second"]["avg"] == pytest.approx(1 / 2.4)
    otel = like(full, "otel")
    assert otel["gen_ai.client.operation.time_to_first_chunk"]["p50"] == 0.3
    assert otel["gen_ai.client.operation.time_per_output_chunk"]["avg"] == 0.5
    assert otel["gen_ai.server.time_per_output_token"]["p50"] == 0.21
    # Failed operations count: 0.2, 0.5 and 2.4 s.
    assert otel["gen_ai.client.operation.duration"]["n"] == 3
    assert otel["gen_ai.client.operation.duration"]["p50"] == 0.5


def test_hidden_reasoning_is_flagged(bench: Bench) -> None:
    requests = [
        native("hid", stream=True, reasoning_tokens=80, output_tokens=101),
        FULL,
        native("untold", stream=True, reasoning_tokens=5),
    ]
    hidden = {"request_id": "hid", "offsets_ms": [400, 900], "kinds": ["text", "text"]}
    bench.ingest(bench.write(requests, "r.jsonl"), bench.write([hidden, STREAM], "s.jsonl"))
    row = one(bench, "hidden_reasoning")
    assert (row["n"], row["n_judged"], row["n_hidden"], row["hidden_tokens"]) == (3, 2, 1, 80)
    # 100 tokens after the first were billed in the second after 400 ms, 20 arrived.
    assert (row["tps_billed"], row["tps_streamed"]) == (100, 20)


def test_the_pace_of_long_streams_and_sessions(bench: Bench) -> None:
    # A stream of 300 s: ten chunks a second in the first third, five in the last.
    offsets = np.cumsum([0.0, *[100.0] * 1000, *[125.0] * 800, *[200.0] * 500])
    long = native("long", ttft_ms=0, duration_ms=300_000, output_tokens=2301)
    calls = [
        native(
            f"c{i}",
            session_id="s",
            started_at=f"2026-11-09T1{i // 60}:{i % 60:02}:00Z",
            ttft_ms=100,
            duration_ms=100 + (1000 if i < 4 else 2000),
            output_tokens=101,
        )
        for i in range(10)
    ]
    stream = {"request_id": "long", "offsets_ms": offsets.tolist()}
    bench.ingest(bench.write([long, *calls], "r.jsonl"), bench.write([stream], "s.jsonl"))
    rows = {row["kind"]: row for row in bench.logs.query("pace", by=[]).iter_rows(named=True)}
    assert rows["stream"]["first_third_p50_tps"] == pytest.approx(10)
    assert rows["stream"]["last_third_p50_tps"] == pytest.approx(5)
    assert rows["session"]["first_third_p50_tps"] == pytest.approx(100)
    assert rows["session"]["last_third_p50_tps"] == pytest.approx(50)
    assert [(row["n_sinking"], row["n_rising"]) for row in rows.values()] == [(1, 0), (1, 0)]
    assert bench.logs.query("pace", {"from_s": 1000}, by=[]).height == 0


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, list[Row], list[Row]]:
    """A store of 400 streamed requests, and its records."""
    rng = np.random.default_rng(3)
    requests, streams = [], []
    for i in range(400):
        offsets = np.cumsum([rng.lognormal(6, 0.5), *rng.lognormal(3, 0.8, 1 + i % 40)])
        tokens = len(offsets) + i % 3
        requests.append(
            native(
                f"r{i}",
                started_at=1_794_000_000 + 1800 * i,
                model=f"m{i % 2}",
                ttft_ms=float(offsets[0]),
                duration_ms=float(offsets[-1]),
                output_tokens=tokens,
                input_tokens=[500, 5000, 60000][i % 3],
                stream=[True, None, False][i % 7 % 3],
                reasoning_effort=["low", "high", None][i % 3],
                service_tier=["standard", "priority"][i % 5 % 2],
                region=["us-east-1", "eu-west-1", None][i % 11 % 3],
                labels={"feature": f"f{i % 2}"}
                | ({"task": "chat", "team": "search"} if i % 4 else {"task": "code"}),
            )
        )
        streams.append({"request_id": f"r{i}", "offsets_ms": offsets.tolist()})
    bench = Bench(tmp_path_factory.mktemp("many"))
    bench.ingest(bench.write(requests, "r.jsonl"), bench.write(streams, "s.jsonl"))
    return bench, requests, streams


Many = tuple[Bench, list[Row], list[Row]]


def test_figures_are_numpys_on_the_raw_arrays(many: Many) -> None:
    bench, requests, streams = many
    for model in ("m0", "m1"):
        mine = [i for i, row in enumerate(requests) if row["model"] == model]
        pooled = np.concatenate([np.diff(streams[i]["offsets_ms"]) for i in mine])
        row = {r["model"]: r for r in bench.logs.query("itl").iter_rows(named=True)}[model]
        assert row["n"] == len(pooled)
        found = [row[name] for name in ("p50_ms", "p95_ms", "p99_ms")]
        assert found == np.percentile(pooled, [50, 95, 99]).tolist()
    pace = {
        row["request_id"]: (row["duration_ms"] - row["ttft_ms"]) / (row["output_tokens"] - 1)
        for row in requests
    }
    whole = bench.logs.query("tpot", by=[]).row(0, named=True)
    found = [whole[name] for name in ("p50_ms", "p95_ms", "p99_ms")]
    assert found == pytest.approx(np.percentile(list(pace.values()), [50, 95, 99]), rel=1e-12)
    # 200 of each model: enough for a p95, too few for a p99.
    for row in bench.logs.query("tpot").iter_rows(named=True):
        mine = [pace[r["request_id"]] for r in requests if r["model"] == row["model"]]
        found = [row["p50_ms"], row["p95_ms"]]
        assert found == pytest.approx(np.percentile(mine, [50, 95]).tolist(), rel=1e-12)
        assert (row["n"], row["p99_ms"]) == (200, None)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, list[Row]]:
    """A store of 600 streams of 1 to 24 chunks of any kind in any order, and their records."""
    rng = np.random.default_rng(7)
    told = ["role", "text", "text", "reasoning", "tool", "usage"]
    streams = []
    for i in range(600):
        offsets = np.cumsum(rng.lognormal(3, 0.8, 1 + i % 24))
        stream = {"request_id": f"r{i}", "offsets_ms": offsets.tolist()}
        if i % 5:
            # Mostly as producers send them: the role first, the usage last.
            any_order = rng.choice(told, len(offsets)).tolist()
            usual = ["role", *["text"] * len(offsets), "usage"][-len(offsets) :]
            stream["kinds"] = usual if i % 5 < 3 else any_order
        streams.append(stream)
    requests = [native(row["request_id"], model=f"m{i % 3}") for i, row in enumerate(streams)]
    bench = Bench(tmp_path_factory.mktemp("kinds"))
    bench.ingest(bench.write(requests, "r.jsonl"), bench.write(streams, "s.jsonl"))
    return bench, streams


# Gaps are kept or read again; groups have thousands of stretches, or few, or one.
ROOMS = [(pools.MOST, pools.ROOM), (1500, pools.ROOM), (1500, 100), (pools.MOST, 1)]
OTHERS = {"generated_gaps": {"role", "usage"}, "answer_gaps": {"usage"}}


@pytest.mark.parametrize(("most", "room"), ROOMS)
def test_pooled_gaps_are_numpys_on_the_raw_arrays(
    kinds: tuple[Bench, list[Row]], most: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "MOST", most)
    monkeypatch.setattr(pools, "ROOM", room)
    bench, streams = kinds
    with closing(Selection().connect(bench.logs.store)) as connection:
        found = pools.pooled(connection)
        groups = dict(connection.execute("select model, group_key from groups").fetchall())
    assert set(found) == set(gaps.CHUNKS)
    for name, others in OTHERS.items():
        for model in range(3):
            raw = [
                np.diff(
                    [
                        at
                        for at, kind in zip(
                            row["offsets_ms"], row.get("kinds") or ["text"] * 24, strict=False
                        )
                        if kind not in others
                    ]
                )
                for row in streams[model::3]
            ]
            pool = np.concatenate(raw)
            row = found[name].row(
                by_predicate=pl.col("group_key") == groups[f"m{model}"], named=True
            )
            told = [row[figure] for figure in ("p50", "p90", "p95", "p99", "min", "max")]
            assert row["n"] == len(pool)
            assert told == np.percentile(pool, [50, 90, 95, 99, 0, 100]).tolist()
            moments = [row["avg"], row["std"]]
            assert moments == pytest.approx([pool.mean(), pool.std()], rel=1e-9)


@pytest.mark.parametrize("name", gaps.CHUNKS)
def test_gaps_are_pooled_as_the_view_for_other_clients_does(
    kinds: tuple[Bench, list[Row]], name: str
) -> None:
    with closing(Selection().connect(kinds[0].logs.store)) as connection:
        found = pools.pooled(connection)[name]
        wanted = fetch(connection, f"{gaps.as_view(name)} order by group_key")
    assert found.columns == wanted.columns
    assert found.height == 3
    for column in found.columns:
        assert found[column].to_list() == pytest.approx(wanted[column].to_list(), rel=1e-12)


def test_vllms_own_arithmetic_on_a_run_in_its_shape(bench: Bench, many: Many) -> None:
    # What `vllm bench serve --save-detailed` writes, in seconds; the fifth request failed.
    _, requests, streams = many
    ttfts = np.array([row["offsets_ms"][0] for row in streams]) / 1000
    itls = [np.diff(row["offsets_ms"]) / 1000 for row in streams]
    lens = np.array([row["output_tokens"] for row in requests])
    starts = 5000 + 0.5 * np.arange(400)
    ok = np.arange(400) != 4
    run_of_it = {
        "date": "20261110-100000",
        "backend": "vllm",
        "model_id": "m",
        "input_lens": [100] * 400,
        "output_lens": np.where(ok, lens, 0).tolist(),
        "ttfts": np.where(ok, ttfts, 0).tolist(),
        "itls": [waits.tolist() if fine else [] for waits, fine in zip(itls, ok, strict=True)],
        "start_times": starts.tolist(),
        "errors": ["" if fine else "refused" for fine in ok],
    }
    bench.ingest(bench.write([run_of_it], "vllm.json"))
    # vllm/benchmarks/serve.py, calculate_metrics
    latencies = ttfts + [waits.sum() for waits in itls]
    paced = ok & (lens > 1)
    told = like(bench, "vllm")
    for name, values in {
        "ttft": ttfts[ok],
        "tpot": ((latencies - ttfts) / (lens - 1))[paced],
        "itl": np.concatenate([waits for waits, fine in zip(itls, ok, strict=True) if fine]),
        "e2el": latencies[ok],
    }.items():
        row, wanted = told[name], values * 1000
        assert row["n"] == len(wanted)
        assert row["avg"] == pytest.approx(wanted.mean())
        assert row["std"] == pytest.approx(wanted.std())
        found = [row[key] for key in ("p50", "p90", "p95", "p99")]
        assert found == pytest.approx(np.percentile(wanted, [50, 90, 95, 99]).tolist())
    run_s = (starts + latencies)[ok].max() - starts[0]
    assert told["request_throughput"]["avg"] == pytest.approx(399 / run_s)
    assert told["output_throughput"]["avg"] == pytest.approx(lens[ok].sum() / run_s)
    assert told["total_token_throughput"]["avg"] == pytest.approx((lens + 100)[ok].sum() / run_s)


def guidellm_summary(values: Any, weights: Any) -> Row:
    """Summarise as schemas/statistics.py of GuideLLM does: distinct values with their weights."""
    distinct, place = np.unique(values, return_inverse=True)
    weight = np.zeros(len(distinct))
    np.add.at(weight, place, weights)
    share = weight / weight.sum()
    mean = (distinct * share).sum()
    # A sum of floats that is 0.9 may lie a hair below; theirs then steps one value too far.
    steps = np.searchsorted(np.cumsum(share).round(12), [0.5, 0.9, 0.95, 0.99], side="left")
    return {
        "n": round(float(np.sum(weights))),
        "avg": mean,
        "std": np.sqrt(((distinct - mean) ** 2 * share).sum()),
        "min": distinct[0],
        "max": distinct[-1],
    } | dict(zip(("p50", "p90", "p95", "p99"), distinct[steps], strict=True))


def test_guidellms_own_arithmetic_on_a_run_in_its_shape(bench: Bench, many: Many) -> None:
    # benchmarks.json: moments in seconds since the epoch. There is no last chunk in the store, so
    # the request is over with its last token.
    _, requests, streams = many
    start = np.array([row["started_at"] for row in requests])
    first = np.array([row["offsets_ms"][0] for row in streams])
    last = np.array([row["offsets_ms"][-1] for row in streams])
    tokens = np.array([row["output_tokens"] for row in requests])
    successful = [
        {
            "request_id": f"g{i}",
            "info": {
                "status": "completed",
                "timings": {
                    "request_start": float(start[i]),
                    "first_token_iteration": start[i] + first[i] / 1000,
                    "last_token_iteration": start[i] + last[i] / 1000,
                    "token_iterations": 3,
                    "request_end": start[i] + last[i] / 1000,
                },
            },
            "input_metrics": {"text_tokens": 256},
            "output_metrics": {"text_tokens": int(tokens[i])},
            "request_latency": last[i] / 1000,
            "time_to_first_token_ms": first[i],
        }
        for i in range(400)
    ]
    failed = successful[0] | {
        "request_id": "f",
        "info": successful[0]["info"] | {"status": "errored"},
    }
    document = {
        "benchmarks": [
            {"requests": {"successful": successful, "errored": [failed], "incomplete": []}}
        ]
    }
    bench.ingest(bench.write(json.dumps(document), "benchmarks.json"))
    # schemas/request_stats.py; GenerativeMetrics weighs what is told per token by the tokens.
    one = np.ones(400)
    told = like(bench, "guidellm")
    for metric, values, weights in (
        ("time_to_first_token_ms", first, one),
        ("inter_token_latency_ms", (last - first) / (tokens - 1), tokens - 1),
        ("time_per_output_token_ms", last / tokens, tokens),
        ("request_latency", last / 1000, one),
    ):
        wanted = guidellm_summary(values, weights)
        assert {name: told[metric][name] for name in wanted} == pytest.approx(wanted, rel=1e-8)
    # Of the rates over time the mean is all that happened by all the time there was.
    run_s = (start + last / 1000).max() - start.min()
    tokens_s = (start + last / 1000).max() - (start + first / 1000).min()
    assert told["requests_per_second"]["avg"] == pytest.approx(400 / run_s)
    assert told["output_tokens_per_second"]["avg"] == pytest.approx(tokens.sum() / tokens_s)
    assert told["tokens_per_second"]["avg"] == pytest.approx((tokens + 256).sum() / tokens_s)


def test_guidellm_counts_an_answer_once_for_each_token(bench: Bench) -> None:
    # 3 tokens after the first at 10 ms each, 1 at 50 ms: by token 10 is the median, by request 30.
    records = [
        native("long", ttft_ms=100, duration_ms=130, output_tokens=4),
        native("short", ttft_ms=100, duration_ms=150, output_tokens=2),
        native("single", ttft_ms=100, duration_ms=110, output_tokens=1),
    ]
    bench.ingest(bench.write(records))
    told = like(bench, "guidellm")["inter_token_latency_ms"]
    assert (told["n"], told["avg"], told["p50"], told["p90"]) == (4, 20, 10, 50)
    # Squares of the distances from 20: 3 x 100 and 900, by 4.
    assert told["std"] == pytest.approx(300**0.5)
    assert like(bench, "aiperf")["inter_token_latency"]["p50"] == 30


def clock(pattern: str) -> Callable[[Row], str]:
    """Return the key of the local time of a start, by Python's own clock."""
    return lambda row: datetime.fromtimestamp(row["started_at"], UTC).strftime(pattern)


GROUPS: dict[str, Callable[[Row], Any]] = {
    "model": lambda row: row["model"],
    "region": lambda row: row["region"],
    "task": lambda row: row["labels"].get("task"),
    "team": lambda row: row["labels"].get("team"),
    "label:feature": lambda row: row["labels"]["feature"],
    "input_bucket": lambda row: {500: "0 under 1K", 5000: "2 4K-16K", 60000: "4 50K and more"}[
        row["input_tokens"]
    ],
    "hour_of_week": clock("%u %a %H:00"),
    "weekday": clock("%u %a"),
    "hour_of_day": lambda row: int(clock("%H")(row)),
    "day": lambda row: datetime.fromtimestamp(row["started_at"], UTC).date(),
    "stream": lambda row: row["stream"],
    "reasoning_effort": lambda row: row["reasoning_effort"],
    "service_tier": lambda row: row["service_tier"],
}


@pytest.mark.parametrize("by", GROUPS)
def test_latency_by_anything_is_numpys(many: Many, by: str) -> None:
    bench, requests, _ = many
    times: dict[Any, list[float]] = {}
    for row in requests:
        times.setdefault(GROUPS[by](row), []).append(row["ttft_ms"])
    found = {row[by]: row for row in bench.logs.latency(by=by).iter_rows(named=True)}
    assert set(found) == set(times) and len(times) > 1
    for key, values in times.items():
        row = found[key]
        assert row["n"] == row["ttft_n"] == len(values)
        assert row["ttft_p50_ms"] == np.percentile(values, 50)
        p95 = np.percentile(values, 95) if len(values) >= 60 else None
        assert row["ttft_p95_ms"] == p95


def test_the_whole_distribution(many: Many) -> None:
    bench, requests, _ = many
    frame = bench.logs.query("distribution", by=[])
    part = frame.filter(frame["measure"] == "ttft")
    wanted = np.sort([row["ttft_ms"] for row in requests])
    assert part["value_ms"].to_list() == wanted.tolist()
    assert part["cumulative_n"].to_list() == list(range(1, 401))
    assert part["cumulative_share"].to_list() == pytest.approx(np.arange(1, 401) / 400)


def test_histogram_bins_are_even_on_a_log_scale() -> None:
    assert [rounded(3, up=False), rounded(3, up=True), rounded(700, up=True)] == [2, 5, 1000]
    assert rounded(1000, up=True) == rounded(1000, up=False) == 1000
    # 100 to 10,000 ms in eight bins: each is wider by the fourth root of ten.
    for value, bin in ((50, 0), (101, 0), (175, 0), (180, 1), (990, 3), (1010, 4), (20000, 7)):
        assert place(int(np.floor(np.log(value) / np.log(1.02))), 100, 10_000) == bin
    low, high = limits({231: 1, 232: 97, 400: 2})
    assert (low, high) == (50, 5000)


def test_zero_has_no_place_on_a_log_scale(bench: Bench) -> None:
    zeros = [native(f"z{i}", model="cached", ttft_ms=0, duration_ms=0) for i in range(3)]
    bench.ingest(bench.write(zeros, "zeros.jsonl"))
    assert "ttft p50" in run(bench, "latency").splitlines()[1]
    assert "ttft 0" not in run(bench, "latency")  # no scale, and no bars
    bench.ingest(bench.write([native("r", model="slow", ttft_ms=300)], "others.jsonl"))
    lines = run(bench, "latency").splitlines()
    # The one value above 0 makes the scale; what is 0 is in its first bin.
    assert lines[1].endswith("ttft 200 – 500 ms")
    assert [line.split("█")[0].split()[:2] for line in lines if "█" in line] == [
        ["cached", "3"],
        ["slow", "1"],
    ]


def run(bench: Bench, *arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--store", str(bench.logs.path)])
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_the_terminal_shows_a_histogram(many: Many) -> None:
    lines = run(many[0], "latency").splitlines()
    assert "ttft 0.1 – 2 s" in lines[1]
    assert any("█" in line for line in lines[2:4])


def test_the_command_answers_as_others_would(many: Many) -> None:
    rows = json.loads(run(many[0], "latency", "--like", "otel", "--format", "json"))
    assert {row["unit"] for row in rows} == {"s"}
    rows = json.loads(run(many[0], "latency", "--distribution", "--format", "json"))
    assert {row["measure"] for row in rows} == {"ttft", "duration", "tpot"}
    screen = run(many[0], "latency", "--like", "guidellm").splitlines()
    assert screen[0].startswith(
        "Latency as GuideLLM's summary defines it, under its metric names · "
    )
    assert any("GuideLLM takes it for" in line for line in screen)
    store = ["--store", str(many[0].logs.path)]
    wrong = CliRunner().invoke(app, ["latency", "--like", "vlm", *store])
    assert wrong.exit_code == 2
    both = CliRunner().invoke(app, ["latency", "--like", "vllm", "--distribution", *store])
    assert both.exit_code == 2


def test_definitions_name_queries_and_metrics_that_exist(many: Many) -> None:
    bench = many[0]
    rows = bench.logs.query("definitions").to_dicts()
    assert {row["measure"] for row in rows} <= set(find_queries())
    metrics = set(like(bench, "aiperf")) | set(like(bench, "guidellm"))
    named = {
        row[tool].split(" ")[0].rstrip(":;")
        for row in rows
        for tool in ("aiperf", "guidellm")
        if row[tool] and not row[tool].startswith("(")
    }
    unseen = {"time_to_first_output_token", "time_to_first_output_token_ms"}
    unseen |= {"good_request_fraction"}  # of a run's own objectives
    assert {name.rstrip(",") for name in named} - unseen <= metrics
    pace = run(bench, "query", "tpot", "--by", "model").splitlines()
    assert pace[0].startswith(
        "Time per output token after the first, of the requests that were ok · "
    )
    assert "definition: (end - first token) / (output tokens - 1), from 2 tokens." in pace
    assert pace[1].split() == ["model", "n", "p50_ms", "p95_ms", "p99_ms"]
    screen = run(bench, "query", "definitions")
    assert "tpot = (end - first token) / (output tokens - 1), from 2 tokens; ms" in screen


def test_measures_declare_unit_grain_and_definition() -> None:
    for name, query in find_queries().items():
        if query.path.parent.name == "latency":
            assert query.keys.get("unit"), name
            assert query.keys.get("grain"), name
