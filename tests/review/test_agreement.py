"""Several reviewers: who differs, what settles it, and how far they agree."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from datacleanse.errors import InputError
from datacleanse.review.agreement import find_differing, list_opinions, measure_agreement
from datacleanse.review.decisions import (
    append_decisions,
    parse_decision,
    read_decisions,
    revoke,
)
from datacleanse.review.joined_decisions import list_files, read_joined
from tests.review.test_decisions import KEEP

RELABEL = replace(KEEP, action="relabel", new_label="no", reviewer="Bob")
RUN = {"run_id": "r1", "n_rows": 100, "classes": ("yes", "no")}


def made(reviewer, verdicts):
    """Decisions of a reviewer by row: y keeps the label, n changes it, d drops the row."""
    actions = {"y": ("keep", None), "n": ("relabel", "no"), "d": ("drop", None)}
    return [
        replace(KEEP, row=row, reviewer=reviewer, action=action, new_label=label)
        for row, sign in enumerate(verdicts)
        for action, label in [actions.get(sign, (None, None))]
        if action
    ]


def test_both_lines_stay_and_the_last_one_counts_with_a_warning(tmp_path):
    file = tmp_path / "decisions.jsonl"
    append_decisions(file, [KEEP, RELABEL])
    read = read_decisions(file)
    (notice,) = read.notices

    assert read.standing == (KEEP, RELABEL)
    assert read.last == {3: RELABEL}
    assert (notice.slug, notice.is_warning) == ("decisions-differ", True)
    assert "1 row differently (row 3: Ada says keep, Bob says 'no')" in notice.message
    assert "The last decision counts" in notice.message


def test_keeping_a_label_and_changing_it_to_that_label_are_the_same():
    same = replace(RELABEL, new_label="yes")
    assert find_differing([KEEP, same]) == {}
    assert measure_agreement([KEEP, same]).same == 1


def test_a_change_of_mind_is_no_difference_between_reviewers():
    changed = replace(RELABEL, reviewer="Ada")
    assert find_differing([KEEP, changed]) == {}
    assert list_opinions([KEEP, changed]) == {3: [changed]}
    assert find_differing([KEEP, RELABEL, replace(KEEP, reviewer="Bob")]) == {}


def test_what_settles_closes_the_row_until_somebody_says_something_else(tmp_path):
    settled = replace(KEEP, reviewer="Cyd", settles=True)
    later = replace(RELABEL, reviewer="Dan")
    file = tmp_path / "decisions.jsonl"
    append_decisions(file, [KEEP, RELABEL, settled])

    assert read_decisions(file).notices == ()
    assert read_decisions(file).last == {3: settled}
    assert find_differing([KEEP, RELABEL, settled, later]) == {3: [settled, later]}


def test_settling_can_be_undone_and_the_row_is_open_again():
    settled = replace(KEEP, reviewer="Cyd", settles=True, comment="see the form", group="g")
    (line,) = revoke([KEEP, RELABEL, settled], group="g", row=None, reviewer="Cyd")
    assert (line.action, line.comment, line.settles) == ("revoked", "", False)


def test_agreement_is_that_of_the_textbook():
    # 20 of 50 yes by both, 15 no by both, 5 and 10 apart: kappa is 0.4.
    ada = made("Ada", "y" * 20 + "n" * 15 + "y" * 5 + "n" * 10)
    bob = made("Bob", "y" * 20 + "n" * 15 + "n" * 5 + "y" * 10)
    found = measure_agreement([*ada, *bob])
    (pair,) = found.pairs

    assert (found.rows, found.same) == (50, 35)
    assert (pair.first, pair.second, pair.rows, pair.same) == ("Ada", "Bob", 50, 35)
    assert pair.kappa == pytest.approx(0.4)


def test_more_than_two_are_compared_pair_by_pair_on_what_both_decided():
    lines = [*made("Ada", "yyn"), *made("Bob", "yy"), *made("Cyd", "--d"), *made("", "y")]
    found = measure_agreement(lines)

    assert found.reviewers == {"": 1, "Ada": 3, "Bob": 2, "Cyd": 1}
    assert (found.rows, found.same) == (3, 2)
    assert [(each.first, each.second, each.rows, each.kappa) for each in found.pairs] == [
        ("Ada", "Bob", 2, None),
        ("", "Ada", 1, None),
        ("", "Bob", 1, None),
        ("Ada", "Cyd", 1, 0.0),
    ]


def test_what_settles_is_no_independent_opinion():
    settled = replace(KEEP, reviewer="Ada", settles=True)
    found = measure_agreement([KEEP, RELABEL, settled])
    assert (found.rows, found.same) == (1, 0)


@pytest.mark.parametrize(
    "comment", ["<b>bold</b> \x00 \u202e", 'two\nlines "quoted" \\ back', "ß" * 10_000, ""]
)
def test_a_comment_is_kept_as_it_was_written(comment, tmp_path):
    file = tmp_path / "decisions.jsonl"
    append_decisions(file, [replace(KEEP, comment=comment)])
    line = json.loads(file.read_text(encoding="utf-8"))

    assert ("comment" in line) == bool(comment)
    assert read_decisions(file).last[3].comment == comment


@pytest.mark.parametrize("line", [{"comment": 3}, {"comment": ["a"]}, {"comment": "\ud800"}])
def test_a_comment_that_is_no_text_is_refused(line):
    with pytest.raises(InputError, match="comment"):
        parse_decision({"row": 3, "given_label": "yes", "action": "keep", **line})


def test_lines_of_before_and_by_hand_settle_nothing():
    read = parse_decision({"row": 3, "given_label": "yes", "action": "keep", "settles": "yes"})
    assert (read.settles, read.comment) == (False, "")
    assert "settles" not in read.to_json()


# --- several files ---


def test_several_files_are_read_as_one_and_the_last_named_counts(tmp_path):
    ada, bob = tmp_path / "ada.jsonl", tmp_path / "bob.jsonl"
    append_decisions(ada, [KEEP, replace(KEEP, row=4)])
    append_decisions(bob, [RELABEL])
    read, turned = read_joined([ada, bob], **RUN), read_joined([bob, ada], **RUN)

    assert read.last[3] == RELABEL
    assert read.last[4].reviewer == "Ada"
    assert turned.last[3] == KEEP
    (notice,) = read.notices
    assert f"{ada}, {bob}: reviewers decided 1 row differently" in notice.message


def test_what_settles_counts_in_whichever_file_it_stands(tmp_path):
    ada, bob = tmp_path / "ada.jsonl", tmp_path / "bob.jsonl"
    settled = replace(RELABEL, settles=True)
    append_decisions(ada, [KEEP, RELABEL, settled])
    append_decisions(bob, [KEEP])
    read = read_joined([ada, bob], **RUN)

    assert read.last == {3: settled}
    assert read.notices == ()


def test_places_are_files_runs_or_several_of_them(tmp_path):
    own = tmp_path / "run" / "decisions.jsonl"
    own.parent.mkdir()
    assert list_files(None) == ()
    assert list_files(str(own.parent)) == (own,)
    assert list_files([own.parent, tmp_path / "b.jsonl"]) == (own, tmp_path / "b.jsonl")
