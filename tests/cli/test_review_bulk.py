"""One decision about many rows: what was shown is decided, all of it or nothing, and undone."""

from __future__ import annotations

import json

import pytest

from datacleanse.review.decisions import read_decisions
from datacleanse_reports.served import ServedReview
from tests.browser import until
from tests.cli.test_review import BOTH, ask, command, decide, folder, last, server, written
from tests.cli.test_review_undo import undo

__all__ = ["folder", "server", "written"]  # fixtures


def decide_many(server, rows, action="keep", *, decided=(), **more):
    body = {"rows": list(rows), "decided": list(decided), "action": action, **more}
    status, text = ask(server, "POST", "/bulk", body=json.dumps(body))
    return status, json.loads(text)["decisions"] if status == 200 else text


def suggested(server):
    """Rows of the page with a suggestion, and those without."""
    suspects = server.served._suspects.values()
    with_one = {each.row: each.suggested_label for each in suspects if each.suggested_label}
    return with_one, [each.row for each in suspects if not each.suggested_label]


@BOTH
def test_all_is_written_with_one_group_and_undone_at_once(server, folder):
    labels, _ = suggested(server)
    status, made = decide_many(server, labels, "accept", group="g-1", reviewer="Eve")
    decide(server, 59)

    assert status == 200
    assert {each["group"] for each in made} == {"g-1"}
    assert {row: d.new_label for row, d in last(folder).items() if row != 59} == labels
    assert {each.reviewer for each in last(folder).values()} == {"Eve", "Ada"}
    assert len(undo(server, group="g-1")[1]) == len(labels)
    assert list(last(folder)) == [59]
    assert read_decisions(folder.decisions_file).notices == ()


def test_what_another_tab_decided_meanwhile_is_not_decided_over(server, folder):
    decide(server, 5, "drop")
    before = folder.decisions_file.read_bytes()
    status, text = decide_many(server, range(10))

    assert status == 409
    assert "Nothing was decided. 1 row of the list was decided or undone elsewhere" in text
    assert "(row 5)" in text
    assert folder.decisions_file.read_bytes() == before


def test_what_another_tab_undid_meanwhile_stops_it_too(server, folder):
    assert decide_many(server, [1, 2], decided=[3])[0] == 409
    assert not folder.decisions_file.exists()


def test_rows_that_were_shown_as_decided_can_be_decided_anew(server, folder):
    decide(server, 5, "drop")
    assert decide_many(server, [4, 5], decided=[5])[0] == 200
    assert {row: d.action for row, d in last(folder).items()} == {4: "keep", 5: "keep"}


def test_sent_twice_it_is_written_once(server, folder):
    first, second = (decide_many(server, [1, 2], group="g") for _ in range(2))
    assert (first[0], second[0]) == (200, 200)
    assert len(folder.decisions_file.read_bytes().splitlines()) == 2


@BOTH
def test_the_given_label_means_keep(server, folder):
    given = server.served._suspects[0].given_label
    decide_many(server, range(6), "relabel", new_label=given)
    made = last(folder)

    assert (made[0].action, made[0].new_label) == ("keep", None)
    assert {made[row].new_label for row in range(1, 5)} == {given}


@pytest.mark.parametrize(
    "change",
    [
        *({"rows": []}, {"rows": [1, 1]}, {"rows": ["1"]}, {"rows": [999]}, {"rows": None}),
        *({"decided": 3}, {"action": "burn"}, {"action": "revoked"}, {"action": "relabel"}),
        *({"new_label": "none", "action": "relabel"}, {"group": ""}, {"reviewer": 3}),
    ],
)
def test_what_cannot_be_decided_is_refused_as_a_whole(change, server, folder):
    body = {"rows": [1, 2], "decided": [], "action": "keep"} | change
    status, text = ask(server, "POST", "/bulk", body=json.dumps(body))

    assert status == 400
    assert "Traceback" not in text
    assert not folder.decisions_file.exists()


def test_a_row_without_a_suggestion_cannot_be_changed_to_it(server, folder):
    labels, none = suggested(server)
    assert decide_many(server, [*labels, none[0]], "accept")[0] == 400
    assert not folder.decisions_file.exists()


def open_bulk(page, **filters):
    for name, value in filters.items():
        page.locator(f"#filters [name={name}]").select_option(value)
    page.locator("#bulk-offer").click()
    return page.locator("#bulk")


@BOTH
def test_a_filter_is_decided_after_a_look_and_undone_by_one_click(folder, window):
    with command(folder) as (process, address):
        page = window.tab(address)
        page.locator("[name=least]").select_option("0.25")
        n = int(page.locator("#shown").text_content().split()[0])
        dialog = open_bulk(page)
        assert dialog.locator("#bulk-filters").text_content() == (
            "Shown are rows with: Likely wrong 25% or more."
        )
        assert dialog.locator("#bulk-sample li").count() == min(8, n)
        button = dialog.locator('[data-do="decide"]')
        assert button.text_content() == f"Accept all {n} suggestions"
        button.click()
        until(page, "!document.getElementById('bulk').open")
        assert page.locator("#decided").text_content() == f"{n} rows decided."
        assert len(last(folder)) == n
        page.reload()
        page.wait_for_selector("html[data-ready]")
        page.locator("#undo-last").click()
        until(page, "decisions.waiting() === 0 && decisions.count() === 0")
        del process
    assert last(folder) == {}
    assert window.console == []


def test_a_list_that_changed_in_another_tab_is_refused_and_shown_anew(folder, window):
    with command(folder) as (process, address):
        first, second = window.tab(address), window.tab(address)
        dialog = open_bulk(first)
        dialog.locator("[value=keep]").check()
        second.locator("#suspects [data-start-review]").click()
        second.keyboard.press("e")
        until(second, "decisions.waiting() === 0")
        dialog.locator('[data-do="decide"]').click()
        until(first, "!document.getElementById('bulk-problem').hidden")
        assert "Nothing was decided." in dialog.locator("#bulk-problem").text_content()
        until(first, "decisions.count() === 1")
        assert "1 row shown is decided already" in dialog.locator("#bulk-decided").text_content()
        assert len(last(folder)) == 1
        dialog.locator('[data-do="decide"]').click()
        until(first, "!document.getElementById('bulk').open")
        del process
    assert len(last(folder)) == 60
    assert [each.action for each in last(folder).values()].count("drop") == 1


def test_by_keys_alone(folder, window):
    with command(folder) as (process, address):
        page = window.tab(address)
        page.locator("#bulk-offer").focus()
        page.keyboard.press("Enter")
        assert page.locator(":focus").get_attribute("id") == "bulk-title"
        page.keyboard.press("Tab")
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        assert page.locator("#bulk [name=action]:checked").get_attribute("value") == "drop"
        page.locator('#bulk [data-do="decide"]').focus()
        page.keyboard.press("Enter")
        until(page, "!document.getElementById('bulk').open")
        until(page, "!document.getElementById('undo-last').hidden")
        page.locator("#undo-last").focus()
        page.keyboard.press("Enter")
        until(page, "decisions.count() === 0")
        del process


def test_a_page_without_a_server_has_no_such_buttons(folder, window):
    from datacleanse_reports import write_reports

    page = window.tab(write_reports(folder, top=30, formats=["html"])["html"].as_uri())
    assert page.locator("#bulk-offer, #bulk, #grid").count() == 0


def test_a_review_that_is_closed_takes_nothing(folder):
    review = ServedReview(folder, first=1, reviewer="Ada")
    assert review.take_in("/nothing", {}) is None
