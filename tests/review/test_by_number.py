"""A decision written by hand with the number of its row alone is about that row, whatever the ids.

The ids of these tables are numbers too, but others than the rows': looked up by the wrong one, each
decision would hit another row, of the same label.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datacleanse as dc
from datacleanse.data import ReadOptions, read_data, seal_rows
from datacleanse.errors import InputError
from datacleanse.records import Overlap
from datacleanse.review.decisions import Decision, parse_decision
from datacleanse.review.next_round import read_reviewed
from datacleanse.review.recognition import recognise
from tests.cli.conftest import people
from tests.tries import tries

OTHER = {"yes": "no", "no": "yes"}
IDS = {
    "shifted": lambda n: np.arange(1, n + 1),
    "reversed": lambda n: np.arange(n)[::-1],
    "words": lambda n: [f"k{i}" for i in range(n)],
    "none": None,
}


def by_hand(row, label, action, **more):
    """A line as the docs say that it is enough."""
    new = {"new_label": OTHER[label]} if action == "relabel" else {}
    return {"row": int(row), "given_label": label, "action": action, **new, **more}


def write_by_hand(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=IDS)
def audited(request, tmp_path_factory):
    """A table with ids of a kind, its run, and the option that names the ids."""
    folder = tmp_path_factory.mktemp("audited")
    frame, clean = people(150, seed=0, wrong=0.1), people(60, seed=1)
    make = IDS[request.param]
    if make is None:
        frame, clean = frame.drop(columns="key"), clean.drop(columns="key")
    else:
        frame["key"], clean["key"] = make(150), np.array(make(210))[150:]
    frame.to_csv(folder / "data.csv", index=False)
    id_ = None if make is None else "key"
    dc.audit(folder / "data.csv", val=clean, id=id_, epochs=2, fast=True).save(folder / "run")
    return folder, id_


def decided(audited, *lines):
    folder, _ = audited
    write_by_hand(folder / "run" / "decisions.jsonl", *lines)
    return folder


def read(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_a_decision_follows_its_row_past_one_that_only_lacks_a_word():
    """The word ``NA`` in typed text is a value: the row without it is another one."""
    land = ["EU", "NA", None, "AS"] * 3
    frame = pd.DataFrame({"land": land, "x": [0, 1, 1, 2] * 3, "label": ["a", "b", "b", "a"] * 3})
    frame["x"] += np.arange(12) // 4 * 10
    data = read_data(frame, ReadOptions())
    (seal,) = seal_rows(data, np.array([1]))
    decision = Decision(1, "1", seal, "b", "relabel", "a", "", "", "")
    moved = frame.iloc[[0, 2, 1, *range(3, 12)]].reset_index(drop=True)
    assert recognise(read_data(moved, ReadOptions()), [decision]).found == ((decision, 2),)
    gone = frame.drop(index=1).reset_index(drop=True)
    assert recognise(read_data(gone, ReadOptions()), [decision]).changed == (decision,)


def test_the_row_of_that_number_is_changed_and_no_other(audited, tmp_path):
    before = read(audited[0] / "data.csv")
    label = before["label"]
    folder = decided(
        audited,
        by_hand(30, label[30], "relabel"),
        by_hand(40, label[40], "drop"),
        by_hand(41, label[41], "keep"),
    )
    found = dc.apply(folder / "run", out=tmp_path / "c.csv")
    assert (found.relabelled, found.dropped, found.kept, found.refused) == (1, 1, 1, ())
    before.loc[30, "label"] = OTHER[label[30]]
    pd.testing.assert_frame_equal(read(tmp_path / "c.csv"), before.drop(40).reset_index(drop=True))


def test_the_row_is_that_of_the_audit_where_rows_have_moved_since(audited, tmp_path):
    before = read(audited[0] / "data.csv")
    folder = decided(
        audited,
        by_hand(30, before["label"][30], "relabel"),
        by_hand(40, before["label"][40], "drop"),
    )
    moved = before.drop(index=[3, 40]).iloc[::-1]
    moved.to_csv(tmp_path / "moved.csv", index=False)
    found = dc.apply(folder / "run", data=tmp_path / "moved.csv", out=tmp_path / "c.csv")
    assert found.relabelled == 1
    # Row 40 is gone. Without ids another row stands at its number now: it is not touched.
    assert (found.done, [each.decision.row for each in found.refused]) == (
        (1, []) if audited[1] else (0, [40])
    )
    moved.loc[30, "label"] = OTHER[before["label"][30]]
    pd.testing.assert_frame_equal(read(tmp_path / "c.csv"), moved.reset_index(drop=True))


def test_a_changed_row_is_refused_by_name(audited, tmp_path):
    before = read(audited[0] / "data.csv")
    folder = decided(audited, by_hand(30, before["label"][30], "drop"))
    before.loc[30, "age"] = "1.0"
    before.to_csv(tmp_path / "now.csv", index=False)
    found = dc.apply(folder / "run", data=tmp_path / "now.csv", out=tmp_path / "c.csv")
    assert [(each.decision.row, each.reason) for each in found.refused] == [(30, "changed")]


def test_what_the_audit_contradicts_is_not_carried_out_and_told(audited, tmp_path, capsys):
    label = read(audited[0] / "data.csv")["label"]
    folder = decided(
        audited,
        by_hand(30, OTHER[label[30]], "drop"),
        by_hand(40, label[40], "drop", id="of another row"),
    )
    found = dc.apply(folder / "run", out=tmp_path / "c.csv")
    assert [(each.decision.row, each.reason) for each in found.refused] == [
        (30, "other-label"),
        (40, "other-id"),
    ]
    assert (tmp_path / "c.csv").read_bytes() == (folder / "data.csv").read_bytes()
    # Which rows were meant nobody knows: both are told as refused, and decided is none.
    assert found.undecided == 150
    from datacleanse_cli.cleaning_summary import print_cleaning
    from datacleanse_cli.console import Terminal

    print_cleaning(found, Terminal(), run=folder / "run")
    said = " ".join(capsys.readouterr().out.split())
    assert f"its label was {label[30]!r} when it was audited, not {OTHER[label[30]]!r}" in said
    assert "not the one that the decision names; drop was not carried out" in said


def test_the_next_round_takes_the_row_of_the_earlier_audit(audited):
    """Even where rows were dropped before it, and one of the same label stands at its number."""
    before = read(audited[0] / "data.csv")
    folder = decided(
        audited,
        by_hand(30, before["label"][30], "keep"),
        by_hand(40, OTHER[before["label"][40]], "keep"),
    )
    later = before.drop(index=[3, 7]).reset_index(drop=True)
    data = read_data(later, ReadOptions(id=audited[1]))
    reviewed = read_reviewed(data, no_overlap(), [folder / "run" / "decisions.jsonl"], clean=data)
    assert reviewed.rows.tolist() == [28]
    (said,) = [each for each in reviewed.notices if each.slug == "decisions-left-out"]
    assert f"row 40 is not used: it names the label {OTHER[before['label'][40]]!r}" in said.message


def test_a_file_away_from_its_run_is_taken_by_number_and_that_is_said(audited, tmp_path):
    before = read(audited[0] / "data.csv")
    data = read_data(before, ReadOptions(id=audited[1]))
    file = write_by_hand(tmp_path / "mine.jsonl", by_hand(30, before["label"][30], "keep"))
    reviewed = read_reviewed(data, no_overlap(), [file], clean=data)
    assert reviewed.rows.tolist() == [30]
    assert "names its row by number alone" in reviewed.notices[0].message
    write_by_hand(file, by_hand(30, OTHER[before["label"][30]], "drop"))
    with pytest.raises(InputError, match="None of the 1 decisions"):
        read_reviewed(data, no_overlap(), [file], clean=data)


def no_overlap():
    nothing = np.empty(0, np.int64)
    return Overlap(nothing, nothing, "content")


@settings(max_examples=tries(60), deadline=None)
@given(st.permutations(range(12)), st.data())
def test_a_number_never_means_an_id(ids, draw):
    """For any ids, also such as are the numbers of other rows."""
    frame = pd.DataFrame({"key": ids, "x": range(12), "label": ["a", "b", "c", "a", "b", "c"] * 2})
    data = read_data(frame, ReadOptions(id="key"))
    row = draw.draw(st.integers(0, 11))
    line = {"row": row, "given_label": frame["label"][row], "action": "drop"}
    made = parse_decision(line)
    assert isinstance(made, Decision)
    assert made.id is None
    assert recognise(data, [made]).found == ((made, row),)
