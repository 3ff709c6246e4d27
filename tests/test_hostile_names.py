"""What a log names is text in every output: page, Markdown, PDF, terminal, spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pypdfium2
import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from logscope.cli import app
from logscope.output import CONTROL
from logscope.paper import drawn
from tests.conftest import Bench
from tests.test_report import HOSTILE, week

FIELDS = ("model", "task", "team", "region", "error_type", "route")
WEEK = ("--week", "2026-W46")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week in which each model, task, team, region, route and error has a hostile name."""
    bench = Bench(tmp_path_factory.mktemp("hostile"))
    bench.ingest(
        bench.write(
            [
                row | ({"status": "error"} if i % 7 == 0 else {})
                for number, name in enumerate(HOSTILE)
                for i, row in enumerate(week(70, name=f"h{number}", **dict.fromkeys(FIELDS, name)))
            ]
        )
    )
    return bench.logs.path


def told(store: Path, *command: str) -> str:
    """Return what a command writes to stdout."""
    result = CliRunner().invoke(app, [*command, "--store", str(store)])
    assert result.exit_code == 0, result.stderr
    return result.stdout_bytes.decode()


class Page(HTMLParser):
    """Collects what a browser would see of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def in_page(store: Path, folder: Path) -> str:
    page = Page()
    page.feed(told(store, "report", *WEEK, "--static", "-o", "-"))
    assert not {"script", "b", "img", "iframe", "link", "object"} & page.tags
    assert not {name for name in page.attributes if name.startswith("on") or name == "src"}
    return page.text


def in_markdown(store: Path, folder: Path) -> str:
    text = told(store, "report", *WEEK, "--md", "-o", "-")
    assert not re.search("@evil|https://|www[.]", text)
    blocks = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inline = [child for block in blocks for child in block.children or []]
    kinds = {token.type for token in [*blocks, *inline]}
    assert not {"html_block", "link_open", "image", "em_open", "s_open"} & kinds
    assert {token.content for token in inline if token.type == "html_inline"} <= {"<br>"}
    words = "".join(token.content for token in inline if token.type in ("text", "code_inline"))
    return words.replace("\N{WORD JOINER}", "")


def in_pdf(store: Path, folder: Path) -> str:
    path = folder / "report.pdf"
    told(store, "report", *WEEK, "-o", str(path))
    content = path.read_bytes()
    assert not re.search(rb"/(JavaScript|JS|URI|Launch|EmbeddedFile|OpenAction)\b", content)
    document = pypdfium2.PdfDocument(content)
    text = "".join(page.get_textpage().get_text_bounded() for page in document)
    document.close()
    # Where a line ends is the typesetter's choice.
    return re.sub(r"\s", "", text)


def in_terminal(store: Path, folder: Path) -> str:
    screens = [
        told(store, "latency", "--by", "model,region", *WEEK),
        told(store, "cost", "--by", "task,team", *WEEK),
        told(store, "traffic", "--by", "route", *WEEK),
        told(store, "query", "account", "--by", "error_type", *WEEK),
    ]
    for screen in screens:
        assert not CONTROL.search(screen.replace("\n", ""))
    return "".join(screens)


def in_spreadsheet(store: Path, folder: Path) -> str:
    text = told(store, "cost", "--by", "model,task,team,error_type", "--format", "csv", *WEEK)
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
    return "".join(cells)


def in_data(store: Path, folder: Path) -> str:
    told(store, "report", *WEEK, "-o", str(folder / "page.html"), "--data", str(folder))
    rows = json.loads((folder / "teams.json").read_text())
    assert {row["team"][:40] for row in rows} == {name[:40] for name in HOSTILE}
    return "".join(row["team"] for row in rows)


OUTPUTS: dict[str, Callable[[Path, Path], str]] = {
    "page": in_page,
    "markdown": in_markdown,
    "pdf": in_pdf,
    "terminal": in_terminal,
    "spreadsheet": in_spreadsheet,
    "data": in_data,
}


@pytest.mark.parametrize("output", list(OUTPUTS))
def test_hostile_names_are_text(output: str, store: Path, tmp_path: Path) -> None:
    text = OUTPUTS[output](store, tmp_path)
    raw = output in ("spreadsheet", "data")
    assert len(HOSTILE) == 12
    for name in HOSTILE:
        # The start of a name: a long one is cut, and a screen shows at most 60 letters.
        shown = (name if raw else CONTROL.sub("\N{REPLACEMENT CHARACTER}", name))[:40]
        if output == "pdf":
            shown = re.sub(r"\s", "", drawn(shown))
        assert shown in text
