"""What the report says first: how many labels are wrong, what to do, how far the review is."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacleanse.review.decisions import Decision, append_decisions
from datacleanse_reports import read_view, write_reports
from datacleanse_reports.formats.html import render_page
from datacleanse_reports.steps import list_steps, say_flags_briefly
from tests.browser import until
from tests.browser import window as opened_window


def decide(folder, suspects):
    append_decisions(
        folder.decisions_file,
        [
            Decision(
                row=each.row,
                id=each.id,
                row_sha256=each.row_sha256,
                given_label=each.given_label,
                action="keep",
                new_label=None,
                reviewer="a",
                at="2026-01-01T00:00:00+00:00",
                run_id="20260101-000000-abcd",
            )
            for each in suspects
        ],
    )


def first_screen(page):
    """The page's text up to the list, without tags."""
    start, end = page.index('id="overview"'), page.index('id="suspects"')
    return " ".join(re.sub("<[^>]+>", " ", page[start:end]).split())


def test_says_how_many_labels_are_wrong_and_how_sure_that_is(view):
    said = first_screen(render_page(view))

    assert "About 12 of 60 19.2% of the labels, range of two estimates 14–30%" in said
    assert "between 8 and 18 rows. The truth may lie outside" in said


def test_without_verified_rows_it_says_what_is_missing_and_how_to_get_it(unverified_run):
    view = read_view(unverified_run, top=12)
    steps = list_steps(view, served=False)

    assert "Not known No rate of wrong labels is told: no label was verified" in first_screen(
        render_page(view)
    )
    assert [step.command.split()[1] for step in steps] == ["verify", "review", "apply"]
    assert steps[1].command == f"datacleanse review {unverified_run.path}"


def test_a_clean_set_that_nobody_checked_puts_the_headline_in_doubt(doubted_run):
    view = read_view(doubted_run, top=12)
    first = list_steps(view, served=False)[0]
    said = first_screen(render_page(view))

    assert "Doubtful: about 12 of 60 Nobody seems to have checked all of the clean set" in said
    assert first.text == "Check the clean rows that the warning names, or rows drawn anew:"
    assert first.command.startswith("datacleanse verify ")


def test_a_page_that_the_review_serves_does_not_say_how_to_open_it(view):
    assert [step.command.split()[1:2] for step in list_steps(view, served=True)] == [[], ["apply"]]


@pytest.mark.parametrize(
    ("flagging", "expected"),
    [
        ({"basis": "controlled"}, "Expect at most 10% of the flagged rows to be false alarms."),
        (
            {"basis": "calibrated", "false_at_most": 14},
            "Expect at most 10% of the flagged rows to be false alarms. It is 90% certain that no "
            "more than 14 of them are.",
        ),
        (
            {"basis": "estimated"},
            "About 10% of such a list are false alarms: an estimate, no guarantee.",
        ),
        ({"basis": "none"}, "No row is flagged, so review the ranking from the top."),
    ],
)
def test_says_in_short_what_flags_are_worth(flagging, expected, view):
    assert say_flags_briefly(replace(view, flagging=replace(view.flagging, **flagging))) == expected


def test_decisions_in_the_run_folder_count_as_progress(hostile_run):
    decide(
        hostile_run,
        [each for each in read_view(hostile_run, top=20).suspects if each.rank in (2, 5, 15)],
    )
    view = read_view(hostile_run, top=3)

    assert (view.progress.rows, len(view.progress.decided), view.progress.elsewhere) == (8, 2, 1)
    page = render_page(view)
    assert "2 of 8 flagged rows" in first_screen(page)
    # The page holds three suspects, one of which is decided.
    assert re.search(r'max="8" value="2" .* data-decided="\d+" data-elsewhere="1"', page)


def test_when_all_is_decided_applying_comes_next(hostile_run):
    decide(hostile_run, read_view(hostile_run, top=8).suspects)

    assert list_steps(read_view(hostile_run, top=12), served=False)[0].text.startswith(
        "All of these"
    )


def test_decisions_that_cannot_be_read_are_told_and_the_report_is_made(hostile_run):
    hostile_run.decisions_file.write_text(json.dumps({"row": 1}) + "\n{}\n")
    view = read_view(hostile_run, top=12)

    assert view.progress.problem
    assert "could not be read" in first_screen(render_page(view))


def test_progress_follows_the_review(hostile_run, window):
    decide(hostile_run, read_view(hostile_run, top=2).suspects)
    report = write_reports(hostile_run, top=30, formats=["html"])["html"]
    page = window.tab(report.as_uri())
    assert page.locator("#progress-count").text_content() == "2"
    page.locator("[data-start-review=flagged]").click()
    for key in "jjqe":
        page.keyboard.press(key)

    until(page, "document.getElementById('progress-count').textContent === '4'")
    assert page.locator("#progress").evaluate("bar => bar.value") == 4


def test_first_suspects_are_on_the_first_screen(hostile_run, browser):
    report = write_reports(hostile_run, top=30, formats=["html"])["html"]
    with opened_window(browser, viewport={"width": 1280, "height": 800}) as window:
        page = window.tab(report.as_uri())
        cells = page.locator("#suspect-table .tells").first.bounding_box()

    assert cells["y"] + cells["height"] < 800


def test_warnings_do_not_push_the_suspects_away(view):
    notice = replace(view.notices[1], message="Something may be odd.")
    said = first_screen(render_page(replace(view, notices=(notice,) * 4)))

    assert "4 warnings Something may be odd. 3 further warnings" in said


def test_numbers_of_the_same_thing_agree(view):
    by_name = {each.name: each for each in view.classes}
    total = sum(each.suspected for each in view.classes)

    assert total == pytest.approx(view.headline.estimated_wrong, abs=1e-3)
    for place, given in enumerate(view.matrix.labels):
        row, expected = view.matrix.cells[place], by_name[given].suspected
        wrong = [cell.rows or 0.0 for i, cell in enumerate(row) if i != place]
        assert sum(wrong) + view.matrix.others[place] == pytest.approx(expected)
        assert row[place].rows + expected == pytest.approx(by_name[given].rows)
        pairs = [pair.rows for pair in view.confusions if pair.given == given]
        assert sum(pairs) == pytest.approx(expected)


def test_flagged_rows_that_are_not_listed_are_told_with_the_way_to_them(hostile_run):
    view = read_view(hostile_run, top=5)
    flagged = view.headline.flagged
    assert flagged > 5
    page = render_page(view)
    said = first_screen(page)

    assert f"{flagged} rows are flagged, and 5 of them are listed." in said
    assert f"datacleanse report {hostile_run.path} --top {flagged} lists all" in said
    assert f"datacleanse review {hostile_run.path} --first 6 shows the next ones." in said
    assert ">Review 5 flagged rows here<" in page
    whole = read_view(hostile_run, top=view.headline.rows)
    assert "of them are listed" not in render_page(whole)
    assert "of them are listed" not in render_page(whole, first=3)


def test_as_many_are_listed_as_lead_to_the_last_flagged_row(hostile_run):
    """Rows that p-values flag may stand behind others: the first so many were not all of them."""
    table = pq.read_table(hostile_run.audit_file)
    rank, flagged = table["rank"].to_numpy(), table["flagged"].to_numpy().copy()
    n, last = int(flagged.sum()), int(rank[flagged].max())
    flagged[rank == last], flagged[rank == last + 3] = False, True
    place = table.column_names.index("flagged")
    table = table.set_column(place, "flagged", pa.array(flagged))
    pq.write_table(table, hostile_run.audit_file)
    view = read_view(hostile_run, top=5)
    assert (view.headline.flagged, view.last_flagged) == (n, last + 3)
    assert f"--top {last + 3} lists all" in first_screen(render_page(view))


def test_where_too_few_rows_are_verified_for_a_flag_more_are_asked_for(fabricated, tmp_path):
    fabricated.flagged = 0
    fabricated.manifest["flags"] |= {"basis": "none", "calibration_rows": 12, "rows_needed": None}
    view = read_view(fabricated.write(tmp_path / "people"), top=12)
    step = list_steps(view, served=False)[0]

    assert view.rows_lacking == 18  # half of the 60 rows are the most that can be verified
    assert "18 more verified rows may make flags possible." in render_page(view)
    assert step.text.startswith("For flags, verify 18 more rows, then audit again")
    assert step.command.startswith("datacleanse verify 'data people.csv' -n 18 -o verified.jsonl")
