"""Many small files are read as a few large ones; every record keeps its file and its line."""

from __future__ import annotations

import json

from logscope.reading import FEW
from tests.conftest import Bench, native

LINES = (("a", 1), ("b", 2))


def test_each_record_keeps_its_file_and_line(bench: Bench) -> None:
    number = FEW + 5
    for i in range(number):
        first = json.dumps(native(f"{i:02}-a"))
        text = f"{first}\n\n{json.dumps(native(f'{i:02}-b'))}"
        # One broken line, one file without an end of line, one that repeats another's record.
        text += {3: "\nbroken\n", 4: "", 5: f"\n{json.dumps(native('00-a'))}\n"}.get(i, "\n")
        bench.write(text, f"logs/{i:02}.jsonl")
    result = bench.ingest(bench.folder / "logs")
    assert (result.files, *bench.counts) == (number, 2 * number + 2, 2 * number, 1, 0, 1)
    rows = bench.logs.sql(
        "select request_id, right(path, 8), line from requests join files using (file_id) "
        "order by request_id"
    ).rows()
    expected = [
        (f"{i:02}-{id}", f"{i:02}.jsonl", line) for i in range(number) for id, line in LINES
    ]
    assert rows == expected
    (reject,) = bench.logs.rejects().rows()
    assert reject[0].endswith("03.jsonl") and reject[1:3] == (4, "not JSON")
    per_file = bench.logs.sql(
        "select records, count(*) from files group by records order by records"
    ).rows()
    assert per_file == [(2, number - 2), (3, 2)]


def test_small_files_beside_large_ones(bench: Bench) -> None:
    for i in range(FEW):
        bench.write([native(f"small-{i:02}")], f"logs/{i:02}.jsonl")
    bench.write([native(f"large-{i:05}") for i in range(2000)], "logs/large.jsonl")
    bench.ingest(bench.folder / "logs")
    assert bench.counts == (2000 + FEW, 2000 + FEW, 0, 0, 0)
    found = bench.logs.sql("select max(line), count(distinct file_id) from requests").rows()
    assert found == [(2000, FEW + 1)]
