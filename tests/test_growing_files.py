"""Files that grow: only what was added is read, and every count and line stays true."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bench, native

LEDGER = "select path, records, stored, merged, ignored, rejected, size_bytes from files order by 1"


def lines(*ids: str) -> str:
    return "".join(json.dumps(native(id)) + "\n" for id in ids)


def ledger(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.logs.sql(LEDGER).rows()


def placed(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.logs.sql(
        "select request_id, line, file_id from requests order by request_id"
    ).rows()


def add(path: Path, text: str) -> int:
    """Append to a file; return how many bytes."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
    return len(text.encode())


def test_only_what_was_added_is_read(bench: Bench) -> None:
    log = bench.write(lines("a", "b"))
    first = bench.ingest(log)
    assert (first.records, first.size_bytes) == (2, log.stat().st_size)
    added = add(log, lines("c", "b") + "broken\n\n" + lines("d"))
    second = bench.ingest(log)
    # Two new ones, one told again, one that is no record; the empty line is none.
    assert (second.records, second.size_bytes) == (4, added)
    assert bench.counts == (4, 2, 1, 0, 1)
    # It is one file as ever, and what is known of it adds up.
    assert ledger(bench) == [(str(log), 6, 4, 1, 0, 1, log.stat().st_size)]
    (file_id,) = {row[2] for row in placed(bench)}
    assert [row[:2] for row in placed(bench)] == [("a", 1), ("b", 2), ("c", 3), ("d", 6)]
    assert bench.logs.rejects().rows()[0][:3] == (str(log), 5, "not JSON")
    assert bench.ingest(log).unchanged_files == 1
    add(log, lines("e"))
    assert bench.ingest(log).records == 1
    assert ledger(bench) == [(str(log), 7, 5, 1, 0, 1, log.stat().st_size)]
    assert placed(bench)[-1] == ("e", 7, file_id)


def test_what_is_read_in_pieces_is_what_is_read_at_once(bench: Bench, tmp_path: Path) -> None:
    whole = lines("a", "b") + "broken\n" + lines("c", "a", "d")
    log = bench.write("")
    for end in range(300, len(whole), 401):
        log.write_text(whole[:end], encoding="utf-8")
        bench.ingest(log)
    log.write_text(whole, encoding="utf-8")
    bench.ingest(log)
    other = Bench(tmp_path / "other")
    other.folder.mkdir()
    other.ingest(log)
    assert ledger(bench) == ledger(other) == [(str(log), 6, 4, 1, 0, 1, len(whole))]
    assert [row[:2] for row in placed(bench)] == [row[:2] for row in placed(other)]
    assert bench.logs.rejects().rows() == other.logs.rejects().rows()


@pytest.mark.parametrize("cut", [0, 1, 30])
def test_a_line_that_broke_off_is_read_when_it_is_whole(bench: Bench, cut: int) -> None:
    whole = lines("a", "b", "c")
    log = bench.write(whole[: len(whole) - cut])
    bench.ingest(log)
    # Without the line break the last record is whole, without more it is none.
    assert bench.counts == ((3, 2, 0, 0, 1) if cut == 30 else (3, 3, 0, 0, 0))
    log.write_text(whole + lines("d"), encoding="utf-8")
    again = bench.ingest(log)
    assert (again.records, again.stored) == ((2, 2) if cut == 30 else (1, 1))
    assert ledger(bench) == [(str(log), 4, 4, 0, 0, 0, log.stat().st_size)]
    assert [row[:2] for row in placed(bench)] == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    assert bench.logs.rejects().is_empty()


def test_a_copy_costs_nothing_and_a_rotated_file_goes_on(bench: Bench) -> None:
    log = bench.write(lines("a", "b"), "app.log")
    bench.ingest(log)
    shutil.copy(log, bench.folder / "copy.log")
    assert bench.ingest(bench.folder / "copy.log").unchanged_files == 1
    add(log, lines("c"))
    rotated = log.rename(bench.folder / "app.log.1")
    log.write_text(lines("d"), encoding="utf-8")
    result = bench.ingest(rotated, log)
    assert (result.records, result.stored, result.files) == (2, 2, 2)
    assert [row[:3] for row in ledger(bench)] == [(str(log), 1, 1), (str(rotated), 3, 3)]
    # The copy is the beginning of a file that is known.
    again = bench.ingest(bench.folder / "copy.log")
    assert (again.records, again.unchanged_files) == (0, 1)


def test_a_file_that_only_begins_alike_is_read_whole(bench: Bench) -> None:
    log = bench.write(lines("a", "b"))
    bench.ingest(log)
    log.write_text(lines("a", "x", "y"), encoding="utf-8")
    assert bench.ingest(log).records == 3
    assert bench.counts == (3, 2, 1, 0, 0)


def test_what_is_no_plain_file_of_lines_is_read_anew(bench: Bench) -> None:
    packed = bench.write(gzip.compress(lines("a").encode()), "log.gz")
    bench.ingest(packed)
    with packed.open("ab") as file:
        file.write(gzip.compress(lines("b").encode()))
    assert bench.ingest(packed).records == 2
    listed = bench.write(json.dumps([native("c")]), "list.json")
    bench.ingest(listed)
    listed.write_text(json.dumps([native("c"), native("d")]), encoding="utf-8")
    assert bench.ingest(listed).records == 2
    assert [row[0] for row in placed(bench)] == ["a", "b", "c", "d"]


def test_two_that_grew_from_one(bench: Bench) -> None:
    log = bench.write(lines("a"))
    bench.ingest(log)
    one = bench.write(lines("a", "b"), "one.jsonl")
    two = bench.write(lines("a", "b", "c"), "two.jsonl")
    log.unlink()
    result = bench.ingest(one, two)
    assert result.stored == 2
    assert sum(row[2] for row in ledger(bench)) == 3
    assert all(row[1] == sum(row[2:6]) for row in ledger(bench))
