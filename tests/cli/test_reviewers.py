"""Several reviewers of one run: comments, who differs, and what settles it."""

from __future__ import annotations

import json

import pytest

from datacleanse.review.decisions import read_decisions
from datacleanse_reports import read_view, write_reports
from datacleanse_reports.deciding import LONGEST_COMMENT
from datacleanse_reports.formats.html import render_page
from datacleanse_reports.formats.markdown import MarkdownReport
from datacleanse_reports.formats.registry import TOOLS
from datacleanse_reports.served import ServedReview
from tests.browser import until
from tests.cli.applying import apply_json
from tests.cli.applying import decide as decide_by_file
from tests.cli.conftest import run_here
from tests.cli.test_review import ask, command, folder, last, server, written

__all__ = ["folder", "server", "written"]  # fixtures


def post(server, row, action="keep", **what):
    body = json.dumps({"row": row, "action": action, **what})
    status, text = ask(server, "POST", "/decisions", body=body)
    return (status, json.loads(text)) if status == 200 else (status, text)


def press(page, keys):
    for key in keys:
        page.keyboard.press(key)
    until(page, "decisions.waiting() === 0")


def open_review(page, decision=""):
    if decision:
        page.locator("select[name=decision]").select_option(decision)
    page.locator("#suspects [data-start-review]").click()


def pace(page):
    return page.locator("#review-pace").text_content().partition(" · ")[0]


# --- the server ---


def test_a_comment_is_written_with_the_decision(server, folder):
    post(server, 3, comment="  see the <b>form</b>\nof May ")
    line = json.loads(folder.decisions_file.read_text())

    assert line["comment"] == "see the <b>form</b>\nof May"
    assert last(folder)[3].comment == line["comment"]


def test_a_comment_of_ten_thousand_characters_is_refused_in_a_sentence(server, folder):
    status, text = post(server, 3, comment="x" * 10_000)
    assert (status, folder.decisions_file.exists()) == (400, False)
    assert text.startswith("The comment has 10,000 characters, and 2,000 are taken.")
    assert post(server, 3, comment="x" * LONGEST_COMMENT)[0] == 200


@pytest.mark.parametrize("comment", [3, ["a"], {"a": 1}])
def test_a_comment_that_is_no_text_is_refused(comment, server, folder):
    assert post(server, 3, comment=comment)[0] == 400
    assert not folder.decisions_file.exists()


def test_the_second_reviewer_is_told_what_the_first_decided_meanwhile(server, folder):
    _, first = post(server, 3, "drop", reviewer="Bob")
    _, own = post(server, 3, reviewer="Bob")
    status, second = post(server, 3, "keep", reviewer="Ada")

    assert (status, first["others"], own["others"]) == (200, [], [])
    assert [(each["reviewer"], each["action"]) for each in second["others"]] == [("Bob", "keep")]
    assert len(read_decisions(folder.decisions_file).standing) == 3


def test_agreement_is_told_as_it_stands(server):
    def told():
        return json.loads(ask(server, "GET", "/agreement")[1])["text"]

    assert told() == ""
    for row, bob in ((3, "keep"), (5, "drop"), (7, "drop")):
        post(server, row, reviewer="Ada")
        post(server, row, bob, reviewer="Bob")
    start, _, end = told().partition(" Cohen's kappa: ")
    assert start == "3 rows were decided by more than one reviewer, 1 of them alike (33%)."
    assert end.endswith(". 2 rows are decided differently.")
    assert -1 <= float(end[:4]) <= 1
    post(server, 5, "drop", reviewer="Cyd", settles=True)
    assert told().endswith("1 row is decided differently.")


# --- the page ---


def test_comments_are_written_by_keys_and_shown_beside_the_row(folder, window):
    with command(folder) as (process, address):
        page = window.tab(address)
        open_review(page)
        row = page.evaluate("suspectTable.fitting()[0]")
        page.keyboard.press("m")
        page.keyboard.type("<img src=x onerror=alert(1)> 1 q")
        page.keyboard.press("Enter")
        hint = page.locator("#review-comment-hint").text_content()
        assert decided(page) == 0
        press(page, "q")
        press(page, "k")
        assert page.locator("#review-row .comment").text_content().endswith("onerror=alert(1)> 1 q")
        # A new comment on a decided row is a new line with the same decision.
        page.keyboard.press("m")
        page.locator("#review-comment").fill("second thoughts")
        page.keyboard.press("Enter")
        until(page, "decisions.waiting() === 0")
        page.keyboard.press("Escape")
        marked = page.locator(f'tbody[data-row="{row}"] .decision').text_content()
        page.locator("input[name=q]").fill("second thoughts")
        found = page.locator("#shown").evaluate("e => e.value")
        del process

    assert hint.startswith("Kept with your decision")
    assert last(folder)[row].comment == "second thoughts"
    assert last(folder)[row].action == "keep"
    assert marked.startswith("kept · ")
    assert marked.endswith("· “second thoughts”")
    assert found == "1 row"
    assert window.console == []


def test_the_comment_of_what_is_undone_goes_with_the_next_decision(folder, window):
    with command(folder) as (process, address):
        page = window.tab(address)
        open_review(page)
        row, other = page.evaluate("suspectTable.fitting().slice(0, 2)")
        shown = []
        for at_row in (row, other):
            page.keyboard.press("m")
            page.keyboard.type(f"form {at_row} is torn")
            page.keyboard.press("Enter")
            press(page, "qu")
            shown.append(page.locator("#review-comment").input_value())
            press(page, "e" if at_row == row else "")
        page.reload()
        until(page, "document.documentElement.dataset.ready !== undefined")
        open_review(page, "open")
        shown.append(page.locator("#review-comment").input_value())
        press(page, "n")
        del process

    told = [f"form {each} is torn" for each in (row, other)]
    assert shown == [*told, told[1]]
    assert [(last(folder)[each].action, last(folder)[each].comment) for each in (row, other)] == [
        ("drop", told[0]),
        ("unsure", told[1]),
    ]
    assert window.console == []


def test_u_undoes_on_the_list_but_not_where_somebody_types(folder, window):
    with command(folder) as (process, address):
        page = window.tab(address)
        open_review(page)
        press(page, "q")
        page.keyboard.press("Escape")
        page.locator("input[name=q]").focus()
        press(page, "u")
        kept = decided(page)
        page.locator("input[name=q]").fill("")
        page.locator("#suspects [data-start-review]").focus()
        press(page, "u")
        left = decided(page)
        del process

    assert (kept, left, last(folder)) == (1, 0, {})
    assert window.console == []


def decided(page):
    return page.evaluate("decisions.count()")


def test_rows_decided_differently_are_walked_through_and_settled(folder, window):
    review = ServedReview(folder, first=1, reviewer="Bob")
    rows = list(review._suspects)[:3]
    for row, action in zip(rows, ("drop", "keep", "unsure"), strict=True):
        review.take_in(
            "/decisions", {"row": row, "action": action, "comment": f"{action}, says Bob"}
        )
        review.take_in("/decisions", {"row": row, "action": "keep", "reviewer": "Ada"})
    with command(folder, "--reviewer", "Cyd") as (process, address):
        page = window.tab(address)
        until(page, "document.getElementById('agreement').textContent !== ''")
        told = page.locator("#agreement").text_content()
        page.locator("#settle").click()
        assert pace(page) == "0 of 2 decided"
        said = page.locator("#review-row .verdict").all_text_contents()
        assert page.locator("#review-settle").is_visible()
        press(page, "e")
        assert pace(page) == "1 of 2 decided"
        press(page, "q")
        page.keyboard.press("Escape")
        until(page, "!document.getElementById('agreement').textContent.includes('differently')")
        left = page.locator("#shown").evaluate("e => e.value")
        assert page.locator("#settle").is_hidden()
        del process
    read = read_decisions(folder.decisions_file)

    assert told.endswith("2 rows are decided differently.")
    assert said == ["Bob: to be dropped", "Ada: kept"]
    assert left == "0 rows"
    assert [read.last[row].settles for row in rows] == [True, False, True]
    assert (read.last[rows[0]].action, read.last[rows[0]].reviewer) == ("drop", "Cyd")
    assert read.notices == ()
    assert window.console == []


def test_a_second_reviewer_goes_through_what_the_first_decided(folder, window):
    review = ServedReview(folder, first=1, reviewer="Bob")
    rows = list(review._suspects)[:3]
    for row in rows:
        review.take_in("/decisions", {"row": row, "action": "keep"})
    with command(folder, "--reviewer", "Ada") as (process, address):
        page = window.tab(address)
        open_review(page, "others")
        assert pace(page) == "0 of 3 decided"
        press(page, "qe")
        assert pace(page) == "2 of 3 decided"
        del process
    standing = read_decisions(folder.decisions_file).standing

    assert [(each.row, each.reviewer) for each in standing[3:]] == [
        (rows[0], "Ada"),
        (rows[1], "Ada"),
    ]
    assert not any(each.settles for each in standing)


def test_two_reviewers_on_one_row_at_once_are_told(folder, window):
    with command(folder, "--reviewer", "Ada") as (process, address):
        page = window.tab(address)
        open_review(page)
        row = page.evaluate("suspectTable.fitting()[0]")
        other = ServedReview(folder, first=1, reviewer="Bob")
        other.take_in("/decisions", {"row": row, "action": "drop"})
        press(page, "q")
        told = page.locator("#review-meanwhile").text_content()
        page.keyboard.press("k")
        said = page.locator("#review-row .verdict").all_text_contents()
        del process

    assert told.startswith(f"Row {row} was decided by somebody else meanwhile (Bob: to be dropped)")
    assert "you: kept. Both stand." in told
    assert said == ["Bob: to be dropped", "Ada: kept"]


def test_the_name_that_is_recorded_is_the_one_that_is_shown(folder, window):
    with command(folder, "--reviewer", "Bob") as (process, address):
        page = window.tab(address)
        open_review(page)
        name = page.locator("#review-name")
        assert name.input_value() == "Bob"
        name.fill("Bo B.")
        name.press("Enter")  # the keys decide again
        press(page, "q")
        del process
    with command(folder, "--reviewer", "Ada") as (process, address):
        # Somebody else's name of before does not stand for the one that the command was given.
        again = window.tab(address)
        open_review(again)
        assert again.locator("#review-name").input_value() == "Ada"
        press(again, "j")
        del process

    assert [each.reviewer for each in last(folder).values()] == ["Bo B."]


# --- reports and exports ---


@pytest.fixture
def reviewed(folder):
    """Two rows that Ada and Bob both decided about, one of them differently."""
    review = ServedReview(folder, first=1, reviewer="Ada")
    first, second = list(review._suspects)[:2]
    note = "<script>alert(1)</script> | *so*\nis it"
    review.take_in("/decisions", {"row": first, "action": "keep", "comment": note})
    review.take_in("/decisions", {"row": first, "action": "drop", "reviewer": "Bob"})
    for name in ("Ada", "Bob"):
        review.take_in("/decisions", {"row": second, "action": "unsure", "reviewer": name})
    return read_view(folder, top=60)


def test_the_report_lists_who_decided_what(reviewed):
    page = render_page(reviewed)
    section = page[page.index('id="decided-rows"') :].partition("</section>")[0]

    assert "2 rows were decided by more than one reviewer, 1 of them alike (50%)." in section
    assert "decided differently" in section
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | *so*\nis it" in section
    assert section.count("<bdi>Ada</bdi>") == section.count("<bdi>Bob</bdi>") == 3
    text = MarkdownReport().render(reviewed)
    assert "## Decisions so far: 2 rows" in text
    assert r"\<script\>alert(1)\</script\> \| \*so\*" in text


def test_a_report_without_decisions_has_no_such_section(folder):
    view = read_view(folder, top=60)
    assert 'id="decided-rows"' not in render_page(view)
    assert "Decisions so far" not in MarkdownReport().render(view)


def test_other_tools_get_the_decision_and_the_comment(reviewed):
    row = reviewed.progress.reviewers.rows[0].row
    tasks = json.loads(TOOLS["label-studio"].render(reviewed))
    records = json.loads(TOOLS["argilla"].render(reviewed))
    (task,) = (each["data"] for each in tasks if each["data"]["row"] == row)
    (record,) = (each["metadata"] for each in records if each["metadata"]["row"] == row)

    for known in (task, record):
        assert (known["action"], known["reviewer"]) == ("drop", "Bob")
        assert known["comment"].startswith("<script>")
    assert sum("action" in each["data"] for each in tasks) == 2


def test_the_page_from_disk_takes_comments_too(folder, window):
    report = write_reports(folder, top=60, formats=["html"])["html"]
    page = window.tab(report.as_uri())
    open_review(page)
    page.keyboard.press("m")
    page.keyboard.type("odd")
    page.keyboard.press("Enter")
    page.keyboard.press("q")
    (line,) = page.evaluate("decisions.text()").splitlines()
    assert json.loads(line)["comment"] == "odd"


# --- apply ---


def test_apply_says_who_differs_and_that_the_last_one_counts(audited_copy):
    decide_by_file(audited_copy, {3: "keep", 5: "drop"}, reviewer="Ada")
    decide_by_file(audited_copy, {3: "relabel"}, reviewer="Bob")
    told = apply_json(audited_copy, "-o", "cleaned.csv")

    assert told["relabelled"] == 1
    (notice,) = told["notices"]
    assert notice["slug"] == "decisions-differ"
    assert "row 3: Ada says keep, Bob says '" in notice["message"]


def test_apply_joins_the_files_of_several_people(audited_copy):
    own = audited_copy / "runs/data/decisions.jsonl"
    decide_by_file(audited_copy, {3: "relabel", 5: "drop"}, reviewer="Ada")
    own.rename(audited_copy / "ada.jsonl")
    decide_by_file(audited_copy, {5: "keep", 7: "drop"}, reviewer="Bob")
    own.rename(audited_copy / "bob's.jsonl")
    files = ("--decisions", "ada.jsonl", "--decisions", "bob's.jsonl")
    done = run_here("apply", "runs/data", *files, "-o", "cleaned.csv", "-q", cwd=audited_copy)

    assert done.code == 0, done.err
    words = " ".join(done.out.replace("\\\n", " ").split())
    assert "relabelled 1, dropped 1" in words
    assert "5: Ada says drop, Bob says keep" in words
    assert "--decisions ada.jsonl --decisions 'bob'\"'\"'s.jsonl'" in words
