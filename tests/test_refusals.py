"""What is refused, and what is not: exit codes and words of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from logscope.cli import app
from tests.conftest import Bench, native
from tests.test_laws import tree

CALL = {"id": "c1", "call_type": "acompletion", "model": "gpt-5.4", "startTime": 1762682400.0}


def run(bench: Bench, *args: str | Path, text: str | None = None) -> Result:
    """Run a command on the store of a bench, in this process."""
    given = [*map(str, args), "--store", str(bench.logs.path)]
    return CliRunner().invoke(app, given, input=text)


def test_a_file_of_which_nothing_can_be_read_stores_nothing(bench: Bench) -> None:
    log = bench.write([CALL, {**CALL, "id": "c2"}, "{half"])
    for before in (None, native("r1")):
        if before:
            bench.ingest(bench.write([before], "good.jsonl"))
        kept = tree(bench.logs.path) if before else None
        done = run(bench, "ingest", "--from", "otlp_genai", log)
        assert done.exit_code == 4 and done.stdout == ""
        assert "2 without any field of otlp_genai; 1 not JSON; nothing was stored" in done.stderr
        assert done.stderr.count("\n") == 1
        # The store is as before: where there was none, there is none.
        assert bench.logs.path.exists() == (before is not None)
        assert kept is None or tree(bench.logs.path) == kept
    # Beside one that was read before, or behind its records, nothing readable is no mistake.
    good = bench.folder / "good.jsonl"
    assert run(bench, "ingest", good, bench.write(["{half", native("")])).exit_code == 0
    with good.open("a") as file:
        file.write("{half\n")
    assert run(bench, "ingest", good).exit_code == 0


def test_without_requests_nothing_of_them_is_unknown(bench: Bench) -> None:
    score = {"request_id": "r1", "name": "correct", "value": 1, "at": "2026-11-09T10:00:00Z"}
    done = run(bench, "ingest", bench.write([score]))
    assert done.exit_code == 0 and "1 stored" in done.stdout
    assert "unknown" not in done.stdout


def test_a_refused_ingest_leaves_no_store_where_there_was_none(bench: Bench) -> None:
    log = bench.write([native("r1"), "{half"])
    assert run(bench, "ingest", "--max-rejects", "1%", log).exit_code == 1
    assert not bench.logs.path.exists()
    assert run(bench, "ingest", "--max-rejects", "50%", log).exit_code == 0
    assert run(bench, "latency").exit_code == 0


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["ingest", ""], 2, "'' names nothing"),
        (["ingest", "nothing"], 4, "no file in nothing"),
        (["ingest", "pipe"], 4, "pipe is no regular file"),
        (["ingest", "-"], 4, "standard input is empty"),
        (["ingest", "log.jsonl", "--max-rejects", "1"], 2, "Write 1% or 0.01"),
        (["ingest", "log.jsonl", "--adapter", "mine.sql"], 2, "mine.sql does not exist"),
        (["latency", "--by", "nope"], 2, "no column 'nope'. See: logscope latency --help"),
        (["latency", "--by", "label:"], 2, "no column 'label:'"),
        (["latency", "--top", "0"], 2, "--top"),
        (["latency", "--top", "-1"], 2, "--top"),
        (["latency", "--tz", "localtime"], 2, "no time zone"),
        (["report", "--each", "nope"], 2, "logscope: There is no column 'nope'."),
        (["report", "-o", "rep/x.docx"], 2, "a report is .html, .md, .pdf"),
        (["export", "--write"], 2, "--base or -o"),
        (["recommend", "--week", "2020-W01"], 3, "Widen --since, --until, --week"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, args: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(bench.folder)
    Path("nothing").mkdir()
    os.mkfifo("pipe")
    bench.ingest(bench.write([native("r1")]))
    done = run(bench, *args, text="")
    assert done.exit_code == code, done.output
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_a_row_with_few_first_tokens_says_so(bench: Bench) -> None:
    """70 requests are enough for p95 of the total time, 58 first tokens for none of their own."""
    records = [native(f"r{i}", ttft_ms=400.0 if i < 58 else None) for i in range(70)]
    bench.ingest(bench.write([{k: v for k, v in r.items() if v is not None} for r in records]))
    row = run(bench, "latency").stdout.splitlines()[2]
    assert "58 first tokens: p95 from 60" in row and "1,400" in row and "n <" not in row


def test_help_says_what_there_is() -> None:
    words = " ".join(
        CliRunner().invoke(app, ["traffic", "--help"]).stdout.replace("│", " ").split()
    )
    assert "budgets of [slo], and what burns them." in words
    assert "proven" not in CliRunner().invoke(app, ["--help"]).stdout
    done = CliRunner().invoke(app, ["demo", "--requests", "199"])
    assert done.exit_code == 2 and "200" in done.stderr


def test_a_file_is_written_in_the_format_that_its_name_says(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")]))
    for name, begins in (("x.csv", b"model,"), ("x.json", b"["), ("x.parquet", b"PAR1")):
        target = bench.folder / name
        for command in (["cost"], ["sql", "select model from requests"]):
            assert run(bench, *command, "-o", target).exit_code == 0
            assert target.read_bytes().startswith(begins if command == ["cost"] else begins[:5])
    target = bench.folder / "x.txt"
    run(bench, "cost", "-o", target)
    assert "cost = tokens by the price in force" in target.read_text()


@pytest.mark.parametrize("args", [[], ["--help"], ["latency", "--help"], ["formats"]])
def test_a_full_disk_under_the_output_is_told_in_one_line(args: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "logscope", *args],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    told = "logscope: No space left on device. Make room, or choose another place.\n"
    assert (done.returncode, done.stderr) == (2, told)
