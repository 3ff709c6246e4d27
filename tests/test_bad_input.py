"""Bad input gives one line with what, why and how to go on, the right exit code, and loses nothing."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import logscope
from logscope.cli import app
from logscope.errors import UsageError, known_trouble
from tests.conftest import Bench, native
from tests.test_laws import tree


def run(*args: str | Path, cwd: Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "logscope", *map(str, args)],
        cwd=cwd,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("logscope: ")
    assert done.stdout == ""
    return lines[0]


BAD = {
    "missing": (None, "does not exist"),
    "empty.jsonl": (b"", "is empty"),
    "noise.jsonl": (bytes(range(256)) * 40, "is no log"),
    "unknown.json": (b'{"weather": "fine"}\n', "no format that logscope knows"),
    "number.json": (b"42\n", "is no log"),
    "prose.txt": (b"Dear diary, nothing happened.\n", "is no log"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_named_with_a_remedy(bench: Bench, name: str) -> None:
    bench.ingest(bench.write([native("r1")], "good.jsonl"))
    before = tree(bench.logs.path)
    content, reason = BAD[name]
    if content is not None:
        (bench.folder / name).write_bytes(content)
    done = run("ingest", "--store", bench.logs.path, bench.folder / name, cwd=bench.folder)
    assert done.returncode == 4
    line = one_line(done)
    assert reason in line and name in line
    assert any(word in line for word in ("Give", "See", "Try"))
    assert tree(bench.logs.path) == before


def test_a_folder_without_logs_is_an_error_but_one_with_some_is_not(bench: Bench) -> None:
    folder = bench.folder / "mixed"
    folder.mkdir()
    (folder / "notes.md").write_text("# Notes\n")
    (folder / "dash.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(logscope.InputError, match="no log that logscope knows"):
        bench.ingest(folder)
    bench.write([native("r1")], "mixed/log.jsonl")
    result = bench.ingest(folder)
    assert result.stored == 1
    assert {path.name for path in result.unknown_files} == {"notes.md", "dash.png"}


def test_a_truncated_gz_keeps_the_good_records(bench: Bench) -> None:
    whole = gzip.compress(
        ("\n".join(json.dumps(native(f"r{i}")) for i in range(2000)) + "\n").encode()
    )
    bench.ingest(bench.write(whole[: len(whole) // 2], "cut.jsonl.gz"))
    records, stored, _, _, rejected = bench.counts
    assert records == stored + rejected
    assert 500 < stored < 2000
    assert rejected in (1, 2)  # the half line, and the file as a whole
    assert bench.rejects()[0][0] is None
    assert "damaged or cut off" in bench.rejects()[0][1]
    # The whole file later completes it.
    bench.ingest(bench.write(whole, "whole.jsonl.gz"))
    assert bench.counts == (2000, 2000 - stored, stored, 0, 0)


def test_half_a_json_line_costs_only_itself(bench: Bench) -> None:
    good = [native("r1"), native("r2")]
    bench.ingest(bench.write([good[0], '{"request_id": "r9", "model": "gp', good[1]]))
    assert bench.counts == (3, 2, 0, 0, 1)


def test_a_json_list_that_breaks_off_keeps_what_came_before(bench: Bench) -> None:
    text = json.dumps([native("r1"), native("r2"), native("r3")], indent=2)
    bench.ingest(bench.write(text[: text.rindex('"r3"')], "cut.json"))
    assert bench.counts[:2] == (3, 2)
    assert "breaks off after 2 records" in bench.rejects()[0][1]


def test_a_log_whose_first_line_is_half_an_empty_object_is_still_a_log(bench: Bench) -> None:
    bench.ingest(bench.write(["{", '}{"x": 1}', native("r1")]))
    assert bench.counts == (3, 1, 0, 0, 2)


def test_a_database_whose_damage_is_told_in_bytes_is_no_log(bench: Bench) -> None:
    """SQLite quotes what it cannot read, and that need not be text."""
    damaged = bytearray(
        (Path(__file__).parent.parent / "sample_logs" / "simonw_llm.db").read_bytes()
    )
    at = damaged.index(b"CREATE TABLE")
    damaged[at : at + 12] = b"CREATE \x89\xff\xfe \x89"
    with pytest.raises(logscope.InputError, match="is no log"):
        bench.ingest(bench.write(bytes(damaged), "llm.db"))


def test_a_list_that_breaks_goes_on_with_the_next_line(bench: Bench) -> None:
    """A stray bracket made a list of a log of lines; one of them is broken."""
    lines = [native("r1"), "[", native("r2"), '{"request_id": "half', native("r3")]
    path = bench.write(lines)
    path.write_text("[" + path.read_text())
    bench.ingest(path)
    assert bench.counts == (4, 3, 0, 0, 1)
    assert [row["request_id"] for row in bench.rows()] == ["r1", "r2", "r3"]
    assert bench.rejects() == [(3, "not JSON")]


def test_a_store_that_is_none(bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "photos"
    other.mkdir()
    (other / "a.jpg").write_bytes(b"x")
    for command in (["latency"], ["status"], ["sql", "select 1"], ["cost"]):
        done = run(*command, "--store", other, cwd=tmp_path)
        assert done.returncode == 2
        assert "is no logscope store" in one_line(done)
    log = bench.write([native("r1")])
    done = run("ingest", "--store", other, log, cwd=tmp_path)
    assert done.returncode == 2
    assert [path.name for path in other.iterdir()] == ["a.jpg"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("drop", "rule_id"), "its requests have no rule_id"),
        (("add", "mood"), "its requests have mood as well"),
    ],
)
def test_a_store_of_another_version_is_named_with_the_way_out(
    bench: Bench, change: tuple[str, str], said: str
) -> None:
    """As if another version, with other columns, had made the table."""
    log = bench.write([native("r1")])
    bench.ingest(log)
    what, column = change
    for commit in (bench.logs.path / "requests" / "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in commit.read_text().splitlines()]
        for action in lines:
            if "metaData" in action:
                schema = json.loads(action["metaData"]["schemaString"])
                if what == "add":
                    schema["fields"].append({**schema["fields"][0], "name": column})
                else:
                    schema["fields"] = [f for f in schema["fields"] if f["name"] != column]
                action["metaData"]["schemaString"] = json.dumps(schema)
        commit.write_text("".join(json.dumps(action) + "\n" for action in lines))
    logs = logscope.open(bench.logs.path)
    for act in (
        logs.latency,
        logs.status,
        lambda: logs.ingest([bench.write([native("r2")], "b.jsonl")]),
    ):
        with pytest.raises(logscope.StoreError, match=said) as caught:
            act()
        assert "\n" not in str(caught.value)
    done = run("latency", "--store", bench.logs.path, cwd=bench.folder)
    assert done.returncode == 2 and said in one_line(done) and "new store" in done.stderr


def test_too_many_rejects_store_nothing(bench: Bench) -> None:
    bench.ingest(bench.write([native("r0")], "first.jsonl"))
    before = tree(bench.logs.path)
    other_day = native("r2", started_at="2026-12-24T10:00:00Z")
    log = bench.write(
        [native("r0", output_tokens=500), native("r1"), other_day, "{half"], "second.jsonl"
    )
    done = run("ingest", "--store", bench.logs.path, "--max-rejects", "1%", log, cwd=bench.folder)
    assert done.returncode == 1
    assert "1 of 4 records are rejected" in one_line(done) and "(1 not JSON)" in one_line(done)
    # Nothing of it stays, on other days neither.
    assert tree(bench.logs.path) == before
    assert bench.logs.sql("select count(*) as n from requests").item() == 1


def test_two_formats_that_claim_one_file_are_named(bench: Bench) -> None:
    log = bench.write([native("r1")])
    own = bench.folder / "mine.sql"
    shared = (
        "-- Mine.\n-- source: here\n-- reads: json\n-- detect: (first->>'request_id') is not null\n"
        "-- columns: request_id VARCHAR, model VARCHAR, started_at VARCHAR\n-- One row per record.\n"
        "select request_id, model as model_logged, time_of(started_at) as started_at,\n"
        "    'mine' as route, record_file, record_line\nfrom source\n"
    )
    own.write_text(shared)
    twin = bench.folder / "twin.sql"
    twin.write_text(shared)
    done = run(
        "ingest",
        "--store",
        bench.folder / "s",
        "--adapter",
        own,
        "--adapter",
        twin,
        log,
        cwd=bench.folder,
    )
    assert done.returncode == 2
    assert "looks like mine and twin" in one_line(done) and "--from" in done.stderr
    bench.ingest(log, adapters=[own])
    assert bench.rows()[0]["route"] == "mine"


def test_a_wrong_adapter_says_what_it_lacks(bench: Bench) -> None:
    log = bench.write([native("r1")])
    own = bench.folder / "mine.sql"
    own.write_text("-- Mine.\n-- reads: json\nselect 1\n")
    done = run("ingest", "--store", bench.folder / "s", "--adapter", own, log, cwd=bench.folder)
    assert done.returncode == 2
    assert "lacks `-- source:`" in one_line(done)
    own.write_text(
        "-- Mine.\n-- source: here\n-- reads: json\n-- detect: (first->>'request_id') is not null\n"
        "-- columns: request_id VARCHAR\nselect request_id, 1 as shoe_size, record_file, record_line from source\n"
    )
    done = run("ingest", "--store", bench.folder / "s", "--adapter", own, log, cwd=bench.folder)
    assert done.returncode == 2
    assert "shoe_size" in one_line(done)


@pytest.mark.parametrize(
    ("args", "code", "hint"),
    [
        (["latency", "--by", "modl"], 2, "Did you mean model?"),
        (["latency", "--by", "labels"], 2, "Name one: label:feature"),
        (["cost", "--by", "model,input_tokens"], 2, "--by input_tokens"),
        (["latency", "--week", "46"], 2, "2026-W46"),
        (["latency", "--since", "yesterday"], 2, "2026-11-09"),
        (["latency", "--since", "2026-11-10", "--until", "2026-11-09"], 2, "Swap"),
        (["latency", "--tz", "Mars/Olympus"], 2, "Europe/Berlin"),
        (["latency", "--where", "model ="], 2, "no SQL condition"),
        (["latency", "--week", "2020-W01"], 3, "It holds 2026-11-09"),
        (["query", "latncy"], 2, "Did you mean latency?"),
        (["query", "latency", "-p", "x=1"], 2, "no parameter"),
        (["formats", "litelm_standard"], 2, "Did you mean litellm_standard?"),
        (["sql"], 2, "SELECT"),
        (["ingest"], 2, "logscope ingest FOLDER"),
        (["latncy"], 2, "Did you mean 'latency'?"),
        (["latency", "--bye", "model"], 2, "Possible options: --by"),
        (["latency", "--top", "few"], 2, "See: logscope latency --help"),
    ],
)
def test_wrong_usage_is_one_line_with_the_way_out(
    bench: Bench, args: list[str], code: int, hint: str
) -> None:
    bench.ingest(bench.write([native("r1")]))
    options = [] if args[0] in ("formats",) else ["--store", bench.logs.path]
    done = run(*args, *options, cwd=bench.folder)
    assert done.returncode == code, done.stderr
    assert hint in one_line(done)


def test_a_damaged_settings_file_is_named(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")]))
    for text, hint in (("task = [", "not valid TOML"), ("[tasks]\n", "Did you mean task?")):
        (bench.folder / "logscope.toml").write_text(text)
        done = run("latency", "--store", bench.logs.path, cwd=bench.folder)
        assert done.returncode == 2
        assert hint in one_line(done)


def test_stdin_is_a_file(bench: Bench) -> None:
    text = json.dumps(native("r1")) + "\n"
    done = run("ingest", "--store", bench.logs.path, "-", cwd=bench.folder, text=text)
    assert done.returncode == 0, done.stderr
    assert bench.logs.sql("select count(*) as n from requests").item() == 1
    # It lay nowhere that anybody could look again; what goes on where it ended is the same file.
    done = run("ingest", "--store", bench.logs.path, "-", cwd=bench.folder, text=text + "{broken\n")
    assert done.returncode == 0, done.stderr
    told = "select path from files union all select path from rejects"
    assert bench.logs.sql(told)["path"].to_list() == ["-", "-"]


def test_hostile_text_cannot_steer_a_terminal_a_spreadsheet_or_markdown(bench: Bench) -> None:
    names = ["\x1b[2J\x1b]0;owned\x07", "=1+1", "\u202eevil", "<script>alert(1)</script>", "a|b"]
    bench.ingest(bench.write([native(f"r{i}", model=name) for i, name in enumerate(names)]))
    store = ("--store", bench.logs.path)
    table = run("latency", *store, cwd=bench.folder).stdout
    assert "\x1b" not in table and "\u202e" not in table and "\x07" not in table
    csv = run("latency", *store, "--format", "csv", cwd=bench.folder).stdout
    assert not any(line.startswith(("=", "+", "@")) for line in csv.splitlines())
    markdown = run("latency", *store, "--format", "md", cwd=bench.folder).stdout
    assert "<script>" not in markdown and r"a\|b" in markdown


CONDITIONS = {
    "team": "it gives VARCHAR, not true or false",
    "cost_usd": "it gives DECIMAL",
    "nope = 1": "nope",
    "1=1) or (1=1": "syntax error",
    "true as a from files union select true": "syntax error",
    "(select count(*) from read_csv('/etc/passwd')) > 0": "may reach outside the store",
}


def refused(bench: Bench, *args: str) -> str:
    """Return the one line with which a command refuses."""
    done = CliRunner().invoke(app, [*args, "--store", str(bench.logs.path)])
    assert done.exit_code == 2, done.output
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_is_no_condition_is_refused(bench: Bench, condition: str) -> None:
    bench.ingest(bench.write([native("r1")]))
    for command in ("latency", "cost", "traffic"):
        line = refused(bench, command, "--where", condition)
        assert line.startswith(f"logscope: --where {condition!r} is no SQL condition")
        assert CONDITIONS[condition] in line
    subquery = "output_tokens >= (select max(output_tokens) from requests)"
    assert bench.logs.cost(where=subquery)["n"].to_list() == [1]


def test_a_condition_that_fails_on_a_value_is_told(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1", team="x")]))
    assert "Could not convert string 'r1'" in refused(
        bench, "cost", "--where", "request_id::int > 1"
    )


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("[[region.rules]]\nwhen = 'nope = 1'\nis = 'eu'", "nope"),
        ("[[team.rules]]\nwhen = 'team'\nis = 'x'", "it gives VARCHAR"),
        ("[[task.rules]]\nwhen = '1=1) or (select true'\nis = 'x'", "syntax error"),
        ("[task]\nfrom = 'nope'", "nope"),
    ],
)
def test_a_rule_that_is_no_sql_is_refused_before_anything_is_read(
    bench: Bench, rules: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = bench.folder / "logscope.toml"
    settings.write_text(rules)
    monkeypatch.chdir(bench.folder)
    with pytest.raises(UsageError, match=told) as refusal:
        logscope.open(bench.logs.path).ingest([bench.write([native("r1")])])
    assert str(settings) in str(refusal.value)
    assert not bench.logs.path.exists()


def test_values_without_a_type_of_json_come_as_text(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")]))
    query = (
        "select interval 90 second as a, [interval 1 day] as b, 'x'::blob as c, time '10:00' as d"
    )
    assert bench.logs.sql(query).rows() == [("00:01:30", "[1 day]", "x", "10:00:00")]
    for format in ("table", "json", "csv", "md", "ndjson"):
        done = CliRunner().invoke(
            app, ["sql", query, "--format", format, "--store", str(bench.logs.path)]
        )
        assert done.exit_code == 0 and "00:01:30" in done.stdout


def test_a_group_named_twice_is_one(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")]))
    assert bench.logs.cost(by="model, model").columns.count("model") == 1


def test_a_damaged_store_is_named(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")]))
    file = next(bench.logs.path.glob("requests/*/*.parquet"))
    file.write_bytes(file.read_bytes()[:100])
    assert "A file of the store is missing or damaged" in refused(bench, "latency")
    file.unlink()
    assert "A file of the store is missing or damaged" in refused(bench, "status")
    for log in bench.logs.path.glob("requests/_delta_log/*1.json"):
        log.write_text("garbage")
    assert "requests is missing or damaged" in refused(bench, "latency")


def test_a_store_that_cannot_be_written_is_left_alone(bench: Bench) -> None:
    bench.ingest(bench.write([native("r1")]))
    scratch = bench.logs.path / ".scratch"
    scratch.rmdir()
    scratch.write_text("in the way")
    log = bench.write([native("r2")], "b.jsonl")
    assert "cannot be written (" in refused(bench, "ingest", str(log))
    assert bench.logs.cost()["n"].to_list() == [1]


def test_a_full_disk_is_one_line() -> None:
    told = known_trouble(OSError(28, "No space left on device", "/data/x"))
    assert str(told) == "/data/x: No space left on device. Make room, or choose another place."
    assert known_trouble(ValueError("a mistake of ours")) is None
