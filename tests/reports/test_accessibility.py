"""Axe-core's rules (WCAG 2 A and AA, best practices) on the page as people meet it."""

from __future__ import annotations

import pytest

from datacleanse_reports import write_reports
from tests.accessibility import SCREENS, list_violations
from tests.browser import window as opened_window
from tests.reports.made_numbers import FabricatedNumbers


@pytest.fixture(params=["table", "pictures", "numbers"])
def report(request, fabricated, tmp_path):
    if request.param == "numbers":
        folder = FabricatedNumbers(n_rows=100).write(tmp_path / "people")
        return write_reports(folder, top=12, formats=["html"])["html"]
    # Their texts are the user's; what is judged is the page.
    fabricated.with_pictures = request.param == "pictures"
    fabricated.n_rows = 100
    return write_reports(fabricated.write(tmp_path / "people"), top=12, formats=["html"])["html"]


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_no_violation(screen, report, browser):
    with opened_window(browser, **SCREENS[screen]) as window:
        page = window.tab(report.as_uri())
        page.locator("#suspect-table summary").first.click()
        page.locator("#suspect-table .more summary").first.click()
        page.locator("input[name=q]").fill("col")
        page.locator("#column-hint button").first.click()
        page.locator("#filter-value").fill("<")
        page.locator("#filter-how").select_option(":")
        page.keyboard.press("Enter")
        page.locator("#shown-columns input").first.check()
        page.locator("input[name=q]").fill("")
        of_report = list_violations(page)
        page.locator("#suspects [data-start-review]").click()
        page.keyboard.press("q")
        page.keyboard.press("k")
        page.keyboard.press("?")
        of_review = list_violations(page)

    assert of_report == []
    assert of_review == []


def test_axe_is_really_asked(report, window):
    page = window.tab(report.as_uri())
    page.locator("#filters").evaluate("form => form.append(document.createElement('img'))")

    assert "image-alt" in dict(list_violations(page))
