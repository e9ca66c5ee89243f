"""Decisions that contradict the clean set: asked about, and written only if they are meant."""

from __future__ import annotations

import json

import pytest

from datacleanse.review.decisions import read_decisions
from tests.browser import until
from tests.cli.test_review import ask, command, folder, server
from tests.cli.test_review_undo import undo
from tests.reports.conftest import Fabricated, write_json

__all__ = ["folder", "server"]  # fixtures

AGAINST = (3, 23, 43)
"""Rows that are verified, as no, and given as another class."""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    run = Fabricated()
    run.cells = ("p",)
    return run.write(tmp_path_factory.mktemp("runs") / "people")


def decide(server, row, action="keep", **more):
    return ask(
        server, "POST", "/decisions", body=json.dumps({"row": row, "action": action, **more})
    )


def lines(folder):
    if not folder.decisions_file.exists():
        return []
    return [json.loads(line) for line in folder.decisions_file.read_text().splitlines()]


def test_a_label_other_than_the_verified_one_is_asked_about(server, folder):
    status, text = decide(server, 3)
    assert status == 428
    assert text.startswith("Row 3 ('p3'): verified as no (the clean set), and you decide ")
    assert "`apply` goes by your decision, the next audit by the clean set" in text
    assert not lines(folder)

    status, text = decide(server, 3, confirmed=True, reviewer="Eve")
    assert status == 200
    assert json.loads(text) == {**lines(folder)[0], "others": []}
    assert (lines(folder)[0]["confirmed"], lines(folder)[0]["reviewer"]) == (True, "Eve")
    made = read_decisions(folder.decisions_file).last[3]
    assert (made.confirmed, made.reviewer) == (True, "Eve")
    # Undone it is as if it had never been said.
    undo(server, group=lines(folder)[0]["group"])
    assert "confirmed" not in lines(folder)[1]


@pytest.mark.parametrize(
    ("row", "action", "label"),
    [(3, "relabel", "no"), (3, "drop", None), (3, "unsure", None), (4, "keep", None)],
)
def test_what_contradicts_nothing_is_taken_without_a_word(server, folder, row, action, label):
    # Nobody was asked, so that nobody can have confirmed it.
    status, _ = decide(server, row, action, new_label=label, confirmed=True)
    assert status == 200
    assert "confirmed" not in lines(folder)[0]


def test_of_many_rows_those_that_contradict_are_named_and_all_or_nothing_is_written(server, folder):
    body = {"rows": [1, *AGAINST], "decided": [], "action": "keep"}
    status, text = ask(server, "POST", "/bulk", body=json.dumps(body))
    assert status == 428
    assert all(f"Row {row} ('p{row}'): verified as no" in text for row in AGAINST)
    assert not lines(folder)
    status, _ = ask(server, "POST", "/bulk", body=json.dumps(body | {"confirmed": True}))
    assert status == 200
    assert {each["row"]: each.get("confirmed", False) for each in lines(folder)} == {
        1: False,
        **dict.fromkeys(AGAINST, True),
    }


@pytest.mark.parametrize("confirmed", ["yes", 1, None, [True]])
def test_a_confirmation_of_another_type_is_none(server, folder, confirmed):
    assert decide(server, 3, confirmed=confirmed)[0] == 428
    assert not lines(folder)


def test_a_question_about_many_rows_names_a_few(tmp_path):
    from datacleanse_reports.served import ServedReview

    run = Fabricated()
    run.n_rows = 400
    review = ServedReview(run.write(tmp_path / "many"), first=1, reviewer="")
    body = {"rows": list(range(3, 400, 20)), "decided": [], "action": "keep"}
    with pytest.raises(Exception, match="And 15 more rows"):
        review.take_in("/bulk", body)


def verdict(row, label, *, reviewer="Ann", data="d" * 64):
    return json.dumps(
        {
            **{"verified": 1, "row": row, "id": None, "row_sha256": None, "given_label": "yes"},
            **{"action": "relabel", "label": label, "new_class": False, "blind": False},
            **{"reviewer": reviewer, "at": "", "probability": 0.5, "n": 9, "seed": 0},
            **{"by_class": False, "data_rows": 60, "data_sha256": data},
        }
    )


def test_what_is_verified_while_the_run_is_reviewed_counts(tmp_path):
    from datacleanse_reports.answers import QuestionError
    from datacleanse_reports.served import ServedReview

    verdicts = tmp_path / "verified.jsonl"
    verdicts.write_text(verdict(50, "yes") + "\n")
    run = Fabricated()
    run.knows_rows = False
    run.manifest["clean"]["source"] = str(verdicts)
    folder = run.write(tmp_path / "run")
    review = ServedReview(folder, first=1, reviewer="Ada")
    keep = {"row": 5, "action": "relabel", "new_label": "no"}
    assert review.take_in("/decisions", keep)
    with verdicts.open("a") as file:
        file.write(verdict(5, "yes") + "\n")
    with pytest.raises(QuestionError, match=r"verified as yes \(verified.jsonl, by Ann\)"):
        review.take_in("/decisions", keep)
    # About other data, or damaged, it says nothing here; the next audit tells what is wrong.
    for text in (verdict(5, "yes", data="e" * 64) + "\n", "{}\n" + verdict(5, "yes") + "\n"):
        verdicts.write_text(text)
        assert review.take_in("/decisions", keep)
    verdicts.unlink()
    assert review.take_in("/decisions", keep)


def test_a_source_that_is_no_file_is_passed_over(tmp_path):
    from datacleanse_reports.served import ServedReview

    run = Fabricated()
    for source in ("<DataFrame>", "s3://nowhere/clean.csv", str(tmp_path), "nul\0"):
        run.manifest["clean"]["source"] = source
        folder = run.write(tmp_path / "run")
        write_json(folder.manifest_file, run.manifest)
        assert ServedReview(folder, first=1, reviewer="Ada").n_suspects == 60
        (tmp_path / "run").rename(tmp_path / f"done{abs(hash(source))}")


def test_the_page_says_it_asks_and_writes_what_is_meant(folder, window):
    with command(folder) as (_, address):
        page = window.tab(f"{address}#row=3&view=review")
        card = page.locator("#review-row")
        assert "This row was verified as no: the clean set." in card.text_content()
        page.keyboard.press("q")
        page.locator("#ask[open]").wait_for()
        assert "verified as no (the clean set)" in page.locator("#ask-text").text_content()
        page.keyboard.press("Enter")  # the answer is no unless somebody says yes
        until(page, "!document.getElementById('ask').open")
        until(page, "document.getElementById('review-pace').textContent.startsWith('0 of')")
        assert not lines(folder)
        page.keyboard.press("k")
        page.keyboard.press("q")
        page.locator("#ask[open]").wait_for()
        page.locator('#ask [data-do="yes"]').click()
        until(page, "document.getElementById('review-saved').textContent.startsWith('saved')")
        page.wait_for_timeout(200)
        assert [(each["row"], each["confirmed"]) for each in lines(folder)] == [(3, True)]
