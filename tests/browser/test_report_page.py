"""The report in a real browser: drawn, silent, alone, readable by everybody."""

from __future__ import annotations

import base64

import pytest

from tests.browser.conftest import AXE, Browser, Pages
from tests.test_report import HOSTILE

pytestmark = pytest.mark.browser

VIEWS = {
    "desktop-light": {"width": 1280},
    "desktop-dark": {"width": 1280, "dark": True},
    "phone-light": {"width": 390},
    "phone-dark": {"width": 390, "dark": True},
}
every_view = pytest.mark.parametrize("browser", VIEWS.values(), ids=list(VIEWS), indirect=True)
TAKEN = (
    "document.querySelectorAll('[data-chart]').length > 5 && "
    "[...document.querySelectorAll('[data-chart]')].every(b => b.classList.contains('taken'))"
)
# The drawings that show, each with its size.
SHOWN = """
return [...document.querySelectorAll('.chart')].map(box => {
    const all = [...box.querySelectorAll('svg')].filter(s => s.getClientRects().length);
    const box_of = all.map(s => s.getBoundingClientRect());
    return [all.length, box_of[0]?.width, box_of[0]?.height,
            all[0]?.querySelectorAll('.role-mark > *').length];
});
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
    assert browser.console() == []
    assert browser.requested() == [pages.full.as_uri()]
    assert browser.run("return document.documentElement.scrollWidth") == browser.width
    browser.screenshot(f"report-{request.node.callspec.id}")


@every_view
def test_charts_are_complete_without_scripts(
    browser: Browser, pages: Pages, request: pytest.FixtureRequest
) -> None:
    browser.open(pages.static)
    assert_drawn(browser)
    assert browser.console() == []
    assert browser.requested() == [pages.static.as_uri()]
    assert browser.run("return document.documentElement.scrollWidth") == browser.width
    browser.screenshot(f"static-{request.node.callspec.id}")


def test_the_same_page_is_complete_where_scripts_may_not_run(
    browser: Browser, pages: Pages
) -> None:
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    browser.driver.get(pages.full.as_uri())
    browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run("return document.querySelectorAll('.live').length") == 0
    assert_drawn(browser)
    browser.screenshot("report-without-scripts")


def test_a_tooltip_tells_the_numbers(browser: Browser, pages: Pages) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    browser.open(pages.full)
    browser.wait(TAKEN)
    bar = browser.driver.find_element(
        By.CSS_SELECTOR, "[data-chart=cost_by_day] .live .mark-rect.role-mark path"
    )
    browser.run("document.querySelector('#figure-cost_by_day').scrollIntoView()")
    ActionChains(browser.driver).move_to_element(bar).perform()
    browser.wait("document.querySelector('#vg-tooltip-element.visible') !== null")
    text = browser.run("return document.querySelector('#vg-tooltip-element').innerText")
    assert "cost" in text and "$" in text
    assert browser.console() == []


@every_view
def test_an_accessibility_engine_finds_nothing(browser: Browser, pages: Pages) -> None:
    if not AXE.exists():
        pytest.skip(f"{AXE} is missing; AXE_CORE names another place")
    found = {}
    for page in (pages.full, pages.static, pages.hostile, pages.empty):
        browser.open(page)
        browser.run(AXE.read_text(encoding="utf-8"))
        violations = browser.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations));"
        )
        found[page.stem] = [
            (v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in violations
        ]
    assert found == {"full": [], "static": [], "hostile": [], "empty": []}


def test_hostile_names_do_nothing(browser: Browser, pages: Pages) -> None:
    browser.open(pages.hostile)
    browser.wait(TAKEN.replace("> 5", "> 2"))
    assert browser.console() == []
    assert browser.requested() == [pages.hostile.as_uri()]
    text = browser.run("return document.body.innerText")
    for name in HOSTILE:
        if name.isascii() and name.isprintable():
            assert name[:40] in text
    assert browser.run("return document.querySelectorAll('b, img, iframe').length") == 0
    assert browser.run("return document.documentElement.scrollWidth") == browser.width
    browser.screenshot("hostile-desktop")


def test_print_shows_the_drawings(browser: Browser, pages: Pages) -> None:
    browser.open(pages.full)
    browser.wait(TAKEN)
    browser.media("print")
    shown = browser.run(SHOWN)
    assert all(row[0] == 1 for row in shown)
    assert browser.run("return [...document.querySelectorAll('.live')].every(l => !l.offsetParent)")
    pdf = base64.b64decode(browser.cdp("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 50_000


def test_an_empty_week_is_a_page(browser: Browser, pages: Pages) -> None:
    browser.open(pages.empty)
    assert "No request was logged in week 1" in browser.run("return document.body.innerText")
    assert browser.console() == []
    browser.screenshot("empty-desktop")
