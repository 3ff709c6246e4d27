"""Reports as files: Markdown, the numbers as data, one per team, every week, the index."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pypdfium2
import pytest
from click.testing import Result
from typer.testing import CliRunner

from logscope.cli import app
from logscope.errors import NoDataError, UsageError
from logscope.markdown import render_markdown
from logscope.page import render_html
from logscope.paper import render_pdf
from logscope.report import (
    slug,
    write_data,
    write_each,
    write_every_week,
    write_index,
    write_report,
)
from logscope.store import Store
from logscope.weekly import build_report
from tests.conftest import Bench, native
from tests.test_report import HOSTILE, MONDAY, START, week


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two weeks of two teams, one of them with a name that is up to no good."""
    bench = Bench(tmp_path_factory.mktemp("files"))
    teams = ("search", "../../<b>@all</b>|`x`")
    records = [
        row
        for number, team in enumerate(teams)
        for first in (START, START - timedelta(7))
        for row in week(70, first, f"t{number}", team=team, task="chat")
    ]
    bench.ingest(bench.write(records))
    return bench.logs.store


def test_markdown_has_the_sentences_and_no_markup_of_a_log(store: Store) -> None:
    text = render_markdown(build_report(store, MONDAY))
    assert text.startswith("# Week 46: 9 – 15 Nov 2026 (UTC)\n")
    assert "140 requests in 140 operations cost **$0.56**" in text
    assert r"\<b\>" in text
    assert not re.search(r"(?<!\\)<(?!br>)", re.sub("`[^`\n]*`", "", text))
    assert "@all" not in text


def test_data_are_the_frames_behind_the_page(store: Store, tmp_path: Path) -> None:
    report = build_report(store, MONDAY)
    written = {path.name for path in write_data(report, tmp_path)}
    assert {"summary.json", "latency.json", "latency.parquet", "cost.parquet"} <= written
    assert len(written) == 2 * len(report.tables()) + 1
    cost = pl.read_parquet(tmp_path / "cost.parquet")
    by_model = cost.filter(pl.col("by") == "model")
    assert by_model["n"].to_list() == [140]
    assert json.loads((tmp_path / "cost.json").read_text())[0]["n"] == 140
    again = tmp_path / "again"
    write_data(build_report(store, MONDAY), again)
    for path in tmp_path.glob("*.*"):
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_each_team_has_its_own_page_in_one_folder(store: Store, tmp_path: Path) -> None:
    index, *pages = write_each(store, MONDAY, folder=tmp_path)
    assert index == tmp_path / "2026-W46-team" / "index.html"
    assert len(pages) == 2
    assert {path.parent for path in pages} == {index.parent}
    assert all(re.fullmatch(r"[a-z0-9-]+\.html", path.name) for path in pages)
    for path in pages:
        page = path.read_text()
        assert "70 requests in 70 operations" in page
        assert "<script" not in page
        assert path.name in index.read_text()


def test_every_week_that_is_missing_is_written(store: Store, tmp_path: Path) -> None:
    kept = tmp_path / "2026-W45.html"
    kept.write_text("mine")
    written = write_every_week(store, folder=tmp_path, static=True)
    assert [path.name for path in written] == ["2026-W46.html"]
    assert kept.read_text() == "mine"
    assert write_every_week(store, folder=tmp_path, static=True) == []


def test_the_index_lists_reports_and_nothing_else(store: Store, tmp_path: Path) -> None:
    for monday in (MONDAY - timedelta(7), MONDAY):
        write_report(store, monday, output=tmp_path, static=True)
    (tmp_path / "notes.html").write_text("<title>my notes</title>")
    page = write_index(tmp_path).read_text()
    assert page.index("2026-W46.html") < page.index("2026-W45.html")
    assert "notes" not in page
    assert page.count('scope="row"') == 2


def test_a_place_that_cannot_be_written_is_one_line(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(store, MONDAY, output=tmp_path / "file")


def test_a_week_without_teams_has_no_page_each(bench: Bench, tmp_path: Path) -> None:
    bench.ingest(bench.write(week(5)))
    with pytest.raises(NoDataError, match="has a team"):
        write_each(bench.logs.store, MONDAY, folder=tmp_path)


def test_many_models_tasks_and_regions_make_no_larger_file(bench: Bench) -> None:
    models = ("gpt-5.4", "gpt-5.5", "gpt-5.4-mini", "claude-opus-4-7", "claude-sonnet-4-6")
    places = [(m, r, t) for m in (*models, *"klmnop") for r in "abc" for t in "uvwxyz"]
    records = [
        native(
            f"{first:%m%d}-{i}-{j}",
            started_at=(first + timedelta(hours=j * 2, minutes=i % 60)).isoformat(),
            model=model,
            region=region,
            task=task,
            team=task,
            ttft_ms=200.0 * 1.05 ** ((i * 7 + j * 13) % 60),
            input_tokens=2 ** (4 + (i + j) % 14),
            output_tokens=2 ** (2 + j % 12),
            status=("ok", "ok", "ok", "error", "throttled")[(i + j) % 5],
        )
        for first in (START, START - timedelta(7))
        for i, (model, region, task) in enumerate(places)
        for j in range(84)
    ]
    bench.ingest(bench.write(records))
    report = build_report(bench.logs.store, MONDAY)
    assert len(report.figures()) >= 8
    assert len(render_html(report, static=True).encode()) < 800_000
    assert len(render_html(report).encode()) < 3_000_000


def test_names_become_different_file_names() -> None:
    slugs = [slug(name) for name in HOSTILE]
    assert len(set(slugs)) == len(HOSTILE)
    assert all(re.fullmatch("[a-z0-9-]+", name) and len(name) < 60 for name in slugs)
    assert slug("search") == "search"
    assert slug("Search") != slug("search")


def test_sunday_in_another_zone_belongs_to_its_own_week(bench: Bench) -> None:
    # Monday 0:30 in Tokyo is Sunday 15:30 in UTC; 57 of the 60 are over before Sunday 15:00 UTC.
    late = [{**row, "started_at": "2026-11-08T15:30:00Z"} for row in week(3, name="late")]
    bench.ingest(bench.write(week(60) + late))
    told = build_report(bench.logs.store, date(2026, 11, 9), "Asia/Tokyo").summary[0].plain()
    assert told.startswith("Week 46 (9 – 15 Nov 2026, Asia/Tokyo): 60 requests")


def test_a_pdf_is_the_same_report_and_the_same_bytes(store: Store, tmp_path: Path) -> None:
    first, second = (render_pdf(build_report(store, MONDAY)) for _ in range(2))
    assert first == second and first.startswith(b"%PDF")
    document = pypdfium2.PdfDocument(first)
    text = "".join(page.get_textpage().get_text_bounded() for page in document)
    assert document.get_metadata_dict()["Title"].startswith("LLM requests, 2026-W46")
    assert "D:20261116" in document.get_metadata_dict()["CreationDate"]
    document.close()
    words = re.sub(r"\s+", " ", text)
    for sentence in build_report(store, MONDAY).summary:
        assert re.sub(r"\s+", " ", sentence.plain()).strip() in words
    assert "logscope query account --by model --week 2026-W46" in words


def run(store: Store, *options: str) -> Result:
    return CliRunner().invoke(app, ["report", "--store", str(store.path), *options])


def test_the_command_writes_what_it_is_asked_for(store: Store, tmp_path: Path) -> None:
    done = run(store, "--md", "--pdf", "--data", str(tmp_path / "data"), "-o", str(tmp_path))
    assert done.exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2026-W46.md",
        "2026-W46.pdf",
        "data",
    ]
    piped = run(store, "--md", "-o", "-")
    assert piped.stdout == (tmp_path / "2026-W46.md").read_text()
    assert run(store, "--every-week", "-o", str(tmp_path)).exit_code == 0
    assert {"2026-W45.html", "2026-W46.html", "index.html"} <= {p.name for p in tmp_path.iterdir()}
    assert run(store, "--each", "task", "-o", str(tmp_path)).exit_code == 0
    assert (tmp_path / "2026-W46-task" / "chat.html").is_file()


@pytest.mark.parametrize(
    "options",
    [
        ("--md", "-o", "x.html"),
        ("--md", "--pdf", "-o", "-"),
        ("--each", "team", "--every-week"),
        ("--each", "team", "--pdf"),
        ("--each", "team", "-o", "x.html"),
        ("--each", "no_such_column"),
        ("--every-week", "--week", "last"),
        ("--every-week", "--data", "x"),
        ("--every-week", "-o", "-"),
    ],
)
def test_what_does_not_go_together_is_said(store: Store, options: tuple[str, ...]) -> None:
    done = run(store, *options)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("logscope: ")
