"""`logscope formats`: why a file is taken for what it is, what it fills, and how to get such logs."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from logscope.errors import UsageError
from logscope.explain import SAMPLE_BYTES, explain, format_screen, formats_frame
from logscope.formats import find_formats
from tests.conftest import Bench, native
from tests.formats.test_litellm_standard import call

FORMATS = find_formats()
SAMPLES = Path(__file__).parent.parent / "sample_logs"


def told(path: Path) -> str:
    """Return what is said of a file, on one line."""
    return " ".join(explain(str(path), FORMATS)[1].split())


def test_a_decision_and_the_columns_that_the_file_fills(bench: Bench) -> None:
    records = [native("r1"), native("r2", session_id="s"), native("r2"), "{broken"]
    packed = bench.folder / "log.jsonl.gz"
    packed.write_bytes(gzip.compress(bench.write(records).read_bytes()))
    frame, _ = explain(str(packed), FORMATS)
    filled = {(row["table"], row["column"]): row["filled"] for row in frame.to_dicts()}
    assert set(frame["rows"]) == {2}
    assert filled["requests", "ttft_ms"] == 2 and filled["requests", "tpot_ms"] == 2
    assert filled["requests", "session_id"] == 1 and filled["requests", "region"] == 0
    text = told(packed)
    assert "gz-compressed JSON, one record per line; first record: request_id, model" in text
    assert "native_requests: yes, by (json_exists(first" in text
    assert "4 records = 2 stored + 1 merged + 0 ignored + 1 rejected" in text
    assert "sometimes session_id 50 %" in text
    assert "logscope formats native_requests" in text


@pytest.mark.parametrize(
    ("file", "kind", "table"),
    [
        ("litellm_spendlogs.csv", "CSV; columns: request_id, call_type", "requests"),
        ("simonw_llm.db", "SQLite; tables:", "requests"),
        ("har.json", "JSON, ", "requests"),
        ("native_streams.jsonl", "JSON, one record per line", "streams"),
        ("native_scores.csv", "CSV; columns:", "scores"),
        ("openai_usage.json", "JSON, ", "bills"),
    ],
)
def test_every_kind_of_file_is_explained(file: str, kind: str, table: str) -> None:
    text = told(SAMPLES / file)
    assert kind in text and f"{file.split('.')[0]}: yes, by" in text
    assert f"of {table} always" in text


def test_of_a_long_log_the_beginning_is_read(bench: Bench) -> None:
    line = json.dumps(native("r", labels={"text": "x" * 2000}))
    path = bench.write([line.replace('"r"', f'"r{n}"') for n in range(2 * SAMPLE_BYTES // 2200)])
    frame, screen = explain(str(path), FORMATS)
    assert "stored + 0 merged + 0 ignored + 0 rejected (its beginning)" in screen
    assert 1000 < frame["rows"].max() < 2000  # type: ignore[operator]


def test_what_no_format_claims_is_told_what_is_missing(bench: Bench) -> None:
    record = call()
    del record["response_cost"]
    text = told(bench.write([record]))
    assert "no format claims it" in text
    assert "near litellm_standard: has id, trace_id" in text
    assert "lacks response_cost" in text and "--adapter mine.sql" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"2026-11-09 10:00 INFO started\n", "no log: neither JSON, CSV, Parquet nor SQLite"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no log: neither"),
        (gzip.compress(b"hello", mtime=0), "gz-compressed no log"),
    ],
)
def test_what_is_no_log_is_said_to_be_none(bench: Bench, content: bytes, said: str) -> None:
    text = told(bench.write(content, "some.log"))
    assert said in text and "What is read: logscope formats" in text


def test_two_formats_are_named_with_the_way_out(bench: Bench) -> None:
    text = told(bench.write([call() | native("r1")]))
    assert "litellm_standard: yes" in text and "native_requests: yes" in text
    assert "litellm_standard and native_requests claim it. Say which: logscope ingest" in text
    assert "--from litellm_standard" in text


def test_a_folder_is_counted_and_leads_on(bench: Bench) -> None:
    logs = bench.folder / "logs"
    for number in range(3):
        bench.write([native(f"r{number}")], f"logs/{number}.jsonl")
    bench.write("# Read me", "logs/README.md")
    with closing(sqlite3.connect(logs / "other.db")) as database:
        database.execute("create table cats (name text)")
    text = told(logs)
    assert "a folder with 5 files native_requests: 3 files no log: README.md, other.db" in text
    assert f"Read them: logscope ingest {logs}" in text
    assert f"logscope formats {logs / '0.jsonl'}" in text


def test_a_name_tells_how_to_get_such_logs() -> None:
    for name, format in FORMATS.items():
        text = format_screen(format)
        assert text.startswith(f"{name}: ")
        for part in ("How to get it", "Beware", "Fields", "Recognised by", "Defined in"):
            assert f"\n{part}\n" in text, (name, part)
        assert all(len(line) <= 80 or " " not in line.strip() for line in text.splitlines())
    assert formats_frame(FORMATS).height == len(FORMATS) >= 43


def test_what_is_neither_a_format_nor_a_file() -> None:
    with pytest.raises(UsageError, match="Did you mean litellm_standard"):
        explain("litelm_standard", FORMATS)
