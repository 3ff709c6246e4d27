"""The documents tell the truth: README blocks run as printed, tables are what the code says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from logscope.formats import find_formats
from logscope.queries import find_checks, find_queries

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
# What is no property of the logs: how long it took, and what a run was called.
VOLATILE = [
    (re.compile(r" in [0-9.]+ s\b"), " in N s"),
    (re.compile(r"\bc-[0-9a-f]{8,}\b"), "c-ID"),
]


def commands(block: str) -> list[str]:
    """Return the logscope commands of a block that stand with their output."""
    lines = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return lines if all(line.startswith("logscope ") and "#" not in line for line in lines) else []


def steady(text: str) -> str:
    for pattern, name in VOLATILE:
        text = pattern.sub(name, text)
    return text


def run_block(block: str, folder: Path) -> str:
    """Return a block with the output that its commands give now."""
    shown = []
    for command in commands(block):
        done = subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            cwd=folder, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        shown.append(f"$ {command}\n{done.stdout}")
    return "\n".join(shown)


def test_readme_blocks_print_what_they_say(
    tmp_path: Path, update_goldens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOGSCOPE_STORE", raising=False)
    shutil.copytree(ROOT / "sample_logs", tmp_path / "sample_logs")
    text = README.read_text(encoding="utf-8")
    ran = 0
    for block in BLOCK.findall(text):
        if commands(block):
            now = run_block(block, tmp_path)
            ran += len(commands(block))
            if update_goldens:
                text = text.replace(block, now)
            else:
                assert steady(now) == steady(block)
    if update_goldens:
        README.write_text(text, encoding="utf-8")
    assert ran >= 5


def section(name: str) -> re.Pattern[str]:
    """Return the pattern of what stands between two markers."""
    return re.compile(rf"(?<=<!-- {name} -->\n)(.*?)(?=<!-- /{name} -->)", re.DOTALL)


def test_the_table_of_formats_is_the_folder(update_goldens: bool) -> None:
    formats = find_formats()
    rows = [
        f"| `{name}` | {format.file.title.rstrip('.')} | {', '.join(format.reads)} |"
        for name, format in sorted(formats.items())
    ]
    table = "\n".join(["| format | what it is | kinds of file |", "|---|---|---|", *rows]) + "\n"
    text = README.read_text(encoding="utf-8")
    if update_goldens:
        text = section("formats").sub(lambda match: table, text)
        README.write_text(text, encoding="utf-8")
    found = section("formats").search(text)
    assert found and found.group(1) == table
    assert len(formats) >= 8


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    from typer.main import get_command

    from logscope.cli import app

    text = README.read_text(encoding="utf-8")
    found = get_command(app).commands  # type: ignore[attr-defined]
    assert len(found) >= 12
    for name, command in found.items():
        assert command.help, name
        assert command.rich_help_panel, name
        assert f"logscope {name}" in text or f"`{name}`" in text, name
        assert all(option.help for option in command.params if option.name != "help"), name


def test_every_query_says_what_it_answers_in_what_unit_and_grain() -> None:
    queries = find_queries(ROOT / "queries")
    assert len(queries) >= 4
    for name, query in queries.items():
        assert query.title.endswith("."), name
        assert query.keys.get("grain", "").startswith("one row"), name
        assert query.keys.get("unit"), name


def test_the_example_report_is_what_the_sample_logs_give(
    tmp_path: Path, update_goldens: bool
) -> None:
    import logscope

    store = logscope.open(tmp_path / "store")
    store.ingest(ROOT / "sample_logs")
    made = store.report("last", tmp_path / "example.html")
    example = ROOT / "reports" / "example.html"
    if update_goldens:
        shutil.copy(made, example)
    assert made.read_bytes() == example.read_bytes(), "run pytest --update-goldens"


def test_checks_hold_on_the_sample_logs(tmp_path: Path) -> None:
    import logscope

    store = logscope.open(tmp_path / "store")
    store.ingest(ROOT / "sample_logs")
    checks = find_checks()
    assert len(checks) >= 5
    for name, check in checks.items():
        assert store.sql(check.sql.strip().rstrip(";")).is_empty(), name


def test_no_module_is_longer_than_400_lines() -> None:
    modules = list((ROOT / "logscope").rglob("*.py"))
    assert len(modules) > 20
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {name: n for name, n in lengths.items() if n > 400} == {}


def test_nothing_committed_names_a_registry_or_a_place_of_one_machine() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in done.stdout.split()]
    assert len(files) > 50
    forbidden = re.compile(rb"files\.pythonhosted|pypi\.org/simple|/root/|\.\./shared")
    for path in files:
        if path.is_file() and path != Path(__file__):
            assert not forbidden.search(path.read_bytes()), path
