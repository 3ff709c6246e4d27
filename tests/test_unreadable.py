"""One record that cannot be read costs only itself: where a format's SQL throws, where a quote is
never closed, where a line is too long."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logscope import numbering, reading, staging
from logscope.numbering import find_throwing
from tests.conftest import Bench, Row, native

# `took` is cast without try_cast, and soon is no number.
ADAPTER = """-- Acme gateway: one object per call.
-- source: https://acme.example/docs
-- reads: json, csv, parquet
-- {rows}detect: json_exists(first, '$.acme_id')
-- columns: acme_id VARCHAR, took VARCHAR, began VARCHAR
-- One row per call.
select
    record_file, record_line, acme_id as request_id, time_of(began) as started_at,
    took::integer as duration_ms, 'gpt-5.4' as model_logged,
    count(*) over (partition by record_file) as n_messages,
from source
"""
SECRET = "soon: my password is hunter2"


def call(number: int, took: str = "100") -> Row:
    return {"acme_id": f"r{number:05}", "took": took, "began": "2026-11-09T10:00:00Z"}


def adapter(bench: Bench, rows: str = "") -> Path:
    path = bench.folder / "acme.sql"
    path.write_text(ADAPTER.format(rows=rows))
    return path


def as_json(rows: list[Row], path: Path) -> None:
    path.write_text(json.dumps(rows))


def as_lines(rows: list[Row], path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def as_csv(rows: list[Row], path: Path) -> None:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def as_parquet(rows: list[Row], path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


WRITERS = {"jsonl": as_lines, "json": as_json, "csv": as_csv, "parquet": as_parquet}


@pytest.mark.parametrize("rows", ["", "rows: many\n-- "], ids=["one row", "many rows"])
@pytest.mark.parametrize("kind", WRITERS)
def test_where_a_format_throws_only_the_record_at_fault_is_rejected(
    bench: Bench, kind: str, rows: str
) -> None:
    calls = [call(number, SECRET if number == 2345 else "100") for number in range(1, 5001)]
    path = bench.folder / f"log.{kind}"
    WRITERS[kind](calls, path)
    bench.ingest(path, adapters=[adapter(bench, rows)])
    assert bench.counts == (5000, 4999, 0, 0, 1)
    assert bench.rejects() == [(2345, "acme throws (Conversion Error)")]
    kept = bench.rows(
        "select request_id, line, duration_ms, n_messages from requests order by line"
    )
    assert [(row["request_id"], row["line"]) for row in kept] == [
        (f"r{number:05}", number) for number in range(1, 5001) if number != 2345
    ]
    # The others are read together: a format may look from one record at others.
    assert {(row["duration_ms"], row["n_messages"]) for row in kept} == {(100, 4999)}


def test_small_files_that_are_read_together_keep_their_records_and_lines(bench: Bench) -> None:
    for number in range(reading.FEW + 10):
        took = {7: SECRET, 21: "x"}.get(number, "100")
        bench.write([call(3 * number), call(3 * number + 1, took), call(3 * number + 2)],
                    f"logs/{number:02}.jsonl")  # fmt: skip
    bench.ingest(bench.folder / "logs", adapters=[adapter(bench)])
    assert bench.counts == (90, 88, 0, 0, 2)
    found = bench.rows("select right(path, 8) as name, line from rejects order by all")
    assert found == [{"name": "07.jsonl", "line": 2}, {"name": "21.jsonl", "line": 2}]


def test_to_find_one_record_takes_two_reads_for_each_halving() -> None:
    for at in (0, 1, 499_999, 999_998):
        reads = []

        def throws(places: tuple[int, int], at: int = at, reads: list[int] = reads) -> bool:
            reads.append(places[1] - places[0])
            return places[0] <= at < places[1]

        assert find_throwing(throws, 999_999) == [(at, at + 1)]
        assert len(reads) <= 2 * math.ceil(math.log2(999_999)) == 40
        assert sum(reads) <= 2 * 999_999 + 40  # all reads together are as long as two of all


def test_where_very_many_throw_reading_ends_and_every_record_is_accounted_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "READS", 40)
    # Every tenth among the first 500; the rest is sound, and is kept.
    calls = [call(n, "x" if n <= 500 and n % 10 == 0 else "100") for n in range(1, 5001)]
    bench.ingest(bench.write(calls), adapters=[adapter(bench)])
    records, stored, _, _, rejected = bench.counts
    assert (records, stored + rejected) == (5000, 5000)
    assert 4375 <= stored <= 4950
    assert {reason for _, reason in bench.rejects()} == {
        "one of these records is such that acme throws (Conversion Error)"
    }


def test_one_broken_document_among_many_is_read_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(32):
        text = json.dumps([native(f"r{number}"), native(f"r{number}-2")], indent=1)
        bench.write(text[:-50] if number == 11 else text, f"logs/{number:02}.json")
    reads = []
    whole = staging.read_group
    monkeypatch.setattr(
        staging, "read_group", lambda c, plans, s: (reads.append(len(plans)), whole(c, plans, s))
    )
    bench.ingest(bench.folder / "logs")
    assert bench.counts == (64, 63, 0, 0, 1)
    assert "breaks off after 1 record" in bench.rejects()[0][1]
    # All, then the two halves five times, then the broken one after its repair.
    assert reads == [32, 16, 8, 8, 4, 2, 2, 1, 1, 1, 4, 16]


def test_a_line_that_is_too_long_costs_only_itself(bench: Bench) -> None:
    long = native("long", note="x" * (2 * reading.MAX_RECORD_BYTES))
    bench.ingest(bench.write([native("r1"), long, native("r2")]))
    assert bench.counts == (3, 2, 0, 0, 1)
    assert bench.rejects() == [(2, "longer than 32 MB")]
    just = native("just", note="x" * (reading.MAX_LINE_BYTES - 400))
    bench.ingest(bench.write([native("r3"), just, native("r4"), long], "more.jsonl"))
    assert bench.counts == (4, 3, 0, 0, 1)
    assert [row["line"] for row in bench.rows("select line from requests order by file_id, line")
            ].count(3) == 2  # fmt: skip


HEADER = "request_id,model,started_at"


def row(name: str, model: str = "m") -> str:
    return f"{name},{model},2026-11-09T10:00:00Z"


CSV = {
    "alone": ([row("r1"), '"open, quote', row("r2"), row("r3")], ["r1", "r2", "r3"], [2]),
    "in a cell": ([row("r1"), 'bad,"open quote', row("r2")], ["r1", "r2"], [2]),
    "at the end": ([row("r1"), row("r2"), 'bad,"open'], ["r1", "r2"], [3]),
    # The second open quote would close the first, 3 lines below.
    "two of them": (
        [row("r1"), 'bad,"open', row("r2"), row("r3"), 'worse,"open', row("r4")],
        ["r1", "r2", "r3", "r4"], [2, 5],
    ),
    "before a whole cell": (
        [row("r1"), 'bad,"open', row("r2", '"a ""name"", quoted"'), row("r3")],
        ["r1", "r2", "r3"], [2],
    ),
    # What is quoted rightly may go over lines, one of which looks like a row.
    "none": ([row("r1", f'"a\n{row("x")}\n\nb"'), row("r2"), row("r3", 'a"b')],
             ["r1", "r2", "r3"], []),
}  # fmt: skip


@pytest.mark.parametrize("name", CSV)
def test_an_open_quote_does_not_swallow_the_rows_behind_it(bench: Bench, name: str) -> None:
    rows, stored, rejected = CSV[name]
    bench.ingest(bench.write("\n".join([HEADER, *rows]) + "\n", "log.csv"))
    found = bench.rows("select request_id from requests order by line")
    assert [one["request_id"] for one in found] == stored
    assert [line for line, _ in bench.rejects()] == rejected
    assert bench.counts == (len(stored) + len(rejected), len(stored), 0, 0, len(rejected))


def test_nor_does_one_that_the_reader_meets_late(bench: Bench) -> None:
    rows = [row(f"r{number}") for number in range(30_000)]
    rows[20_000:20_000] = ['bad,"open quote']
    bench.ingest(bench.write("\n".join([HEADER, *rows]) + "\n", "log.csv"))
    assert bench.counts == (30_001, 30_000, 0, 0, 1)
