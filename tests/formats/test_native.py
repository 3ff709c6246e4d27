"""logscope's own requests, streams and scores, as NDJSON, CSV and Parquet."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.conftest import Bench, IngestRows, native

REQUEST: dict[str, Any] = {
    "request_id": "a",
    "model": "gpt-5.5",
    "started_at": "2026-11-10T10:00:00Z",
    "first_token_at": "2026-11-10T11:00:00.250+01:00",
    "ended_at": 1794304802.5,  # epoch seconds: 2026-11-10T10:00:02.5Z
    "provider": "openai",
    "region": "eu-west-1",
    "task": "code",
    "labels": {"feature": "search"},
    "input_tokens": 1000,
    "cache_read_tokens": 600,
    "output_tokens": 50,
    "reasoning_tokens": 20,
    "status": "ok",
    "stream": True,
    "cache_hit": False,
    "temperature": 0.5,
    "cost_usd": 0.0125,
}


def files(kind: str, bench: Any, records: list[dict[str, Any]]) -> Any:
    """Write records as NDJSON, CSV or Parquet (lists and maps as such, in CSV as JSON text)."""
    if kind == "json":
        return bench.write(records)
    path = bench.folder / f"log.{kind}"
    if kind == "csv":
        import json

        flat = [
            {
                key: json.dumps(item) if isinstance(item, dict | list) else item
                for key, item in record.items()
            }
            for record in records
        ]
        pl.DataFrame(flat, strict=False).write_csv(path)
    else:
        pl.DataFrame(records, strict=False).write_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_a_request(bench, kind):
    bench.ingest(files(kind, bench, [REQUEST, {**REQUEST, "request_id": "b", "cost_usd": None}]))
    assert bench.counts == (2, 2, 0, 0, 0)
    row, other = sorted(bench.rows(), key=lambda row: row["request_id"])
    assert row["started_at"] == datetime(2026, 11, 10, 10, 0, tzinfo=UTC)
    assert (row["ttft_ms"], row["duration_ms"]) == (250, 2500)
    assert (row["model"], row["region"], row["task"]) == ("gpt-5.5", "eu-west-1", "code")
    assert row["labels"] == {"feature": "search", "task": "code"}
    assert (row["input_uncached_tokens"], row["output_text_tokens"]) == (400, 30)
    assert (row["stream"], row["cache_hit"], row["temperature"]) == (True, False, 0.5)
    assert row["logged_cost_usd"] == Decimal("0.0125") and other["logged_cost_usd"] is None
    assert row["session_id"] is None and row["cache_write_5m_tokens"] is None


def test_a_map_column_of_parquet(bench):
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = pa.array([[("feature", "a, b"), ("team", "legal")]], pa.map_(pa.string(), pa.string()))
    started = pa.array([datetime(2026, 11, 10, 10, 0)], pa.timestamp("us"))  # naive means UTC
    columns = {"request_id": ["a"], "model": ["m"], "started_at": started, "labels": labels}
    pq.write_table(pa.table(columns), bench.folder / "log.parquet")
    bench.ingest(bench.folder / "log.parquet")
    (row,) = bench.rows()
    assert row["labels"] == {"feature": "a, b", "team": "legal"} and row["team"] == "legal"
    assert row["started_at"] == datetime(2026, 11, 10, 10, 0, tzinfo=UTC)


def test_disjoint_counters_as_the_table_has_them(ingest_rows):
    (row,) = ingest_rows([
        {"request_id": "a", "model": "m", "started_at": 1762768800, "input_uncached_tokens": 3,
         "cache_read_tokens": 5, "output_text_tokens": 7}
    ])  # fmt: skip
    assert (row["input_tokens"], row["output_tokens"], row["token_semantics"]) == (8, 7, "disjoint")


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_a_stream(bench, kind):
    bench.ingest(bench.write([REQUEST], "requests.jsonl"))
    bench.ingest(files(kind, bench, [
        {"request_id": "a", "offsets_ms": [120.5, 250.0, 1300.0],
         "kinds": ["role", "text", "text"]},
        {"request_id": "nobody", "offsets_ms": [1.0], "kinds": ["text"]},
    ]))  # fmt: skip
    assert bench.counts == (2, 1, 0, 0, 1)
    (stream,) = bench.rows("select * from streams")
    assert (stream["offsets_ms"], stream["kinds"]) == ([120.5, 250, 1300], ["role", "text", "text"])
    assert bench.rejects()[0][1] == "no start time and no such request"
    (row,) = bench.rows()
    assert (row["n_chunks"], row["max_gap_ms"], row["stall_ms"]) == (3, 1050, 1050)


def test_a_stream_with_its_own_start(bench):
    bench.ingest(bench.write([
        {"request_id": "x", "started_at": "2026-11-10T10:00:00Z", "offsets_ms": [1, 2],
         "tokens_per_chunk": [1, 4], "kinds": [None, "text"]}
    ]))  # fmt: skip
    (stream,) = bench.rows("select * from streams")
    assert stream["tokens_per_chunk"] == [1, 4] and stream["kinds"] == [None, "text"]
    assert bench.rows() == []


def test_streams_that_cannot_be(bench):
    bench.ingest(bench.write([
        {"request_id": "a", "started_at": 1, "offsets_ms": [0, 0, 1]},
        {"request_id": "b", "started_at": 1, "offsets_ms": [2, 1]},
        {"request_id": "c", "started_at": 1, "offsets_ms": [-1, 1]},
        {"request_id": "d", "started_at": 1, "offsets_ms": "soon"},
        {"request_id": "e", "started_at": 1, "offsets_ms": [1, 2], "kinds": ["text"]},
        "{broken",
    ]))  # fmt: skip
    assert bench.counts == (6, 1, 0, 0, 5)
    assert [reason for _, reason in bench.rejects()] == [
        "offsets_ms do not ascend from 0",
        "offsets_ms do not ascend from 0",
        "offsets_ms is no list of numbers",
        "lists of unequal length",
        "not JSON",
    ]


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_scores(bench, kind):
    bench.ingest(files(kind, bench, [
        {"request_id": "a", "session_id": None, "name": "helpful", "value": 0.75, "source": "human",
         "at": "2026-11-10T10:00:00Z"},
        {"request_id": None, "session_id": "s", "name": "helpful", "value": 1.0, "source": None,
         "at": None},
    ]))  # fmt: skip
    assert bench.counts == (2, 2, 0, 0, 0)
    first, second = bench.rows("select * from scores order by value")
    assert (first["request_id"], first["name"], first["value"]) == ("a", "helpful", 0.75)
    assert (first["source"], first["scored_at"]) == (
        "human",
        datetime(2026, 11, 10, 10, 0, tzinfo=UTC),
    )
    assert (second["session_id"], second["value"], second["scored_at"]) == ("s", 1, None)


def test_scores_that_cannot_be(bench):
    bench.ingest(bench.write([
        {"request_id": "a", "name": "passed", "value": True},
        {"request_id": "b", "name": "passed", "value": False},
        {"request_id": "c", "name": "stars", "value": 5},
        {"request_id": "d", "name": "stars", "value": "good"},
        {"request_id": "e", "value": 0.5},
        {"name": "stars", "value": 0.5},
    ]))  # fmt: skip
    assert bench.counts == (6, 2, 0, 0, 4)
    assert [row["value"] for row in bench.rows("select value from scores order by value")] == [0, 1]
    assert bench.rejects() == [
        (3, "value outside 0 to 1"),
        (4, "no readable value"),
        (5, "a score without a name"),
        (6, "a score without request_id or session_id"),
    ]


def test_streams_and_scores_among_requests(bench):
    bench.ingest(bench.write([
        {**REQUEST, "offsets_ms": [250, 300], "kinds": ["text", "text"]},
        {"request_id": "a", "name": "passed", "value": 1},
        {**REQUEST, "request_id": "b"},
        {"request_id": "b", "offsets_ms": [260]},
        {"request_id": "c", "started_at": "2026-11-10T10:00:00Z"},
        {**REQUEST, "request_id": "d", "started_at": "tomorrow"},
        {**REQUEST, "request_id": "e", "offsets_ms": "x"},
    ]))  # fmt: skip
    assert bench.counts == (7, 4, 0, 0, 3)
    assert len(bench.rows()) == 2
    assert len(bench.rows("select * from streams")) == 2
    assert len(bench.rows("select * from scores")) == 1
    assert bench.rejects() == [
        (5, "no model"),
        (6, "no readable start time"),
        (7, "offsets_ms is no list of numbers"),
    ]


def test_a_blank_id_is_none(bench: Bench) -> None:
    blank = {"operation_id": "", "session_id": "", "task": "", "team": "None"}
    untraced = {"trace_id": "", "span_id": ""}
    bench.ingest(
        bench.write([
            native("a", **blank, **untraced),
            native("b", **blank, **untraced),
            native("", **blank),
            native("", **blank, trace_id="0" * 31 + "1", span_id="0" * 15 + "1"),
            native("", **blank, trace_id="0" * 31 + "1", span_id=""),
            native("None"),
        ])
    )  # fmt: skip
    assert bench.counts == (6, 3, 0, 0, 3)
    assert bench.rejects() == [(3, "no request id"), (5, "no request id"), (6, "no request id")]
    rows = bench.rows("select * from requests order by line")
    span = f"{'0' * 31}1:{'0' * 15}1"
    assert [row["request_id"] for row in rows] == ["a", "b", span]
    assert [row["operation_id"] for row in rows] == ["a", "b", span]
    for name in ("session_id", "task", "team"):
        assert {row[name] for row in rows} == {None}, name


def test_a_status_that_says_nothing_is_no_success(bench: Bench) -> None:
    records = [native(str(i), status=status) for i, status in enumerate(("OK", "failed", "", None))]
    bench.ingest(bench.write(records))
    assert bench.rejects() == [(2, "status is not ok, error, throttled or cancelled")]
    assert {row["status"] for row in bench.rows()} == {"ok"}


def test_tiers_are_known_by_what_producers_call_them(ingest_rows: IngestRows) -> None:
    logged = ("default", "PRIORITY", "auto", "batch")
    rows = ingest_rows([native(tier, service_tier=tier) for tier in logged])
    assert [row["service_tier"] for row in rows] == ["standard", "priority", None, "batch"]
    # 1000 input and 101 output tokens of gpt-5.4, 2.5 and 15 USD per million; batch is half.
    assert [str(row["cost_usd"]) for row in rows[::3]] == ["0.0040150000", "0.0020075000"]
