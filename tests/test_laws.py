"""Laws of the store: every record counted once, the same input changes nothing, a kill loses nothing."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

import logscope
from logscope.door import CATALOG
from logscope.queries import find_queries
from logscope.store import SCRATCH, Store
from logscope.tables import TABLES_SQL, table_columns
from tests.conftest import Bench, native


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file of a store but its lock and scratch."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".scratch" not in path.parts and path.name != ".lock"
    }


def contents(logs: logscope.Logs) -> list[tuple[Any, ...]]:
    """Return the rows of a store, without where they came from."""
    frame = logs.sql("select * exclude (file_id, line) from requests order by request_id")
    return frame.rows()


def test_the_columns_are_those_that_duckdb_makes_of_the_declared_tables() -> None:
    with duckdb.connect() as connection:
        connection.execute(TABLES_SQL.read_text(encoding="utf-8"))
        made = connection.execute(
            "select table_name, column_name, data_type from duckdb_columns() where not internal "
            "order by table_oid, column_index"
        ).fetchall()
        read = [
            (table, column, connection.execute(f"select typeof(null::{kind})").fetchone()[0])
            for table, columns in table_columns().items()
            for column, kind in columns.items()
        ]
    assert read == made


def test_the_same_file_again_changes_nothing(bench: Bench) -> None:
    path = bench.write([native(f"r{i}") for i in range(5)])
    bench.ingest(path)
    assert bench.counts == (5, 5, 0, 0, 0)
    before = tree(bench.logs.path)
    copy = bench.folder / "elsewhere" / "copy.jsonl"
    copy.parent.mkdir()
    shutil.copy(path, copy)
    packed = bench.folder / "same.jsonl"
    packed.write_bytes(path.read_bytes())
    result = bench.ingest(path, copy, packed)
    assert result.unchanged_files == 3
    assert result.records == 0
    assert tree(bench.logs.path) == before


def test_the_same_records_in_another_file_are_merged(bench: Bench) -> None:
    records = [native(f"r{i}") for i in range(5)]
    bench.ingest(bench.write(records))
    rows = contents(bench.logs)
    files = [file.path for file in Store(bench.logs.path).files("requests")]
    bench.ingest(bench.write([*reversed(records)], "other.jsonl"))
    assert bench.counts == (5, 0, 5, 0, 0)
    assert contents(bench.logs) == rows
    assert [file.path for file in Store(bench.logs.path).files("requests")] == files


def test_a_fuller_version_replaces_the_earlier_one(bench: Bench) -> None:
    first = native("r1", output_tokens=1, duration_ms=500.0)
    full = native("r1", output_tokens=300, duration_ms=3000.0, task="chat")
    bench.ingest(bench.write([first, native("r2")], "a.jsonl"))
    bench.ingest(bench.write([full], "b.jsonl"))
    assert bench.counts == (1, 0, 1, 0, 0)
    row = bench.rows("select * from requests where request_id = 'r1'")[0]
    assert (row["output_tokens"], row["duration_ms"], row["task"]) == (300, 3000.0, "chat")
    # tpot = (3000 - 400) / 299
    assert row["tpot_ms"] == pytest.approx(2600 / 299)
    # The older version again: nothing may go back.
    bench.ingest(
        bench.write(
            [first, {"request_id": "r1", "model": "gpt-5.4", "started_at": first["started_at"]}],
            "c.jsonl",
        )
    )
    assert bench.rows("select * from requests where request_id = 'r1'")[0] == row


def test_a_fuller_stream_replaces_all_that_the_earlier_one_told(
    bench: Bench, tmp_path: Path
) -> None:
    request = native("r1", ttft_ms=None)
    stream = {"request_id": "r1", "started_at": request["started_at"]}
    earlier = stream | {"offsets_ms": [100, 500], "kinds": ["role", "text"]}
    told = ("reasoning", "reasoning", "text")
    fuller = stream | {"offsets_ms": [100, 300, 400, 700], "kinds": ["role", *told]}
    logs = [bench.write([line], f"{i}.jsonl") for i, line in enumerate((request, earlier, fuller))]
    orders = ([logs], [logs[:2], logs[2:]], [logs[1:2], logs[:1], logs[2:]])
    for number, order in enumerate(orders):
        store = logscope.open(tmp_path / f"store-{number}")
        for batch in order:
            store.ingest(batch)
        row = store.sql("select ttft_ms, ttft_visible_ms, n_chunks from requests").row(0)
        assert row == (300.0, 700.0, 4)


def test_order_and_grouping_of_files_do_not_matter(bench: Bench) -> None:
    rng = random.Random(5)
    records = []
    for i in range(60):
        full = native(
            f"r{i % 40}",
            output_tokens=rng.randrange(1, 900),
            duration_ms=rng.choice([900.0, 2000.0]),
        )
        for name in ("ttft_ms", "provider", "status", "input_tokens"):
            if rng.random() < 0.3:
                del full[name]
        records.append(full)
    seen = []
    for attempt in range(4):
        rng.shuffle(records)
        other = Bench(bench.folder / f"order{attempt}")
        step = (60, 7, 20, 1)[attempt] if attempt < 3 else 30
        paths = [
            other.write(records[at : at + step], f"part{at}.jsonl") for at in range(0, 60, step)
        ]
        if attempt % 2:
            for path in paths:
                other.ingest(path)
        else:
            other.ingest(*paths)
        seen.append(contents(other.logs))
    assert len(seen[0]) == 40
    assert seen[1:] == seen[:1] * 3


def test_records_are_stored_merged_ignored_or_rejected(bench: Bench) -> None:
    lines = [
        native("r1"),
        native("r1"),
        "{half",
        {**native("r3"), "started_at": None},
        native("r4"),
    ]
    bench.ingest(bench.write(lines))
    assert bench.counts == (5, 2, 1, 0, 2)
    assert bench.rejects() == [(3, "not JSON"), (4, "no readable start time")]
    row = bench.rows("select * from files")[0]
    assert row["records"] == row["stored"] + row["merged"] + row["ignored"] + row["rejected"]


def test_rejects_tell_keys_and_lengths_but_no_text(bench: Bench) -> None:
    secret = "my password is hunter2"
    bench.ingest(
        bench.write(
            [
                native("r1"),
                "",
                {"request_id": "r2", "model": "m", "started_at": "soon", "note": secret},
            ]
        )
    )
    row = bench.rows("select * from rejects")[0]
    assert row["line"] == 3  # the empty line counts
    assert "note: text(22)" in row["excerpt"]
    assert all(secret.encode() not in data for data in tree(bench.logs.path).values())


def test_secrets_in_labels_are_masked(bench: Bench) -> None:
    bench.ingest(
        bench.write([native("r1", labels={"key": "sk-abcdefghijklmnop", "feature": "search"})])
    )
    assert bench.rows()[0]["labels"] == {"feature": "search", "key": "***"}


def test_null_is_not_zero(bench: Bench) -> None:
    bare = {"request_id": "r1", "model": "gpt-5.4", "started_at": "2026-11-09T10:00:00Z"}
    bench.ingest(
        bench.write([bare, native("r2", input_tokens=0, output_tokens=0, cache_read_tokens=0)])
    )
    unknown, zero = bench.rows("select * from requests order by request_id")
    for name in (
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "ttft_ms",
        "duration_ms",
        "cost_usd",
    ):
        assert unknown[name] is None, name
    assert (zero["input_tokens"], zero["output_tokens"], zero["cache_read_tokens"]) == (0, 0, 0)
    assert zero["cost_usd"] == 0


def test_a_backward_clock_gives_no_number(bench: Bench) -> None:
    bench.ingest(
        bench.write(
            [
                native("r1", duration_ms=None, ttft_ms=None, ended_at="2026-11-09T09:59:59Z"),
                native("r2", duration_ms=-5, ttft_ms=-1),
                native(
                    "r3", ttft_ms=None, first_token_at="2026-11-09T10:00:09Z", duration_ms=1000.0
                ),
            ]
        )
    )
    for row in bench.rows("select * from requests order by request_id"):
        assert row["ttft_ms"] is None
        assert row["duration_ms"] in (None, 1000.0)


def test_any_duckdb_opens_the_door(bench: Bench) -> None:
    bench.ingest(
        bench.write([native("r1"), native("r2", model="claude-opus-4-7", provider="anthropic")])
    )
    connection = duckdb.connect(str(bench.logs.path / CATALOG), read_only=True)
    assert connection.execute("select count(*) from requests").fetchone() == (2,)
    assert connection.execute("select max(in_flight), max(attempt) from requests").fetchone() == (
        1,
        1,
    )
    names = {
        row[0]
        for row in connection.execute(
            "select view_name from duckdb_views() where not internal"
        ).fetchall()
    }
    assert {"requests", "streams", "scores", "bills", "files", "rejects", "prices", "request_types",
            "recommendations", "operations", "sessions"} <= names  # fmt: skip
    comment = connection.execute(
        "select comment from duckdb_columns() where table_name = 'requests' and column_name = 'ttft_ms'"
    ).fetchone()
    assert comment == ("First generated event - start; ms.",)
    assert len(connection.execute("from cost()").fetchall()) == 2
    # Every view is explained, and every column of those that a user reads.
    made_for_macros = "('stored_requests', 'selection', 'groups', 'generated_gaps', 'answer_gaps')"
    assert (
        connection.execute(
            "select view_name from duckdb_views() where not internal and comment is null"
        ).fetchall()
        == []
    )
    assert (
        connection.execute(
            "select table_name, column_name from duckdb_columns() where not internal "
            f"and comment is null and table_name not in {made_for_macros} and table_name <> 'parents'"
        ).fetchall()
        == []
    )
    # Every named query is there, those with parameters too.
    macros = {
        row[0]
        for row in connection.execute(
            "select function_name from duckdb_functions() where function_type = 'table_macro'"
        ).fetchall()
    }
    assert set(find_queries()) <= macros and len(find_queries()) > 40
    connection.close()
    assert (bench.logs.path / CATALOG).stat().st_size < 1_000_000


def test_a_macro_of_the_door_takes_the_parameters_of_its_query(bench: Bench) -> None:
    chunks = [{"request_id": "r1", "offsets_ms": [100, 700, 2000, 2100]}]
    bench.ingest(bench.write([native("r1", duration_ms=2100)], "a.jsonl"))
    bench.ingest(bench.write(chunks, "streams.jsonl"))
    connection = duckdb.connect(str(bench.logs.path / CATALOG), read_only=True)
    # Gaps of 600, 1300 and 100 ms.
    for over_ms, found in ((None, (1, 1300)), (500, (2, 1900)), (2000, (0, 0))):
        given = "" if over_ms is None else f"over_ms := {over_ms}"
        assert (
            connection.execute(f"select stalls, stall_ms from stream_stalls({given})").fetchone()
            == found
        )
    slo = json.dumps(
        [
            {
                "name": "quick",
                "task": None,
                "route": None,
                "ttft_ms": None,
                "duration_ms": 2000,
                "goal": 0.9,
            }
        ]
    )
    assert connection.execute(
        f"select objective, n_met, n_missed from objectives(objectives := '{slo}')"
    ).fetchall() == [("quick", 0, 1)]
    assert connection.execute("from objectives()").fetchall() == []
    connection.close()


def test_a_door_that_lags_behind_is_brought_up_to_date(bench: Bench) -> None:
    door = bench.logs.path / CATALOG
    bench.ingest(bench.write([native("r1")], "a.jsonl"))
    old = door.read_bytes()
    bench.ingest(bench.write([{"request_id": "r1", "name": "correct", "value": 1}], "scores.jsonl"))
    door.write_bytes(old)  # as if the writer had been killed between the commit and the door
    bench.ingest(bench.write([native("r2")], "b.jsonl"))
    connection = duckdb.connect(str(door), read_only=True)
    assert connection.execute("select count(*) from requests").fetchone() == (2,)
    assert connection.execute("select count(*) from scores").fetchone() == (1,)
    assert connection.execute(
        "select count(*) from duckdb_columns() where table_name = 'scores' and comment is not null"
    ).fetchone() == (8,)
    connection.close()
    # A repetition of what was killed changes nothing else.
    door.write_bytes(old)
    (bench.logs.path / f"{CATALOG}.1").write_bytes(b"half of one")
    result = bench.ingest(bench.folder / "b.jsonl")
    assert (result.stored, result.unchanged_files) == (0, 1)
    assert [*bench.logs.path.glob(f"{CATALOG}*")] == [door]
    with duckdb.connect(str(door), read_only=True) as mended:
        assert mended.execute("select count(*) from requests").fetchone() == (2,)


def test_a_reader_keeps_its_files_while_a_writer_replaces_them(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1", output_tokens=1)], "a.jsonl"))
    reader = duckdb.connect(str(bench.logs.path / CATALOG), read_only=True)
    bench.ingest(bench.write([native("r1", output_tokens=9), native("r2")], "b.jsonl"))
    assert reader.execute("select output_tokens from requests").fetchall() == [(1,)]
    reader.close()


KILLED = """
import os, sys, threading, time
import logscope
from pathlib import Path
def kill():
    time.sleep(float(sys.argv[3]))
    os.kill(os.getpid(), 9)
threading.Thread(target=kill, daemon=True).start()
logscope.open(sys.argv[1]).ingest([sys.argv[2]])
"""


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_store(bench: Bench) -> None:
    bench.ingest(bench.write([native(f"a{i}") for i in range(200)], "a.jsonl"))
    old = contents(bench.logs)
    more = bench.write(
        [
            native(
                f"{'a' if i % 3 else 'b'}{i}",
                output_tokens=500 + i % 7,
                started_at=f"2026-11-{9 + i % 5:02d}T10:00:00Z",
            )
            for i in range(3000)
        ],
        "b.jsonl",
    )
    whole = Bench(bench.folder / "whole")
    shutil.copytree(bench.logs.path, whole.logs.path)
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", KILLED, whole.logs.path, more, "600"], check=True)
    lasts = time.monotonic() - started
    new = contents(whole.logs)
    assert new != old
    outcomes = []
    for step in range(8):
        store = bench.folder / f"killed{step}"
        shutil.copytree(bench.logs.path, store)
        # Imports take the first part; the commit lies towards the end.
        done = subprocess.run(
            [sys.executable, "-c", KILLED, store, more, str(lasts * (0.35 + 0.08 * step))],
            stderr=subprocess.DEVNULL,
        )
        logs = logscope.open(store)
        state = contents(logs)
        assert state in (old, new)
        outcomes.append((done.returncode, "new" if state == new else "old"))
        logs.ingest([more])
        assert contents(logs) == new
        assert logs.sql("select count(*) as n from files").item() == 2
        assert not [*store.glob(f"{CATALOG}.*"), *store.glob(f"{SCRATCH}/*")]
        with duckdb.connect(str(store / CATALOG), read_only=True) as door:
            assert door.execute("select count(*) from files").fetchone() == (2,)
    print(f"killed {sum(code == -signal.SIGKILL for code, _ in outcomes)} of 8: {outcomes}")
    assert any(code == -signal.SIGKILL for code, _ in outcomes)


def test_two_writers_at_once_lose_nothing_and_double_nothing(bench: Bench) -> None:
    bench.ingest(bench.write([native("seed")], "seed.jsonl"))
    paths = [
        bench.write([native(f"r{i}") for i in range(50 * n, 50 * n + 100)], f"{n}.jsonl")
        for n in range(3)
    ]
    script = "import sys, logscope; logscope.open(sys.argv[1]).ingest([sys.argv[2]])"
    running = [
        subprocess.Popen([sys.executable, "-c", script, bench.logs.path, path]) for path in paths
    ]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    assert bench.logs.sql(
        "select count(*) as n, count(distinct request_id) as d from requests"
    ).rows() == [(201, 201)]
    frame = bench.logs.sql(
        "select sum(records) as r, sum(stored) as s, sum(merged) as m from files"
    )
    assert frame.row(0) == (301, 201, 100)


def test_a_commit_undoes_what_a_killed_writer_left_in_one_table(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")], "a.jsonl"))
    ledger = bench.logs.path / "files" / "_delta_log"
    last = sorted(ledger.glob("*.json"))[-1]
    bench.ingest(bench.write([native("lost")], "b.jsonl"))
    # As if the writer had died after the table of requests and before the ledger.
    for path in sorted(ledger.glob("*.json")):
        if path.name > last.name:
            path.unlink()
    assert [row["request_id"] for row in bench.rows()] == ["r1"]
    bench.ingest(bench.write([native("r3")], "c.jsonl"))
    assert [
        row["request_id"] for row in bench.rows("select * from requests order by request_id")
    ] == ["r1", "r3"]


def test_a_refresh_recomputes_what_rules_and_prices_give(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bench.folder)
    bench.ingest(
        bench.write([native("r1", labels={"feature": "search"}), native("r2", model="mistral-x")])
    )
    assert [row["task"] for row in bench.rows("select * from requests order by request_id")] == [
        None,
        None,
    ]
    (bench.folder / "logscope.toml").write_text(
        'task = "label:feature"\n[prices."mistral-x"]\ninput = 1.0\noutput = 10.0\n'
    )
    logs = logscope.open(bench.logs.path)
    assert "rules and the prices changed" in str(logs.staleness())
    assert logs.refresh() == 2
    assert logs.staleness() is None
    first, second = logs.sql("select task, cost_usd from requests order by request_id").rows()
    assert first[0] == "search"
    # 1,000 input tokens at $1 and 101 output tokens at $10 per million.
    assert float(second[1]) == pytest.approx(1000 * 1e-6 + 101 * 10e-6, abs=1e-12)
    assert logs.refresh() == 0


def test_a_store_is_found_upward_like_git(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.folder / "logscope-store").mkdir()
    deep = bench.folder / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    monkeypatch.delenv("LOGSCOPE_STORE", raising=False)
    assert logscope.open().path == bench.folder / "logscope-store"
    monkeypatch.setenv("LOGSCOPE_STORE", str(bench.folder / "named"))
    assert logscope.open().path == bench.folder / "named"


def test_many_small_files_are_one_read(bench: Bench) -> None:
    folder = bench.folder / "objects"
    folder.mkdir()
    for i in range(300):
        (folder / f"{i:03d}.json").write_text(json.dumps(native(f"r{i}")))
    with gzip.open(folder / "packed.json.gz", "wt") as file:
        file.write(json.dumps(native("packed")))
    bench.ingest(folder)
    assert bench.counts == (301, 301, 0, 0, 0)
    assert bench.logs.sql("select count(*) as n from files").item() == 301


def test_a_read_only_store_can_be_read(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")]))
    for path in [bench.logs.path, *bench.logs.path.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        if os.geteuid() != 0:
            with pytest.raises(logscope.StoreError):
                bench.ingest(bench.write([native("r2")], "b.jsonl"))
        assert bench.logs.latency().height == 1
    finally:
        for path in [bench.logs.path, *bench.logs.path.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)


def test_every_rejected_row_of_a_record_is_listed(bench: Bench) -> None:
    """Two spans in one line, neither with a start: two rejected, both listed."""
    spans = [
        {"traceId": f"{n:032x}", "spanId": f"{n:016x}", "name": "chat", "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]}
        for n in (1, 2)
    ]  # fmt: skip
    bench.ingest(
        bench.write([{"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}]),
        bench.write([native("r1")], "good.jsonl"),
    )
    assert bench.counts == (3, 1, 0, 0, 2)
    assert bench.rejects() == [(1, "no readable start time")] * 2
