"""The review in a real browser: keys decide, decisions survive, and come out as they were made."""

from __future__ import annotations

import json
import re

import pytest

from datacleanse.review.decisions import read_decisions
from datacleanse_reports import read_view, write_reports
from datacleanse_reports.any_page import read_any_view
from tests.browser import until
from tests.reports.conftest import Fabricated
from tests.reports.made_numbers import FabricatedNumbers


@pytest.fixture
def folder(fabricated, tmp_path):
    fabricated.n_rows = 400
    return fabricated.write(tmp_path / "people")


@pytest.fixture
def view(folder):
    return read_any_view(folder, top=300)


@pytest.fixture
def report(folder):
    if folder.is_of_numbers():
        return write_reports(folder, top=300, formats=["html"])["html"]
    return write_reports(folder, top=300, formats=["html"])["html"]


BOTH = pytest.mark.parametrize(
    "fabricated", [Fabricated, FabricatedNumbers], ids=["classes", "numbers"], indirect=True
)
"""For tests that hold of classes and of numbers."""


@pytest.fixture
def review(report, window):
    """The report with the review open."""

    def opened(address=""):
        page = window.tab(report.as_uri() + address)
        start(page)
        return page

    return opened


def start(page):
    page.locator("#suspects [data-start-review]").click()


def current(page):
    return int(re.match(r"Row (\d+)", page.locator("#review-heading").text_content())[1])


def download(page, tmp_path):
    with page.expect_download() as waiting:
        page.locator('#review [data-do="download"]').click()
    assert waiting.value.suggested_filename == "decisions.jsonl"
    path = tmp_path / "decisions.jsonl"
    waiting.value.save_as(path)
    return path


@BOTH
def test_two_hundred_suspects_are_reviewed_by_keys(review, view, tmp_path, window):
    page = review()
    expected = {}
    for i, suspect in enumerate(view.suspects[:200]):
        key = "qwen"[i % 4]
        if key == "w" and suspect.suggested_label is None:
            key = "q"
        page.keyboard.press(key)
        action = {"q": "keep", "w": "relabel", "e": "drop", "n": "unsure"}[key]
        label = suspect.suggested_label if key == "w" else None
        expected[suspect.row] = (action, label)
    read = read_decisions(
        download(page, tmp_path),
        run_id=view.run_id,
        n_rows=400,
        classes=view.numbers or view.labels,
    )

    assert read.notices == ()
    assert expected == {row: (d.action, d.new_label) for row, d in read.last.items()}
    suspects = {suspect.row: suspect for suspect in view.suspects}
    for row, decision in read.last.items():
        suspect = suspects[row]
        assert decision.given_label == suspect.given_label
        assert (decision.id, decision.row_sha256) == (suspect.id, suspect.row_sha256)
        assert decision.at.endswith("+00:00")
    assert page.locator("#review-pace").text_content().startswith("200 of 300 decided · ")
    assert window.console == []


@BOTH
def test_decisions_survive_a_reload_and_are_seen_in_another_tab(review, report, window):
    page = review()
    other = window.tab(report.as_uri())
    first = current(page)
    for key in "wqe":
        page.keyboard.press(key)
    until(other, "document.getElementById('decided').textContent === '3 rows decided.'")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    marked = page.locator(f'tbody[data-row="{first}"] .decision').text_content()
    page.locator("select[name=decision]").select_option("open")
    start(page)

    assert marked.startswith("changed to ")
    assert page.locator("#review-pace").text_content() == "0 of 297 decided"
    assert current(page) != first


@BOTH
def test_undo_brings_back_what_was_decided_before(review, tmp_path, view):
    page = review()
    first = current(page)
    page.keyboard.press("q")
    page.keyboard.press("k")
    page.keyboard.press("e")
    page.keyboard.press("u")
    assert current(page) == first
    assert page.locator("#review-row .verdict").text_content() == "Decided: kept"
    page.keyboard.press("u")
    assert page.locator("#review-row .verdict").count() == 0
    page.keyboard.press("u")
    assert page.locator("#review-told").text_content() == "There is nothing to undo."
    page.keyboard.press("j")
    page.keyboard.press("n")

    assert [view.suspects[1].row] == list(read_decisions(download(page, tmp_path)).last)


def test_digits_choose_a_class_and_the_given_one_means_keep(review, view, tmp_path):
    page = review()
    names = {}
    for suspect in view.suspects[:2]:
        labels = page.evaluate("reviewData.labels")
        buttons = page.locator("#review-classes button")
        codes = [int(code) for code in buttons.evaluate_all("all => all.map(b => b.dataset.label)")]
        assert labels[codes[0]] == suspect.likely[0].label
        place = next(
            i for i, code in enumerate(codes)
            if (labels[code] == suspect.given_label) == (suspect is view.suspects[1])
            and labels[code] != suspect.suggested_label
        )  # fmt: skip
        names[suspect.row] = labels[codes[place]]
        page.keyboard.press(str(place + 1))
    last = read_decisions(download(page, tmp_path)).last
    first, second = (last[suspect.row] for suspect in view.suspects[:2])

    assert (first.action, first.new_label) == ("relabel", names[first.row])
    assert (second.action, second.new_label) == ("keep", None)


def test_the_suggestion_is_preselected_and_enter_takes_it(review, view):
    page = review()
    focused = page.locator(":focus")

    assert focused.get_attribute("data-do") == "accept"
    page.keyboard.press("Enter")
    assert current(page) == view.suspects[1].row
    assert page.evaluate("decisions.count()") == 1


def test_without_a_suggestion_keeping_is_preselected_and_w_does_nothing(review, view):
    page = review("#sort=rank:desc&all=1")
    before = current(page)

    assert view.suspects[-1].suggested_label is None
    assert page.locator(":focus").get_attribute("data-do") == "keep"
    page.keyboard.press("w")
    assert page.evaluate("decisions.count()") == 0
    assert current(page) == before


def test_keys_decide_nothing_where_they_mean_something_else(review, report, window):
    page = window.tab(report.as_uri())
    page.keyboard.press("e")
    start(page)
    page.keyboard.press("Control+e")
    page.locator("#review-name").click()
    page.keyboard.type("Eve Queen 1")
    page.locator('#review [data-do="help"]').click()
    page.locator("#review-keys").uncheck()
    page.locator("#review-heading").click()
    page.keyboard.press("e")
    assert page.evaluate("decisions.count()") == 0
    page.locator("#review-keys").check()
    page.keyboard.down("q")
    page.keyboard.down("q")
    page.keyboard.up("q")

    assert page.evaluate("decisions.count()") == 1
    assert json.loads(page.evaluate("decisions.text()"))["reviewer"] == "Eve Queen 1"


def test_the_filters_choose_what_is_reviewed(review):
    page = review("#flag=1&sort=row:asc")
    rows = []
    for _ in range(8):
        rows.append(current(page))
        page.keyboard.press("q")

    assert sorted(rows) == rows
    assert page.locator("#review-row h3").text_content() == "That was the last row"
    assert page.locator("#review-pace").text_content().startswith("8 of 8 decided")
    page.keyboard.press("Escape")
    page.locator("select[name=decision]").select_option("keep")
    assert page.locator("#suspect-table > tbody:not([hidden])").count() == 8


def test_the_first_screen_leads_to_the_flagged_rows(report, window):
    page = window.tab(report.as_uri() + "#q=nothing-has-this")
    page.locator("[data-start-review=flagged]").click()

    assert page.locator("#review-pace").text_content() == "0 of 8 decided"
    assert page.locator("select[name=flag]").input_value() == "1"
    assert page.locator("input[name=q]").input_value() == ""


def test_labels_are_recorded_as_they_are_and_shown_with_nothing_hidden(
    fabricated, tmp_path, window
):
    fabricated.classes = ("a\u202eb</script><b>", "c\x00d", "plain")
    folder = fabricated.write(tmp_path / "odd")
    page = window.tab(write_reports(folder, top=30, formats=["html"])["html"].as_uri())
    start(page)
    heading = page.locator("#review-heading").text_content()
    page.keyboard.press("w")
    decision = next(iter(read_decisions(download(page, tmp_path)).last.values()))
    view = read_view(folder, top=30)

    assert decision.given_label == view.suspects[0].given_label
    assert decision.new_label == view.suspects[0].suggested_label
    assert not {"\u202e", "\x00"} & set(heading)
    assert window.console == []


def test_a_browser_that_stores_nothing_says_so(report, window):
    window.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
    )
    page = window.tab(report.as_uri())
    start(page)
    page.keyboard.press("q")

    assert page.evaluate("decisions.count()") == 1
    assert "download the decisions" in page.locator("#review-saved").text_content()


def test_each_step_is_said_to_screen_readers(review, view):
    page = review()
    page.keyboard.press("e")

    told = page.locator("#review-told")
    assert told.get_attribute("role") == "status"
    first = view.suspects[0]
    expected = f"Row {first.row} · {first.id} to be dropped. Next: Row "
    assert told.text_content().startswith(expected)


@pytest.fixture
def many_classes(fabricated, tmp_path, window):
    """The review of a run whose classes are more than there are digits."""
    fabricated.n_rows = 60
    fabricated.classes = ("cat", "cow", "crow", "a", "ab", *(f"x{i}" for i in range(9)))
    folder = fabricated.write(tmp_path / "zoo")
    page = window.tab(write_reports(folder, top=60, formats=["html"])["html"].as_uri())
    start(page)
    return page


def test_any_other_class_is_decided_by_enter_and_never_by_a_letter(many_classes):
    page = many_classes
    field, told = page.locator("#review-other input"), page.locator("#review-other-told")
    first = current(page)
    for typed, said in (
        ("c", "3 classes begin with “c”: type more of the name."),
        ("q", "No class begins with “q”."),
        ("", "Type the name of a class, then press Enter."),
    ):
        field.fill("")
        field.press_sequentially(typed)
        assert current(page) == first
        field.press("Enter")
        assert told.text_content() == said
        assert current(page) == first
        field.press_sequentially("z")
        assert told.text_content() == ""
    field.fill("")
    field.press_sequentially("cro")
    assert current(page) == first
    field.press("Enter")
    assert current(page) != first
    page.keyboard.press("k")
    assert "Decided: changed to crow" in page.locator("#review-row").text_content()
    # A name that is the beginning of another one is a name all the same.
    field.fill("A")
    page.locator('[data-do="other"]').click()
    page.keyboard.press("k")
    assert "Decided: changed to a" in page.locator("#review-row").text_content()
    assert page.locator("#decided").text_content() == "1 row decided."
