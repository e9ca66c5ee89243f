"""Links to single rows: each has an address that opens it, whatever its id holds."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from datacleanse_reports import read_view, write_reports
from tests.browser import until
from tests.browser import window as opened_window

ODD = ("a'b\"c", "x/y?z&q=1", "50 % #1", "id=1+2", "日本 語", "Ünï", "..", "%23", "#")
OPEN = """() => Array.from(document.querySelectorAll("#suspect-table details[open]"))
    .filter(each => !each.matches(".more"))
    .map(each => Number(each.closest("tbody").dataset.row))"""
FOCUS = "() => Number(document.activeElement.closest('tbody')?.dataset.row)"


@pytest.fixture
def folder(fabricated, tmp_path):
    fabricated.n_rows = 80
    fabricated.cells = (*ODD, *fabricated.cells)
    return fabricated.write(tmp_path / "people")


@pytest.fixture
def suspects(folder):
    return read_view(folder, top=60).suspects


@pytest.fixture
def load(folder, window):
    """The report at an address within it."""
    report = write_reports(folder, top=60, formats=["html"])["html"]
    return lambda address="": window.tab(report.as_uri() + address)


def go(page, address):
    page.evaluate("address => { location.hash = address; }", address)


def address_of(suspect):
    return "#" + urlencode({"id": suspect.id})


def test_every_row_has_an_address_that_opens_it(load, suspects, window):
    page = load()
    for suspect in suspects:
        go(page, address_of(suspect))
        until(page, f"({FOCUS})() === {suspect.row}")
        assert suspect.row in page.evaluate(OPEN)
        assert page.title().startswith(f"Row {suspect.row} ")
        assert page.locator("#no-row").is_hidden()
    assert not window.console


@pytest.mark.parametrize("place", [0, 59])
def test_a_link_opens_its_row_where_the_page_is_opened_by_it(load, suspects, place):
    suspect = suspects[place]
    for address in (address_of(suspect), f"#row={suspect.row}"):
        page = load(address)
        assert page.evaluate(OPEN) == [suspect.row]
        assert page.evaluate(FOCUS) == suspect.row
        body = page.locator(f'tbody[data-row="{suspect.row}"]')
        assert body.is_visible()
        assert body.locator("summary").first.is_visible()


def test_the_link_that_is_copied_leads_back_by_keys_alone(load, suspects, browser):
    suspect = next(each for each in suspects if each.id != str(each.row))
    report = load().url
    with opened_window(browser, permissions=["clipboard-read", "clipboard-write"]) as window:
        page = window.tab(f"{report}#sort=row%3Aasc&all=1")
        page.locator(f'tbody[data-row="{suspect.row}"] summary').first.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.textContent") != "Copy link":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        until(page, "document.activeElement.textContent === 'Link copied'")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.split("#")[0] == report
        # The view that the row was found in is part of the link.
        assert parse_qs(urlsplit(copied).fragment) == {
            "sort": ["row:asc"],
            "all": ["1"],
            "id": [suspect.id],
        }
        again = window.tab(copied)
        assert again.evaluate(OPEN) == [suspect.row]
        assert again.locator('select[name="sort"]').input_value() == "row"


def test_where_the_clipboard_is_closed_the_address_bar_has_the_link(load, suspects):
    page, suspect = load(), next(each for each in suspects if each.id != str(each.row))
    page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
        "document.execCommand = () => false;"
    )
    page.locator(f'tbody[data-row="{suspect.row}"] summary').first.click()
    page.get_by_role("button", name="Copy link").click()
    until(page, "document.querySelector('.copy-link button').textContent.includes('address bar')")
    assert parse_qs(urlsplit(page.url).fragment) == {"id": [suspect.id]}


def test_a_linked_row_is_shown_though_the_filters_leave_it_out(load, suspects):
    flagged = next(each for each in suspects if each.flagged)
    page = load(f"#flag=0&{address_of(flagged)[1:]}")
    assert page.locator(f'tbody[data-row="{flagged.row}"]').is_visible()
    assert page.locator('select[name="flag"]').input_value() == "0"
    # Another filter is another view: the link is no part of it.
    page.locator('input[name="q"]').fill("nothing holds this")
    until(page, "document.getElementById('shown').value === '0 rows'")
    assert page.locator(f'tbody[data-row="{flagged.row}"]').is_hidden()
    assert "id=" not in page.url
    assert not page.title().startswith("Row ")


@pytest.mark.parametrize(
    "address",
    ["#id=nobody", "#row=999999", "#row=-1", "#row=x", "#id=%3Cimg%20src%3Dx%3E", "#id=%"],
)
def test_a_link_to_a_row_that_is_not_there_says_so(load, window, address):
    page = load(address)
    told = page.locator("#no-row")
    assert "which is not on this page. It holds 60 suspects" in told.text_content()
    assert page.evaluate("document.activeElement.id") == "no-row"
    assert page.evaluate(OPEN) == []
    assert not window.console
    go(page, "#sort=row%3Aasc")
    until(page, "document.getElementById('no-row').hidden")


def test_a_link_of_the_review_opens_it_at_the_row(load, suspects, browser):
    suspect = next(each for each in suspects[40:] if each.id != str(each.row))
    following = suspects[suspects.index(suspect) + 1]
    page = load(f"{address_of(suspect)}&view=review")
    heading = page.locator("#review-heading")
    assert heading.text_content().startswith(f"Row {suspect.row} ")
    assert page.title().startswith(f"Row {suspect.row} ")
    assert page.evaluate("document.activeElement.closest('dialog').id") == "review"
    page.keyboard.press("j")
    assert page.title().startswith(f"Row {following.row} ")
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('dialog[open]')")
    until(page, "document.title.startsWith('Label audit')")
    # Another link while the review is open closes it first.
    go(page, f"{address_of(suspects[2])}&view=review")
    until(page, "document.querySelector('#review[open]') !== null")
    go(page, address_of(suspects[5]))
    until(page, f"({FOCUS})() === {suspects[5].row}")
    assert page.locator("#review").is_hidden()
    with opened_window(browser, permissions=["clipboard-read", "clipboard-write"]) as window:
        other = window.tab(page.url.split("#")[0] + f"#row={suspect.row}&view=review")
        other.keyboard.press("l")
        until(other, "document.querySelector('[data-do=link] span').textContent === 'Link copied'")
        copied = other.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(copied).fragment) == {"id": [suspect.id], "view": ["review"]}


def test_a_filtered_out_row_is_opened_in_the_review_all_the_same(load, suspects):
    flagged = next(each for each in suspects if each.flagged)
    page = load(f"#flag=0&row={flagged.row}&view=review")
    assert page.locator("#review-heading").text_content().startswith(f"Row {flagged.row} ")


def test_a_view_that_the_page_lacks_is_the_list(load, suspects):
    for view in ("grid", "toString", "__proto__"):
        page = load(f"#row={suspects[1].row}&view={view}")
        assert page.evaluate(OPEN) == [suspects[1].row]
        page.close()
