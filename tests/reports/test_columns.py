"""The rows' own columns in the list: told, searched, filtered by, chosen, compared."""

from __future__ import annotations

from time import perf_counter

import pytest

from datacleanse_reports import read_view, write_reports
from datacleanse_reports.cells import SHOWN_FIRST, choose_cells, is_same_cell
from datacleanse_reports.page_beside import embed_beside
from tests.browser import window as opened_window
from tests.tries import IS_THOROUGH

RANKS = """() => Array.from(document.querySelectorAll("#suspect-table > tbody"))
    .filter(body => !body.hidden).map(body => Number(body.dataset.rank))"""
CELLS = ("Month-to-month", "One year", "Two year", "4", "15.5", "", "a longer cell of text")


@pytest.fixture
def folder(fabricated, tmp_path):
    fabricated.n_rows, fabricated.cells, fabricated.classes = 120, CELLS, ("yes", "no")
    return fabricated.write(tmp_path / "people")


@pytest.fixture
def suspects(folder):
    return read_view(folder, top=100).suspects


@pytest.fixture
def load(folder, window):
    report = write_reports(folder, top=100, formats=["html"])["html"]
    return lambda address="": window.tab(report.as_uri() + address)


def ranks(page):
    return page.evaluate(RANKS)


def cell_of(suspect, name):
    """``age`` is column 2, ``col 2`` column 5, ``col 3`` column 6."""
    return suspect.cells[{"age": 2, "col 2": 5, "col 3": 6}[name]]


def test_telling_cells_come_first_and_what_is_said_already_last():
    cells = ("No", "Two year", "No", "60", None, None, "x", "y")
    places = {name: i for i, name in enumerate("abcdefgh")}

    assert choose_cells(cells, places, ["c", "b", "a", "d"]) == (2, 1, 3, 4, 6, 7)
    assert choose_cells(cells, places, []) == (0, 1, 3, 4, 6, 7)
    assert choose_cells(cells, {"h": 7}, ["gone", "h"]) == (7,)


def test_the_list_tells_the_cells_that_tell_most(load, suspects):
    page = load()
    first = page.locator("#suspect-table tbody").first
    names = first.locator(".tells dt").all_text_contents()

    assert names[0] == "age"
    assert len(names) <= SHOWN_FIRST
    age = cell_of(suspects[0], "age")
    assert first.locator(".tells dd").first.text_content() == ("missing" if age is None else age)


def test_rows_beyond_the_first_have_their_cells_when_they_are_shown(load):
    page = load("#all=1")

    assert page.locator("#suspect-table .tells dt").count() >= 100


@pytest.mark.parametrize(
    ("typed", "fits"),
    [
        ("col 2=Two year", lambda each: cell_of(each, "col 2") == "Two year"),
        ('COL 2="two YEAR"', lambda each: cell_of(each, "col 2") == "Two year"),
        ("col 2!=Two", lambda each: not (cell_of(each, "col 2") or "").startswith("Two ")),
        ("col 3:year", lambda each: "year" in (cell_of(each, "col 3") or "")),
        ("age>=50", lambda each: float(cell_of(each, "age") or -1) >= 50),
        (
            "age<50 col 3=4",
            lambda each: float(cell_of(each, "age") or 99) < 50 and cell_of(each, "col 3") == "4",
        ),
        ("age=missing", lambda each: cell_of(each, "age") is None),
        ("age=", lambda _: True),
        ("age>50 and age<60", lambda each: 50 < float(cell_of(each, "age") or 0) < 60),
    ],
)
def test_conditions_are_typed_into_the_search(typed, fits, load, suspects):
    page = load("#all=1")
    page.locator("input[name=q]").fill(typed)

    expected = [each.rank for each in suspects if fits(each)]
    assert expected
    assert ranks(page) == expected


@pytest.mark.parametrize("typed", ["age>>50", "age==50", "agee>50", "age<50 age=>3"])
def test_a_condition_that_is_not_understood_is_told_beside_the_search(typed, load):
    page = load("#all=1")
    told = page.locator("#search-told")
    assert told.is_hidden()
    page.locator("input[name=q]").fill(typed)

    assert told.text_content().startswith(f"Not understood: {typed.split()[-1]}.")
    assert ranks(page)
    assert page.locator("input[name=q]").get_attribute("aria-describedby") == "search-told"
    page.locator("input[name=q]").fill('age>50 col 2=">>x"')
    assert told.is_hidden()


def test_filters_by_a_column_by_keyboard_alone_and_takes_the_filter_away(load, suspects):
    page = load("#all=1")
    page.locator("#column-tools summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("col 2")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("One year")
    page.keyboard.press("Enter")
    expected = [each.rank for each in suspects if cell_of(each, "col 2") == "One year"]
    again = load(page.evaluate("location.hash"))

    assert ranks(page) == expected
    assert ranks(again) == expected
    page.locator("#column-filters button").focus()
    page.keyboard.press("Enter")
    assert len(ranks(page)) == 100


def test_values_of_a_column_are_proposed_with_their_numbers(load, suspects):
    page = load()
    page.locator("#column-tools summary").click()
    page.locator("#filter-column").select_option(label="col 3")
    proposed = page.locator("#filter-values option").evaluate_all(
        "all => all.map(each => [each.value, each.textContent])"
    )
    count = sum(cell_of(each, "col 3") == "Two year" for each in suspects)

    assert ["Two year", f"{count} rows"] in proposed


def test_chosen_columns_are_shown_and_kept_in_the_address(load):
    page = load()
    page.locator("#column-tools summary").click()
    page.locator("#shown-columns label", has_text="col 3").locator("input").check()
    page.locator("#shown-columns label", has_text="person").locator("input").check()
    again = load(page.evaluate("location.hash"))

    for each in (page, again):
        names = each.locator("#suspect-table tbody").nth(3).locator(".tells dt")
        assert names.all_text_contents() == ["person", "col 3"]


def test_sorts_by_a_column_numbers_as_numbers_and_missing_ones_last(load, suspects):
    page = load("#all=1")
    page.locator("select[name=sort]").select_option(label="age")
    page.locator("#turn").click()
    known = [each for each in suspects if cell_of(each, "age") is not None]
    missing = [each.rank for each in suspects if cell_of(each, "age") is None]
    expected = sorted(known, key=lambda each: -float(cell_of(each, "age")))

    assert ranks(page) == [each.rank for each in expected] + missing
    assert page.locator("#turn").get_attribute("aria-pressed") == "true"


def test_an_opened_row_stands_beside_verified_rows_with_differences_marked(load, suspects):
    page = load()
    page.locator("#suspect-table summary").first.click()
    table, first = page.locator("#suspect-table .beside").first, suspects[0]
    table.locator("th").first.wait_for(state="attached")  # filled once the row is open
    heads = table.locator("thead th").all_text_contents()

    assert heads[0] == f"This rowrow {first.row}"
    assert [head.split("row")[0] for head in heads[1:]] == [
        f"Verified: {near.label}" for near in first.neighbours
    ]
    for place, near in enumerate(first.neighbours, start=2):
        marked = table.locator(f"tbody tr td:nth-child({place + 1})").evaluate_all(
            "all => all.map(cell => cell.classList.contains('differs'))"
        )
        expected = [not is_same_cell(*pair) for pair in zip(first.cells, near.cells, strict=True)]
        assert marked == [False, *expected[1:]]  # an id differs by nature
    assert table.locator(".differs .hidden").first.text_content() == "differs: "


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("4", "4.0", True),
        ("29.850", "29.85", True),
        ("True", "true", True),
        ("Yes", "No", False),
        (None, "", True),
        (None, "0", False),
        ("4", "four", False),
    ],
)
def test_cells_are_the_same_however_numbers_are_spelled(one, other, same):
    assert is_same_cell(one, other) is same


def test_verified_cells_beyond_the_budget_are_left_out(folder):
    view = read_view(folder, top=100)
    whole, cut = (embed_beside(view, view.suspects, 7, budget=size) for size in (10**6, 2_000))

    assert len(cut) < len(whole) / 2
    assert len(cut) < 10_000


def test_figures_are_behind_details(load):
    page = load()
    page.locator("#suspect-table summary").first.click()
    figures = page.locator("#suspect-table .more").first
    assert not figures.locator("p").is_visible()
    figures.locator("summary").click()

    assert figures.locator("p").text_content().startswith("p-value ")


ODD = ('a"b/c\\d', "it's #1 & 100%", "../../x", "?q=1&all=1", "</td>")


@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_long_classes_and_odd_ids_keep_the_page_whole(width, fabricated, tmp_path, browser):
    fabricated.classes = tuple(letter * 80 for letter in "abc")
    fabricated.cells, fabricated.n_rows = ODD, 60
    report = write_reports(fabricated.write(tmp_path / "odd"), top=30, formats=["html"])["html"]
    with opened_window(browser, viewport={"width": width, "height": 800}) as window:
        page = window.tab(report.as_uri())
        page.locator("#suspect-table summary").first.click()
        page.locator("#column-tools summary").click()
        page.locator("#shown-columns input").first.check()

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert window.console == []


def test_thousands_of_suspects_give_a_page_of_five_hundred(fabricated, tmp_path):
    n = 50_000 if IS_THOROUGH else 5_000
    fabricated.n_rows, fabricated.n_epochs, fabricated.flagged = n, 1, n * 4 // 5
    fabricated.cells, fabricated.classes = CELLS, ("yes", "no")
    folder = fabricated.write(tmp_path / "many")
    view = read_view(folder, top=n)
    begun = perf_counter()
    page = write_reports(folder, top=n, formats=["html"])["html"].read_text(encoding="utf-8")

    assert len(view.suspects) == n
    assert perf_counter() - begun < 120
    assert page.count("<tbody data-rank") == 500
    assert "This page holds the first 500; suspects.csv has all." in page
    assert f"of {n * 4 // 5:,} flagged rows" in page
    assert len(page.encode()) < 1_500_000
