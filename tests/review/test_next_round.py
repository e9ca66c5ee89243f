"""Reviewed rows in the next round: found again, trusted, and never taken for a sample."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import datacleanse as dc
from datacleanse.auditing.layout import lay_out_fold
from datacleanse.auditing.plan import make_plan, redraw_folds
from datacleanse.data import ReadOptions, compare, read_data, read_ids, read_like, seal_rows
from datacleanse.data.columns import parse_categories, parse_moments, parse_numbers
from datacleanse.data.concatenation import concatenate_rows
from datacleanse.errors import InputError
from datacleanse.review import recognition
from datacleanse.review.decisions import Decision, append_decisions
from datacleanse.review.next_round import add_reviewed, read_reviewed
from datacleanse.review.recognition import recognise
from tests.cli.conftest import people

OTHER = {"yes": "no", "no": "yes"}


@pytest.fixture(scope="module")
def frame():
    return people(120, seed=0, wrong=0.1)


@pytest.fixture(scope="module")
def clean():
    return people(60, seed=1)


def decided(data, actions, *, run="r1", known=True):
    """Decisions about rows of a data set, as the page would make them."""
    rows = np.array(list(actions), np.int64)
    seals = seal_rows(data, rows) if known else [None] * len(rows)
    names = read_ids(data).to_pylist()
    found = []
    for row, seal in zip(rows.tolist(), seals, strict=True):
        given, action = data.given_labels[data.labels[row]], actions[row]
        new = OTHER.get(given) if action == "relabel" else None
        found.append(Decision(row, names[row], seal, given, action, new, "", "", run))
    return found


def saved(path, decisions):
    append_decisions(path, decisions)
    return path


# --- finding rows again ---------------------------------------------------------------------------


@pytest.mark.parametrize("id_", ["key", None])
@pytest.mark.parametrize("known", [True, False])
def test_unchanged_rows_are_found_at_their_place(frame, id_, known):
    data = read_data(frame, ReadOptions(id=id_))
    made = decided(data, {3: "keep", 7: "relabel", 9: "drop"}, known=known)
    assert recognise(data, made).found == tuple(zip(made, [3, 7, 9], strict=True))


@pytest.mark.parametrize("id_", ["key", None])
def test_rows_are_found_after_others_were_dropped_moved_and_relabelled(frame, id_):
    data = read_data(frame, ReadOptions(id=id_))
    made = decided(data, {3: "keep", 7: "relabel", 9: "drop", 100: "keep"})
    later = frame.drop(index=[0, 9]).iloc[::-1].reset_index(drop=True)
    later["label"] = later["label"].map(OTHER)
    now = read_data(later, ReadOptions(id=id_))
    found = recognise(now, made)
    keys = {decision.row: later["key"][row] for decision, row in found.found}
    assert keys == {3: "p0-3", 7: "p0-7", 100: "p0-100"}
    (lost,) = (*found.missing, *found.changed)
    assert lost.row == 9


def test_moved_rows_of_as_many_labels_are_each_looked_at_a_few_times(monkeypatch):
    """Each was hashed with each label: of numbers, 300 decisions on 100,000 rows took a minute."""
    n, rng, n_hashed = 300, np.random.default_rng(0), 0
    table = pd.DataFrame({"x": rng.normal(size=n), "y": rng.normal(size=n)})
    options = ReadOptions(label="y", task="regression")
    data = read_data(table, options)
    seals = seal_rows(data, np.arange(n))
    given = [data.given_labels[code] for code in data.labels]
    made = [
        Decision(row, None, seals[row], given[row], "relabel", "0.5", "", "", "r1")
        for row in range(1, n)
    ]
    later = table.iloc[1:].reset_index(drop=True)
    later.loc[:99, "y"] = 0.5  # carried out
    make_seal = recognition.make_seal

    def count(label):
        def seal(features):
            nonlocal n_hashed
            n_hashed += 1
            return make_seal(label)(features)

        return seal

    monkeypatch.setattr(recognition, "make_seal", count)
    found = recognise(read_data(later, options), made).found
    assert [(each.row, row) for each, row in found] == [(row, row - 1) for row in range(1, n)]
    assert n_hashed < 110 * n  # those that were carried out with all labels, the others with one


def test_a_row_with_another_cell_is_another_row(frame):
    data = read_data(frame, ReadOptions(id="key"))
    made = decided(data, {3: "keep", 7: "relabel"})
    later = frame.copy()
    later.loc[3, "income"] += 0.01
    found = recognise(read_data(later, ReadOptions(id="key")), made)
    assert (found.changed, [d.row for d, _ in found.found]) == ((made[0],), [7])


def test_of_rows_alike_the_one_at_its_place_is_taken_and_elsewhere_none(frame):
    twins = pd.concat([frame, frame.iloc[[5]]], ignore_index=True)
    twins = twins.drop(columns="key")
    data = read_data(twins, ReadOptions())
    made = decided(data, {5: "drop", 120: "keep"})
    assert [row for _, row in recognise(data, made).found] == [5, 120]
    later = pd.concat([twins.iloc[[0]], twins], ignore_index=True)
    found = recognise(read_data(later, ReadOptions()), [made[0]])
    assert (found.found, found.ambiguous) == ((), (made[0],))


def test_a_decision_by_hand_needs_the_id_or_the_label_to_agree(frame):
    by_number = ReadOptions(seeks_id=False)
    data = read_data(frame, by_number)
    (made,) = decided(data, {3: "keep"}, known=False)
    later = frame.copy()
    later["label"] = later["label"].map(OTHER)
    assert recognise(read_data(later, by_number), [made]).changed == (made,)
    assert recognise(read_data(frame.head(3), by_number), [made]).missing == (made,)


def test_a_decision_of_a_run_without_ids_is_about_its_number_where_rows_have_ids_now(frame):
    before = read_data(frame, ReadOptions(seeks_id=False))
    now = read_data(frame, ReadOptions())
    assert now.schema.id == "key"
    for known in (True, False):
        made = decided(before, {3: "keep", 7: "drop"}, known=known)
        assert [row for _, row in recognise(now, made).found] == [3, 7]
    # And the other way round.
    made = decided(now, {3: "keep", 7: "drop"})
    assert [row for _, row in recognise(before, made).found] == [3, 7]


# --- joining the clean set ------------------------------------------------------------------------


def joined(frame, clean, tmp_path, actions, *, id_="key"):
    """DATA, CLEAN with the reviewed rows, and what is known of them."""
    data = read_data(frame, ReadOptions(id=id_))
    trusted = read_like(clean, data.schema, role="CLEAN")
    overlap = compare(data, trusted).overlap
    path = saved(tmp_path / "d.jsonl", decided(data, actions))
    reviewed = read_reviewed(data, overlap, [path], clean=trusted)
    whole, overlap = add_reviewed(data, trusted, overlap, reviewed)
    return data, trusted, whole, overlap, reviewed


def test_kept_and_relabelled_rows_join_with_their_right_labels(frame, clean, tmp_path):
    actions = {9: "drop", 3: "keep", 7: "relabel", 11: "unsure"}
    data, trusted, whole, overlap, reviewed = joined(frame, clean, tmp_path, actions)
    assert (reviewed.rows.tolist(), reviewed.left_out.tolist(), reviewed.kept) == ([3, 7], [9], 1)
    assert whole.n_rows == whole.table.num_rows == trusted.n_rows + 2
    assert whole.labels[-2:].tolist() == [data.labels[3], 1 - data.labels[7]]
    assert whole.table["age"].to_pylist()[-2:] == frame["age"][[3, 7]].tolist()
    assert dict(zip(overlap.data_rows, overlap.clean_rows, strict=True)) == {3: 60, 7: 61}
    assert [notice.slug for notice in reviewed.notices] == ["decisions-joined"]
    assert "2 reviewed rows join the clean set (1 found right, 1 relabelled)" in (
        reviewed.notices[0].message
    )


def test_rows_that_clean_labels_otherwise_are_named_with_who_wins(frame, tmp_path):
    data = read_data(frame, ReadOptions(id="key"))
    trusted = read_like(frame.iloc[[3, 7, 9]], data.schema, role="CLEAN")
    overlap = compare(data, trusted).overlap
    made = decided(data, {3: "relabel", 7: "keep", 9: "drop", 11: "keep"})
    made[0] = dc_replace(made[0], reviewer="Ann", confirmed=True)
    path = saved(tmp_path / "d.jsonl", made)
    reviewed = read_reviewed(data, overlap, [path], clean=trusted)
    assert reviewed.rows.tolist() == [11]
    (told,) = [each for each in reviewed.notices if each.slug == "decisions-contradict-clean"]
    assert told.is_warning
    given = data.given_labels[data.labels[3]]
    assert told.message.startswith("1 row has another label by decision than in CLEAN (row 3 (")
    assert (
        f"{OTHER[given]!r} by Ann, confirmed when asked, {given!r} in row 0 of CLEAN"
        in told.message
    )
    assert "CLEAN's counts in this audit." in told.message


def test_reviewed_rows_steer_in_every_fold_and_calibrate_in_none(frame, clean, tmp_path):
    """They are suspects, no sample of the data: as calibration rows they break the promise."""
    actions = dict.fromkeys(range(20), "keep") | {20: "drop"}
    data, _, whole, overlap, reviewed = joined(frame, clean, tmp_path, actions)
    plan = make_plan(data, whole, overlap, seed=0, reviewed=reviewed)
    assert len(plan.folds) == 2
    for fold in plan.folds:
        assert set(range(60, 80)) <= set(fold.steering.tolist())
        assert not set(range(60, 80)) & {*fold.calibration.tolist(), *fold.drawn_steering.tolist()}
    assert not plan.is_trained[:21].any()
    assert plan.is_trained[21:120].all()
    assert plan.verified[:20].tolist() == data.labels[:20].tolist()
    assert (plan.verified[20:] == -1).all()
    assert plan.is_learned[120 + 60 :].all()
    again = redraw_folds(plan, seed=1).split
    assert set(range(60, 80)) <= set(again.steering.tolist())
    assert again.calibration.tolist() != plan.split.calibration.tolist()
    held = make_plan(data, whole, overlap, seed=0, reviewed=reviewed, hold_back=0.5)
    assert len(held.held_back) == 30
    assert held.held_back.max() < 60
    alone = make_plan(data, read_like(clean, data.schema, role="CLEAN"), overlap_of_none(), seed=0)
    assert plan.split.calibration.tolist() == alone.split.calibration.tolist()


def overlap_of_none():
    from datacleanse.records import Overlap

    return Overlap(np.empty(0, np.int64), np.empty(0, np.int64), "values")


def test_examples_are_steered_by_reviewed_rows_too(frame, clean, tmp_path):
    import torch

    from datacleanse.auditing.layout import encode_examples
    from datacleanse.auditing.prepared import learn_encoding

    data, _, whole, overlap, reviewed = joined(frame, clean, tmp_path, {3: "keep", 7: "relabel"})
    plan = make_plan(data, whole, overlap, seed=0, reviewed=reviewed)
    encoding = learn_encoding(data, plan)
    examples = encode_examples(data, whole, plan, encoding, device=torch.device("cpu"))
    for fold in plan.folds:
        assert {180, 181} <= set(lay_out_fold(examples, plan, fold).steering_rows.tolist())
    assert {180, 181} <= set(examples.training_rows.tolist())
    assert {180, 181} <= set(examples.steering_rows.tolist())
    inputs = examples.inputs[torch.tensor([3, 180])]
    assert torch.equal(inputs[0], inputs[1])


def test_rows_that_clean_holds_already_are_left_to_clean(frame, clean, tmp_path):
    held = frame.iloc[[3, 9]].assign(label=["yes", "yes"])
    both = pd.concat([clean, held], ignore_index=True)
    _, trusted, whole, _, reviewed = joined(
        frame, both, tmp_path, {3: "relabel", 9: "drop", 7: "keep"}
    )
    assert (reviewed.rows.tolist(), reviewed.left_out.tolist()) == ([7], [])
    assert whole.n_rows == trusted.n_rows + 1


def test_of_several_files_the_last_decision_about_a_row_counts(frame, tmp_path):
    data = read_data(frame, ReadOptions(id="key"))
    first = saved(tmp_path / "1.jsonl", decided(data, {3: "drop", 7: "keep", 8: "keep"}))
    second = saved(tmp_path / "2.jsonl", decided(data, {3: "keep", 7: "drop"}, run="r2"))
    reviewed = read_reviewed(data, overlap_of_none(), [first, second], clean=data)
    assert (reviewed.rows.tolist(), reviewed.left_out.tolist()) == ([3, 8], [7])


def test_decisions_that_cannot_be_used_are_named(frame, tmp_path):
    data = read_data(frame, ReadOptions(id="key"))
    made = decided(data, {3: "keep", 5: "relabel", 7: "drop", 8: "keep"})
    odd = [dc_replace(made[1], new_label="maybe")]
    path = saved(tmp_path / "d.jsonl", [*made, *odd])
    later = frame.drop(index=[7]).reset_index(drop=True)
    later.loc[3, "age"] += 1
    changed = read_data(later, ReadOptions(id="key"))
    reviewed = read_reviewed(changed, overlap_of_none(), [path], clean=changed)
    assert reviewed.rows.tolist() == [7]
    messages = {notice.slug: notice.message for notice in reviewed.notices}
    assert "1 decision is not used" in messages["decisions-unfound"]
    assert "(row 3 ('p0-3') when reviewed)" in messages["decisions-unfound"]
    assert "has no class 'maybe'" in messages["decisions-left-out"]


def dc_replace(decision, **changes):
    return Decision(**{**asdict(decision), **changes})


def test_decisions_about_another_table_are_refused(frame, clean, tmp_path):
    data = read_data(frame, ReadOptions(id="key"))
    path = saved(tmp_path / "d.jsonl", decided(data, {3: "keep", 5: "relabel"}))
    other = read_data(clean.assign(key=frame["key"][:60]), ReadOptions(id="key"))
    with pytest.raises(InputError, match="None of the 2 decisions") as caught:
        read_reviewed(other, overlap_of_none(), [path], clean=other)
    assert caught.value.slug == "decisions-other-data"


def test_the_fingerprint_tells_what_was_decided(frame, tmp_path):
    data = read_data(frame, ReadOptions(id="key"))
    marks = set()
    for name, actions in {
        "a": {3: "keep", 5: "keep"},
        "b": {3: "keep", 5: "relabel"},
        "c": {3: "keep", 5: "drop"},
        "d": {3: "keep"},
    }.items():
        path = saved(tmp_path / name, decided(data, actions))
        marks.add(read_reviewed(data, overlap_of_none(), [path], clean=data).sha256)
    assert len(marks) == 4


# --- columns of two files -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1, 2], [1.5, None]),
        ([1, 2], ["3", "x"]),
        (["a", None], ["b", "a"]),
        ([True, None], ["True", "false"]),
        ([None, None], [1, 2]),
        ([[1.0]], [[2, 3]]),
    ],
)
def test_columns_join_whatever_types_they_were_read_as(first, second):
    tables = [pa.table({"c": pa.array(cells)}) for cells in (first, second)]
    for packed in (False, True):
        if packed and not pa.types.is_nested(tables[0]["c"].type):
            encoded = tables[0]["c"].dictionary_encode()
            tables[0] = pa.table({"c": encoded})
        cells = concatenate_rows(*tables)["c"]
        assert len(cells) == len(first) + len(second)
        assert cells.null_count == [*first, *second].count(None)
        if not pa.types.is_nested(cells.type):
            codes, names = parse_categories(cells)
            spelled = [names[code] if code >= 0 else None for code in codes]
            expected, known = [], {True: "true", False: "false", "True": "true"}
            for value in [*first, *second]:
                plain = known.get(value, value) if isinstance(value, bool | str) else value
                expected.append(None if plain is None else str(plain))
            assert spelled == expected


def test_moments_and_numbers_survive_the_joining():
    moments = pa.table({"c": pa.array(np.arange(2), pa.timestamp("s"))})
    texts = pa.table({"c": ["1970-01-01 00:00:02", "oops"]})
    parsed = parse_moments(concatenate_rows(moments, texts)["c"])
    assert parsed.failed.tolist() == [False, False, False, True]
    assert np.diff(parsed.values[:3]).tolist() == [10**9, 10**9] or (
        len(set(np.diff(parsed.values[:3]).tolist())) == 1
    )
    numbers = concatenate_rows(pa.table({"c": [1.5, None]}), pa.table({"c": ["2.5", "x"]}))["c"]
    np.testing.assert_array_equal(parse_numbers(numbers).read_floats(), [1.5, np.nan, 2.5, np.nan])


# --- a whole second round -------------------------------------------------------------------------


def test_a_second_round_trusts_what_was_reviewed(tmp_path):
    """From frames to frames: audit, decide, clean, audit again with the decisions."""
    frame, clean = people(150, seed=0, wrong=0.1), people(60, seed=1)
    first = dc.audit(frame, val=clean, id="key", epochs=2, out=tmp_path / "first")
    table = first.table.set_index("row")
    top = table.sort_values("rank").index[:30]
    data = read_data(frame, ReadOptions(id="key"))
    truth = people(150, seed=0)["label"]  # drawn alike, without the wrong ones
    actions = {row: "keep" if table["given_label"][row] == truth[row] else "relabel" for row in top}
    actions[top[5]] = "drop"
    made = decided(data, actions, run=first.manifest["run_id"])
    assert [each.row_sha256 for each in made] == [table["row_sha256"][each.row] for each in made]
    saved(tmp_path / "first" / "decisions.jsonl", made)
    cleaned = frame.copy()
    for each in made:
        if each.action == "relabel":
            cleaned.loc[each.row, "label"] = each.new_label
    cleaned = cleaned.drop(index=[top[5]]).reset_index(drop=True)

    places = {"decisions": tmp_path / "first", "out": tmp_path / "second"}
    second = dc.audit(cleaned, val=clean, id="key", epochs=2, **places)

    found = second.table.set_index("id")
    reviewed = [each.id for each in made if each.action != "drop"]
    assert found.loc[reviewed, "verified_label"].notna().all()
    assert not found.loc[reviewed, "flagged"].any()
    assert not found.loc[reviewed, "in_training"].any()
    assert found["rank"].loc[reviewed].min() == len(cleaned) - 29 + 1
    manifest = second.manifest
    kept = sum(each.action == "keep" for each in made)
    counts = {"rows": 29, "kept": kept, "relabelled": 29 - kept, "left_out": 0}
    assert {key: manifest["reviewed"][key] for key in counts} == counts
    assert manifest["clean"]["rows"] == 89
    assert manifest["clean"]["steering_rows"] + manifest["clean"]["calibration_rows"] == 89
    assert manifest["clean"]["calibration_rows"] == 30
