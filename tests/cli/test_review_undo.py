"""Undo in a served review: after a reload and a restart, and never more than was meant."""

from __future__ import annotations

import json
import signal
from contextlib import suppress

import pytest

from datacleanse.review.decisions import read_decisions
from datacleanse_reports.served import ServedReview
from tests.browser import until
from tests.cli.conftest import run_here
from tests.cli.test_review import BOTH, ask, command, decide, folder, last, server, written

__all__ = ["folder", "server", "written"]  # fixtures


def undo(server, **what):
    status, text = ask(server, "POST", "/undo", body=json.dumps(what))
    return status, json.loads(text)["revoked"] if status == 200 else text


def open_review(window, address):
    page = window.tab(address)
    page.locator("#suspects [data-start-review]").click()
    return page


def press(page, keys):
    for key in keys:
        page.keyboard.press(key)
    until(page, "decisions.waiting() === 0")


def pace(page):
    return page.locator("#review-pace").text_content().partition(" · ")[0]


def test_undo_is_written_and_the_row_is_as_nobody_had_decided_about_it(server, folder):
    group = json.loads(decide(server, 7, "drop")[1])["group"]
    decide(server, 8)
    status, revoked = undo(server, group=group, reviewer="Bob")
    lines = [json.loads(line) for line in folder.decisions_file.read_text().splitlines()]

    assert status == 200
    assert revoked == [lines[-1]]
    assert (lines[-1]["action"], lines[-1]["row"], lines[-1]["reviewer"]) == ("revoked", 7, "Bob")
    assert list(last(folder)) == [8]
    assert undo(server, group=group) == (200, [])
    assert undo(server, row=8)[1][0]["row"] == 8
    assert last(folder) == {}


@pytest.mark.parametrize("what", [{}, {"group": "a b"}, {"group": 3}, {"row": "3"}, {"row": -1}])
def test_what_says_nothing_to_undo_is_refused(what, server, folder):
    decide(server, 3)
    assert undo(server, **what)[0] == 400
    assert list(last(folder)) == [3]


def test_what_is_sent_twice_is_written_once(server, folder):
    body = json.dumps({"row": 3, "action": "keep", "group": "page-1"})
    first, second = (ask(server, "POST", "/decisions", body=body) for _ in range(2))

    assert first == second
    assert len(folder.decisions_file.read_text().splitlines()) == 1


@BOTH
def test_keys_undo_after_a_reload_and_after_a_restart(folder, window):
    with command(folder) as (process, address):
        page = open_review(window, address)
        press(page, "qeq")
        assert pace(page) == "3 of 60 decided"
        page.reload()
        page.wait_for_selector("html[data-ready]")
        page.locator("#suspects [data-start-review]").click()
        press(page, "u")
        assert pace(page) == "2 of 60 decided"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    with command(folder) as (process, again):
        assert again == address
        press(page, "uu")
        assert pace(page) == "0 of 60 decided"
        page.keyboard.press("u")
        assert page.locator("#review-told").text_content() == "There is nothing to undo."
        press(page, "e")
        del process
    read = read_decisions(folder.decisions_file)

    assert [decision.action for decision in read.last.values()] == ["drop"]
    assert read.notices == ()
    assert window.console == []


def test_undo_brings_back_the_decision_before(folder, window):
    with command(folder) as (process, address):
        page = open_review(window, address)
        press(page, "qke")
        press(page, "u")
        assert page.locator("#review-row .verdict").text_content().startswith("Decided: kept")
        del process
    assert [decision.action for decision in last(folder).values()] == ["keep"]


def test_others_decisions_are_not_undone(folder, window):
    review = ServedReview(folder, first=1, reviewer="Bob")
    review.take_in("/decisions", {"row": next(iter(review._suspects)), "action": "drop"})
    with command(folder) as (process, address):
        page = open_review(window, address)
        page.locator("#review-name").fill("Ada")
        page.locator("#review-heading").click()
        press(page, "q")
        press(page, "uu")
        assert page.locator("#review-told").text_content() == "There is nothing to undo."
        del process
    assert [decision.reviewer for decision in last(folder).values()] == ["Bob"]


def test_where_all_is_undone_there_is_nothing_to_apply(server, folder, tmp_path):
    decide(server, 7, "drop")
    undo(server, row=7)
    done = run_here("apply", folder.path, "-o", tmp_path / "cleaned.csv", cwd=tmp_path)
    with suppress(FileNotFoundError):
        (tmp_path / "data people.csv").unlink()

    assert done.code == 2
