"""A folder as people have it: nested, rotated, compressed, mixed with what is no log; one call reads it."""

from __future__ import annotations

import bz2
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import zstandard

from tests.conftest import Bench
from tests.worlds import contents, differences

SAMPLES = Path(__file__).parent.parent / "sample_logs"
GOLDENS = Path(__file__).parent / "golden" / "formats"  # what each sample gives alone
PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("", lambda data: data),
    (".gz", gzip.compress),
    (".zst", zstandard.compress),
    (".bz2", bz2.compress),
]
OTHERS = {
    "README.md": b"# Logs\n\n- one, two\n",
    "deep/dash.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xd8",
    "deep/config.json": b'{"model_list": [{"model_name": "smart"}]}',
    "deep/proxy.yaml": b"model_list:\n  - model_name: smart\n",
    "deep/empty.jsonl": b"",
    "old.log": b"2026-11-09 10:00:00 INFO started\n",
    "prices.csv": b"model,price\ngpt-5.5,1.25\n",
    "notes.csv": b"just, some\nwords\n",
    "broken.gz": b"\x1f\x8b\x08\x00not gzip at all",
}


def test_the_counts_of_a_folder_are_those_of_each_file_alone(bench: Bench) -> None:
    """But for the calls that two files tell of, and the ledger names each of these."""
    bench.ingest(SAMPLES)
    files = bench.rows("select * from files order by path")
    shared = {
        row["file_id"]: row["n"]
        for row in bench.rows(
            "select file_id, count(*) as n from merges "
            "where outcome = 'merged' and into_file_id <> file_id group by file_id"
        )
    }
    for file in files:
        golden = GOLDENS / f"{Path(file['path']).name.split('.')[0]}.json"
        alone = json.loads(golden.read_text(encoding="utf-8"))["counts"]
        more = shared.get(file["file_id"], 0)
        alone["stored"] -= more
        alone["merged"] += more
        assert {name: file[name] for name in alone} == alone, golden.name
    assert len(files) == len(list(SAMPLES.iterdir())) >= 43
    assert sum(shared.values()) == 65  # LiteLLM's calls that OpenTelemetry logged as well


def test_a_mixed_folder_is_read_in_one_call_in_any_order(bench: Bench) -> None:
    samples = sorted(path for path in SAMPLES.iterdir() if path.is_file())
    chance = random.Random(7)
    folder = bench.folder / "logs"
    placed = []
    for number, sample in enumerate(chance.sample(samples, len(samples))):
        suffix, pack = PACKERS[number % len(PACKERS)]
        if sample.suffix in (".gz", ".db"):  # packed already, or no stream of bytes
            suffix, pack = PACKERS[0]
        rotated = f"{sample.name}.{number}" if number % 3 else sample.name
        path = folder / chance.choice(["", "2026/11", "proxy/a/b"]) / f"{rotated}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(sample.read_bytes()))
        placed.append(path)
    for name, data in OTHERS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / ".hidden.jsonl").write_bytes(samples[0].read_bytes())

    result = bench.ingest(folder)
    assert result.files == len(samples) >= 43
    assert sorted(str(path.relative_to(folder)) for path in result.unknown_files) == sorted(OTHERS)
    assert result.records == result.stored + result.merged + result.ignored + result.rejected
    assert result.rejected >= len(samples)  # each sample has one

    other = Bench(bench.folder / "other")
    chance.shuffle(placed)
    other.ingest(*placed)
    assert other.counts == bench.counts
    assert differences(contents(other.logs.path), contents(bench.logs.path)) == []
