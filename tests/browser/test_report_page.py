"""The report in a real browser: drawn, silent, alone, readable by everybody."""

from __future__ import annotations

from importlib import resources

import pypdfium2
import pytest

from tests.browser.conftest import Browser, Pages, artefact
from tests.test_report import HOSTILE

pytestmark = pytest.mark.browser

VIEWS = {
    "desktop-light": {"width": 1280},
    "desktop-dark": {"width": 1280, "dark": True},
    "phone-light": {"width": 390},
    "phone-dark": {"width": 390, "dark": True},
}
every_view = pytest.mark.parametrize("browser", VIEWS.values(), ids=list(VIEWS), indirect=True)
PAGE_WIDTH = "document.documentElement.scrollWidth"
TAKEN = (
    "document.querySelectorAll('[data-chart]').length > 5 && "
    "[...document.querySelectorAll('[data-chart]')].every(b => b.classList.contains('taken'))"
)
# The drawings that show, each with its size.
SHOWN = """[...document.querySelectorAll('.chart')].map(box => {
    const all = [...box.querySelectorAll('svg')].filter(s => s.getClientRects().length);
    const box_of = all.map(s => s.getBoundingClientRect());
    return [all.length, box_of[0]?.width, box_of[0]?.height,
            all[0]?.querySelectorAll('.role-mark > *').length];
})
"""


def assert_drawn(browser: Browser) -> None:
    drawings = browser.run(SHOWN)
    assert len(drawings) >= 10
    for number, width, height, marks in drawings:
        assert number == 1
        assert 100 < width <= browser.width
        assert height > 40
        assert marks > 0


@every_view
def test_charts_answer_the_mouse_and_nothing_leaves_the_page(
    browser: Browser, pages: Pages, request: pytest.FixtureRequest
) -> None:
    browser.open(pages.full)
    browser.wait(TAKEN)
    assert_drawn(browser)
    assert browser.console == []
    assert browser.requested == [pages.full.as_uri()]
    assert browser.run(PAGE_WIDTH) == browser.width
    browser.screenshot(f"report-{request.node.callspec.id}")


@every_view
def test_charts_are_complete_without_scripts(
    browser: Browser, pages: Pages, request: pytest.FixtureRequest
) -> None:
    browser.open(pages.static)
    assert_drawn(browser)
    assert browser.console == []
    assert browser.requested == [pages.static.as_uri()]
    assert browser.run(PAGE_WIDTH) == browser.width
    browser.screenshot(f"static-{request.node.callspec.id}")


def test_the_same_page_is_complete_where_scripts_may_not_run(
    browser: Browser, pages: Pages
) -> None:
    context = browser.context.browser
    assert context
    browser.context.close()
    browser.context = context.new_context(
        java_script_enabled=False, viewport={"width": browser.width, "height": 1000}
    )
    browser.watch(browser.context.new_page())
    browser.page.goto(pages.full.as_uri())
    assert browser.run("document.querySelectorAll('.live').length") == 0
    assert_drawn(browser)
    browser.screenshot("report-without-scripts")


def test_a_tooltip_tells_the_numbers(browser: Browser, pages: Pages) -> None:
    browser.open(pages.full)
    browser.wait(TAKEN)
    browser.page.hover("[data-chart=cost_by_day] .live .mark-rect.role-mark path >> nth=0")
    browser.wait("document.querySelector('#vg-tooltip-element.visible') !== null")
    text = browser.page.inner_text("#vg-tooltip-element")
    assert "cost" in text and "$" in text
    assert browser.console == []


@every_view
def test_an_accessibility_engine_finds_nothing(browser: Browser, pages: Pages) -> None:
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    found, passed = {}, {}
    for page in (pages.full, pages.static, pages.hostile, pages.empty, pages.index):
        browser.open(page)
        browser.page.evaluate(axe)
        result = browser.page.evaluate("() => axe.run(document)")
        found[page.stem] = [
            (rule["id"], [node["html"][:200] for node in rule["nodes"]][:3])
            for rule in result["violations"]
        ]
        passed[page.stem] = len(result["passes"])
    assert found == {"full": [], "static": [], "hostile": [], "empty": [], "index": []}
    assert min(passed.values()) > 8


def test_hostile_names_do_nothing(browser: Browser, pages: Pages) -> None:
    browser.open(pages.hostile)
    browser.wait(TAKEN.replace("> 5", "> 1"))
    assert browser.console == []
    assert browser.requested == [pages.hostile.as_uri()]
    text = browser.page.inner_text("body")
    for name in HOSTILE:
        if name.isascii() and name.isprintable():
            assert name[:40] in text
    assert browser.run("document.querySelectorAll('b, img, iframe').length") == 0
    assert browser.run(PAGE_WIDTH) == browser.width
    browser.screenshot("hostile-desktop")


def test_print_shows_the_drawings(browser: Browser, pages: Pages) -> None:
    browser.open(pages.full)
    browser.wait(TAKEN)
    browser.page.emulate_media(media="print")
    assert all(row[0] == 1 for row in browser.run(SHOWN))
    assert browser.run("[...document.querySelectorAll('.live')].every(l => !l.offsetParent)")
    browser.page.pdf(path=artefact("print.pdf"), format="A4", print_background=True)
    printed = pypdfium2.PdfDocument(artefact("print.pdf"))
    text = "".join(page.get_textpage().get_text_bounded() for page in printed)
    assert 5 <= len(printed) <= 20
    printed.close()
    assert "Decide this week" in text and "Prices paid" in text


def test_an_empty_week_is_a_page(browser: Browser, pages: Pages) -> None:
    browser.open(pages.empty)
    assert "No request was logged in week 1" in browser.page.inner_text("body")
    assert browser.console == []
    browser.screenshot("empty-desktop")


@every_view
def test_the_index_leads_to_the_reports(
    browser: Browser, pages: Pages, request: pytest.FixtureRequest
) -> None:
    browser.open(pages.index)
    assert browser.run(PAGE_WIDTH) == browser.width
    browser.screenshot(f"index-{request.node.callspec.id}")
    browser.page.click("tbody a:has-text('2026-W46') >> nth=0")
    browser.page.wait_for_url("**/*.html")
    assert browser.page.title().startswith("LLM requests, 2026-W46")
    assert browser.console == []
