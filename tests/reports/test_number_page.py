"""Numbers that are typed in a real browser: on the page of the review and on that of `verify`."""

from __future__ import annotations

import json

import pytest

from datacleanse.review.decisions import read_decisions
from datacleanse.review.verified_file import read_verified_file
from datacleanse_reports import write_reports
from datacleanse_reports.any_page import read_any_view
from tests.browser import until
from tests.cli.houses import houses
from tests.cli.test_verify import serve
from tests.reports.made_numbers import FabricatedNumbers
from tests.reports.test_review_page import current, download, start
from tests.review.verifying import draw

__all__ = ["serve"]  # a fixture


@pytest.fixture
def opened(tmp_path, window):
    """Opens the review of a run of numbers."""

    def open_review(**changes):
        folder = FabricatedNumbers(**changes).write(tmp_path / "people")
        page = window.tab(write_reports(folder, top=40)["html"].as_uri())
        start(page)
        return page, read_any_view(folder, top=40)

    return open_review


def test_a_number_is_typed_without_a_click_and_spelled_as_the_column_does(opened, tmp_path):
    page, view = opened()
    for typed in ("17", "-.25", "1e3", view.suspects[3].given_label.rstrip("0").rstrip(".")):
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
    made = read_decisions(download(page, tmp_path), classes=view.numbers).last
    rows = [each.row for each in view.suspects[:4]]

    assert [made[row].new_label for row in rows] == ["17.0", "-0.25", "1000.0", None]
    assert [made[row].action for row in rows] == ["relabel"] * 3 + ["keep"]


@pytest.mark.parametrize(
    ("changes", "typed", "said"),
    [
        ({}, "abc", "“abc” is no number. Type digits; decimals begin with a point, e.g. 12.5."),
        ({}, "12,5", "“12,5” is no number. Type digits; decimals begin with a point, e.g. 12.5."),
        ({}, "0x10", "“0x10” is no number. Type digits; decimals begin with a point, e.g. 12.5."),
        ({}, "1e999", "“1e999” is no number. Type digits; decimals begin with a point, e.g. 12.5."),
        ({}, "", "Type the right number, then press Enter."),
        (
            {"label_type": "int64", "decimals": 0},
            "12.5",
            "“12.5” is no whole number, and this column holds whole numbers alone.",
        ),
    ],
    ids=["text", "comma", "hexadecimal", "infinite", "nothing", "not whole"],
)
def test_what_is_no_number_is_refused_and_can_be_left(opened, changes, typed, said):
    page, _ = opened(**changes)
    first, field = current(page), page.locator("#review-other input")
    field.fill(typed)
    field.press("Enter")

    assert page.locator("#review-other-told").text_content() == said
    assert (current(page), page.evaluate("decisions.count()")) == (first, 0)
    page.keyboard.press("Escape")
    assert page.locator("#review").get_attribute("open") is not None
    assert (field.input_value(), page.locator("#review-other-told").text_content()) == ("", "")
    page.keyboard.press("q")
    assert page.evaluate("decisions.count()") == 1


def test_the_card_tells_what_is_expected(opened):
    page, view = opened()
    suspect = view.suspects[0]
    facts = page.locator("#review-row .note").first.text_content()

    assert f"expected {suspect.predicted_low:.4g} to {suspect.predicted_high:.4g}" in facts
    assert page.locator("#review-classes button").count() == 0


def write_prices(path):
    """Write 60 houses, every sixth ten times too dear; the true prices by row."""
    data = houses(60, seed=3)
    true = [f"{price:.1f}" for price in data.price]
    data.loc[::6, "price"] = (10 * data.loc[::6, "price"]).round(1)
    data.to_csv(path, index=False)
    return true


def test_rows_are_verified_by_typing_numbers(tmp_path, serve, window):
    truth, file = write_prices(tmp_path / "data.csv"), tmp_path / "verified.jsonl"
    drawing = draw(tmp_path / "data.csv", 20, label="price", id="key", task="regression")
    with serve(drawing) as server:
        page = window.tab(server.address)
        page.keyboard.type("1e")
        page.keyboard.press("Enter")
        assert "is no number" in page.locator("#search-told").text_content()
        page.keyboard.press("Escape")
        page.keyboard.press("b")
        page.keyboard.press("Enter")
        assert page.locator("#told").text_content().endswith("type the number.")
        for each in drawing.rows:
            page.keyboard.type(truth[each.row].removesuffix(".0"))
            page.keyboard.press("Enter")
        until(page, "verdicts.waiting() === 0")
    last = read_verified_file(file).last

    assert {row: each.label for row, each in last.items()} == {
        each.row: truth[each.row] for each in drawing.rows
    }
    assert all(
        (each.action == "keep") == (each.given_label == truth[row]) for row, each in last.items()
    )
    assert all(json.loads(line)["blind"] for line in file.read_text().splitlines())
    assert window.console == []
