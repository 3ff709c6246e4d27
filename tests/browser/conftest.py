"""A real Chromium, and reports for it to open. A missing browser is a failure, not a skip."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from logscope.config import Config
from logscope.demo import write_demo
from logscope.page import render_html
from logscope.report import write_index
from logscope.weekly import build_report
from tests.conftest import Bench
from tests.test_report import HOSTILE, MONDAY, week

OBJECTIVES = {
    "duration_ms": 60_000,
    "goal": 0.99,
    "task": {"voice": {"ttft_ms": 800, "goal": 0.95}, "chat": {"ttft_ms": 4000, "goal": 0.9}},
}


@dataclass(frozen=True)
class Pages:
    """Reports as files: of the demo logs, the same without scripts, of hostile names; their index."""

    full: Path
    static: Path
    hostile: Path
    empty: Path
    index: Path


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """Write the reports that the tests open."""
    folder = tmp_path_factory.mktemp("pages")
    bench = Bench(folder / "demo")
    bench.ingest(*write_demo(folder / "logs", 12_000))
    config = Config(None, {"slo": OBJECTIVES})
    report = build_report(bench.logs.store, MONDAY, "UTC", config)
    none = build_report(bench.logs.store, date(2027, 1, 4))
    hostile = Bench(folder / "hostile")
    records = [
        row
        for number, name in enumerate(HOSTILE)
        for row in week(70, name=f"h{number}", model=name, task=name, team=name, region=name)
    ]
    hostile.ingest(hostile.write(records))
    written = {
        "full": render_html(report),
        "static": render_html(report, static=True),
        "hostile": render_html(build_report(hostile.logs.store, MONDAY)),
        "empty": render_html(none),
    }
    for name, page in written.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    index = write_index(folder)
    return Pages(index=index, **{name: folder / f"{name}.html" for name in written})


class Browser:
    """A page of one width and colour scheme in a headless Chromium."""

    def __init__(self, chromium: Chromium, width: int = 1280, dark: bool = False) -> None:
        self.width = width
        self.context = chromium.new_context(
            viewport={"width": width, "height": 1000},
            color_scheme="dark" if dark else "light",
            is_mobile=width < 500,
        )
        self.watch(self.context.new_page())

    def watch(self, page: Page) -> None:
        """Go on with a page, and note what it writes to the console and what it asks for."""
        self.page = page
        self.console: list[str] = []
        self.requested: list[str] = []
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))

    def open(self, path: Path) -> None:
        """Open a page and scroll through it, so that everything on it has been seen."""
        self.page.goto(path.as_uri())
        height = int(self.run("document.body.scrollHeight"))
        for y in range(0, height, 600):
            self.run(f"window.scrollTo(0, {y})")
            self.page.wait_for_timeout(50)
        self.run("window.scrollTo(0, 0)")

    def run(self, expression: str) -> Any:
        """Return the value of an expression on the page."""
        return self.page.evaluate(f"() => {{ return {expression} }}")

    def wait(self, condition: str) -> None:
        """Wait until a condition holds on the page; it is asked here, as its policy allows no eval."""
        end = time.monotonic() + 120
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}"
            self.page.wait_for_timeout(100)

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the whole page, for people to look at."""
        path = artefact(f"{name}.png")
        self.page.screenshot(path=path, full_page=True)
        return path


def artefact(name: str) -> Path:
    """Return where to keep a file for people to look at."""
    folder = Path(os.environ.get("SCREENSHOTS", Path(__file__).parent / "artefacts"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    assert program, "Debian's package chromium is missing"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        )
        yield launched
        launched.close()


@pytest.fixture
def browser(chromium: Chromium, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The page that a test asks for by parameters."""
    found = Browser(chromium, **getattr(request, "param", {}))
    yield found
    found.context.close()
