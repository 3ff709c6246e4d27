"""A real Chromium, and reports for it to open. A missing browser is a failure, not a skip."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from logscope.config import Config
from logscope.demo import write_demo
from logscope.page import render_html
from logscope.weekly import build_report
from tests.conftest import Bench
from tests.test_report import HOSTILE, MONDAY, week

OBJECTIVES = {
    "duration_ms": 60_000,
    "goal": 0.99,
    "task": {"voice": {"ttft_ms": 800, "goal": 0.95}, "chat": {"ttft_ms": 4000, "goal": 0.9}},
}
AXE = Path(os.environ.get("AXE_CORE", Path(__file__).parents[2] / ".venv" / "axe.min.js"))


@dataclass(frozen=True)
class Pages:
    """Reports as files: of the demo logs, the same without scripts, and of hostile names."""

    full: Path
    static: Path
    hostile: Path
    empty: Path


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
    return Pages(**{name: folder / f"{name}.html" for name in written})


class Browser:
    """A headless Chromium of one width and colour scheme."""

    def __init__(self, width: int = 1280, dark: bool = False) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service

        programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
        assert all(programs), "Debian's packages chromium and chromium-driver are missing"
        options = Options()
        options.binary_location = str(programs[0])
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--window-size={width},1000",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(str(programs[1])))
        self.width = width
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=1000,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        self.media(dark=dark)

    def cdp(self, command: str, **params: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, params)

    def media(self, kind: str = "screen", dark: bool = False) -> None:
        """Show the page as on screen or in print, in the light or in the dark."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", media=kind, features=[scheme])

    def open(self, path: Path) -> None:
        """Open a page and scroll through it, so that everything on it has been seen."""
        self.driver.get(path.as_uri())
        height = int(self.run("return document.body.scrollHeight"))
        for y in range(0, height, 600):
            self.run(f"window.scrollTo(0, {y})")
            time.sleep(0.05)
        self.run("window.scrollTo(0, 0)")

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def wait(self, script: str, seconds: float = 20) -> None:
        """Wait until a script returns true."""
        end = time.monotonic() + seconds
        while not self.run(f"return {script}"):
            assert time.monotonic() < end, f"not within {seconds} s: {script}"
            time.sleep(0.1)

    def console(self) -> list[str]:
        """Return everything that was written to the console."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def requested(self) -> list[str]:
        """Return the addresses that the page asked for."""
        events = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        return [
            str(event["params"]["request"]["url"])
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the whole page, for people to look at."""
        folder = Path(os.environ.get("SCREENSHOTS", Path(__file__).parent / "artefacts"))
        folder.mkdir(parents=True, exist_ok=True)
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.cdp("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path = folder / f"{name}.png"
        path.write_bytes(base64.b64decode(shot["data"]))
        return path


@pytest.fixture
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The browser that a test asks for by parameters."""
    found = Browser(**getattr(request, "param", {}))
    yield found
    found.driver.quit()
