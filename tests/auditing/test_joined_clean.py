"""Verified files as CLEAN: rows of DATA for certain, joined with others, contradictions told."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import datacleanse as dc
from datacleanse.auditing.from_python import list_sources
from datacleanse.auditing.plan import make_plan
from datacleanse.auditing.prepared import plan_rows
from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.data import ReadOptions
from datacleanse.errors import InputError
from datacleanse.progress import SILENT
from datacleanse.settings import Settings
from tests.cli.conftest import people
from tests.pictures.made import CLASSES, class_folders
from tests.review.verifying import N, draw, verify, write_data

ID = ReadOptions(id="key")


@pytest.fixture
def data(tmp_path):
    write_data(tmp_path / "data.csv")
    return tmp_path / "data.csv"


@pytest.fixture
def truth(data):
    return write_data(data)


def read(data, *sources, options=None):
    clean, *more = map(str, sources)
    request = Request(str(data), (clean, *more), options=options or ReadOptions())
    return read_inputs(request, SILENT)


def notices(inputs):
    found = [*inputs.clean.notices, *inputs.comparison.notices]
    return {notice.slug: notice.message for notice in found}


def pairs(inputs):
    """Verified label by row of DATA; every match is one to one."""
    overlap, labels = inputs.comparison.overlap, inputs.clean.labels
    names = inputs.data.given_labels
    sure = overlap.clean_rows >= 0
    assert sorted(overlap.clean_rows[sure].tolist()) == sorted(set(overlap.clean_rows[sure]))
    return {
        row: names[labels[place]]
        for row, place in zip(overlap.data_rows[sure], overlap.clean_rows[sure], strict=True)
    }


@pytest.mark.parametrize("options", [{}, {"id": "key"}])
def test_verified_rows_are_rows_of_data_with_their_true_labels(options, data, truth, tmp_path):
    drawing = draw(data, 60, **options)
    file = verify(tmp_path / "v.jsonl", drawing, truth)
    inputs = read(data, file, options=ReadOptions(**options))
    rows = sorted(each.row for each in drawing.rows)

    assert pairs(inputs) == {row: truth[row] for row in rows}
    assert inputs.comparison.overlap.matched_by == "verdicts"
    assert inputs.clean.n_rows == 60
    assert inputs.verified.sources == (str(file),)
    assert inputs.verified.probability.tolist() == [60 / N] * 60
    assert len(inputs.verified.disputed) == 0


def test_rows_are_found_wherever_they_are_now(data, truth, tmp_path):
    drawing = draw(data, 60)
    file = verify(tmp_path / "v.jsonl", drawing, truth)
    shuffled = pd.read_csv(data).sample(frac=1, random_state=3)
    shuffled.to_csv(data, index=False)
    found = {shuffled.index[row]: label for row, label in pairs(read(data, file)).items()}

    assert found == {each.row: truth[each.row] for each in drawing.rows}


def test_rows_whose_cells_changed_are_named_and_not_used(data, truth, tmp_path):
    drawing = draw(data, 60)
    file = verify(tmp_path / "v.jsonl", drawing, truth)
    row = drawing.rows[4].row
    frame = pd.read_csv(data)
    frame.loc[row, "age"] += 1
    frame.to_csv(data, index=False)
    inputs = read(data, file)

    assert row not in pairs(inputs)
    assert inputs.clean.n_rows == 59
    assert (
        f"1 verdict is not used, since its row is not found in {data}"
        in notices(inputs)["verified-unfound"]
    )
    assert f"(row {row} ('p0-{row}') when verified)" in notices(inputs)["verified-unfound"]


def test_a_given_label_of_now_counts_and_is_told(data, truth, tmp_path):
    drawing = draw(data, 60)
    file = verify(tmp_path / "v.jsonl", drawing, truth)
    drawn = next(each for each in drawing.rows if each.given_label == truth[each.row])
    row, given = drawn.row, drawn.given_label
    other = "yes" if given == "no" else "no"
    frame = pd.read_csv(data)
    frame.loc[row, "label"] = other
    frame.to_csv(data, index=False)
    inputs = read(data, file)
    overlap = inputs.comparison.overlap
    place = overlap.clean_rows[overlap.data_rows == row][0]

    assert pairs(inputs)[row] == truth[row]
    assert inputs.data.given_labels[inputs.verified.given[place]] == given
    assert notices(inputs)["verified-relabelled"] == (
        f"{file}: 1 row has another label in {data} now than when verified (row {row}; row {row} "
        f"was {given!r} and is {other!r}). The label of now is taken for the given one; what was "
        "verified holds."
    )


def test_labels_corrected_as_verified_calibrate_by_what_they_were(data, truth, tmp_path):
    drawing = draw(data, 60)
    file = verify(tmp_path / "v.jsonl", drawing, truth)
    wrong = sorted(each.row for each in drawing.rows if each.given_label != truth[each.row])
    before = read(data, file)
    assert len(before.earlier.rows) == 0
    frame = pd.read_csv(data)
    frame.loc[wrong, "label"] = [truth[row] for row in wrong]
    frame.to_csv(data, index=False)
    inputs = read(data, file)

    assert wrong
    assert inputs.earlier.rows.tolist() == wrong
    labels = before.data.labels[wrong]
    assert inputs.earlier.labels.tolist() == labels.tolist()
    plan = make_plan(
        inputs.data, inputs.clean, inputs.comparison.overlap, seed=0, earlier=inputs.earlier
    )
    assert plan.labels[wrong].tolist() == labels.tolist()
    assert "calibrate" in notices(inputs)["verified-before"]


def test_people_who_agree_count_once_and_contradictions_are_told(data, truth, tmp_path):
    first, second = draw(data, 60), draw(data, 60, seed=1)
    both = sorted({r.row for r in first.rows} & {r.row for r in second.rows})
    wrong = both[0]
    mine = verify(tmp_path / "ada.jsonl", first, truth)
    theirs = list(truth)
    theirs[wrong] = "yes" if truth[wrong] == "no" else "no"
    yours = verify(tmp_path / "bob.jsonl", second, theirs, reviewer="Bob", unsure={both[1]})
    inputs = read(data, mine, yours)
    rows = {r.row for r in first.rows} | {r.row for r in second.rows}
    told = notices(inputs)["verified-disputed"]

    assert pairs(inputs) == {row: truth[row] for row in rows - {wrong}}
    assert wrong not in inputs.comparison.overlap.data_rows
    assert inputs.verified.disputed.tolist() == [wrong]
    assert inputs.verified.probability.tolist() == pytest.approx(
        [1 - (1 - 60 / N) ** 2] * (len(rows) - 1)
    )
    assert f"row {wrong}: '{truth[wrong]}' in {mine}, '{theirs[wrong]}' in {yours}" in told
    assert "neither steering nor calibrating" in told
    assert inputs.clean.source == f"{mine}, {yours}"


def test_people_on_one_draw_share_its_chance(data, truth, tmp_path):
    first = verify(tmp_path / "ada.jsonl", draw(data, 30), truth)
    second = verify(tmp_path / "bob.jsonl", draw(data, 50), truth)
    inputs = read(data, first, second, first)

    assert inputs.clean.n_rows == 50
    assert inputs.verified.probability.tolist() == [50 / N] * 50


def test_tables_and_verdicts_are_joined(data, truth, tmp_path):
    drawing = draw(data, 40, id="key")
    file = verify(tmp_path / "v.jsonl", drawing, truth)
    rows = [each.row for each in drawing.rows]
    own = pd.read_csv(data).iloc[[*rows[:5], *set(range(20)) - set(rows)]]
    own["label"] = [truth[row] for row in own.index]
    wrong = rows[0]
    own.loc[wrong, "label"] = "yes" if truth[wrong] == "no" else "no"
    elsewhere = people(30, seed=9)
    table = tmp_path / "clean.csv"
    pd.concat([own, elsewhere]).to_csv(table, index=False)
    inputs = read(data, table, file, options=ID)
    expected = ({*rows} | {*own.index}) - {wrong}

    assert pairs(inputs) == {row: truth[row] for row in expected}
    assert inputs.clean.n_rows == len(expected) + 30
    assert inputs.comparison.overlap.matched_by == "id"
    assert np.isnan(inputs.verified.probability).sum() == inputs.clean.n_rows - 39
    assert inputs.verified.disputed.tolist() == [wrong]
    assert inputs.clean.table.num_rows == len(inputs.clean.labels)


def test_a_row_from_elsewhere_that_stands_in_two_tables_counts_once(data, tmp_path):
    """Else it would steer where its copy calibrates."""
    rows = people(40, seed=9)
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    rows.iloc[:30].to_csv(first, index=False)
    rows.iloc[20:].to_csv(second, index=False)
    inputs = read(data, first, second)
    assert inputs.clean.n_rows == 40
    assert inputs.verified.part.tolist() == [0] * 30 + [1] * 10


def test_a_plain_table_stays_what_it_is(data, tmp_path):
    table = tmp_path / "verified.jsonl"
    people(40, seed=9).to_json(table, orient="records", lines=True, date_format="iso")
    inputs = read(data, table)

    assert inputs.verified is None
    assert inputs.clean.n_rows == 40


def test_a_new_class_is_no_clean_row_but_known_to_be_wrong(data, truth, tmp_path):
    drawing = draw(data, 60)
    odd = drawing.rows[3].row
    truth[odd] = "maybe"
    file = verify(tmp_path / "v.jsonl", drawing, truth, new_classes=["maybe"])
    inputs = read(data, file)
    overlap = inputs.comparison.overlap

    assert inputs.clean.n_rows == 59
    assert overlap.clean_rows[overlap.data_rows == odd].tolist() == [-1]
    assert (
        f"1 row is of a class that no row of {data} has ('maybe'): row {odd}."
        in notices(inputs)["verified-new-class"]
    )
    plan = plan_rows(inputs, Settings())
    assert plan.strangers.tolist() == [odd]
    assert plan.is_learned[odd]
    assert all(plan.mark_trained(fold)[odd] for fold in plan.folds)
    assert not plan.is_refitted[odd]


def test_an_unknown_class_is_refused(data, truth, tmp_path):
    file = verify(tmp_path / "v.jsonl", draw(data, 20), truth)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[7] |= {"action": "relabel", "label": "Yes!"}
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(InputError) as caught:
        read(data, file)

    assert caught.value.slug == "verified-unknown-class"
    assert f"the verified label 'Yes!' of row {lines[7]['row']} is no class" in caught.value.message
    assert "Did you mean 'yes'?" in caught.value.hint


def test_verdicts_about_another_table_are_refused(data, truth, tmp_path):
    file = verify(tmp_path / "v.jsonl", draw(data, 20), truth)
    people(200, seed=5).to_csv(data, index=False)
    with pytest.raises(InputError) as caught:
        read(data, file)

    assert caught.value.slug == "verified-other-data"
    assert "None of the 20 verdicts" in caught.value.message


def test_all_wrong_and_few_are_told(data, truth, tmp_path):
    turned = ["no" if each == "yes" else "yes" for each in pd.read_csv(data)["label"]]
    all_wrong = read(data, verify(tmp_path / "wrong.jsonl", draw(data, 20), turned))
    few = read(data, verify(tmp_path / "few.jsonl", draw(data, 7), truth))
    right = read(data, verify(tmp_path / "right.jsonl", draw(data, 20), pd.read_csv(data)["label"]))

    assert "all 20 verified rows were found wrong" in notices(all_wrong)["verified-all-wrong"]
    assert "holds 7 verified rows: too few" in notices(few)["verified-few"]
    assert not {slug for slug in notices(right) if slug.startswith("verified-")}
    assert right.clean.n_rows == 20


def test_only_unsure_verdicts_are_no_clean_set(data, truth, tmp_path):
    drawing = draw(data, 5)
    file = verify(tmp_path / "v.jsonl", drawing, truth, unsure={each.row for each in drawing.rows})
    with pytest.raises(InputError) as caught:
        read(data, file)

    assert caught.value.slug == "verified-none"


def test_pictures_are_found_by_what_they_show(tmp_path):
    root = class_folders(tmp_path / "pets", CLASSES, 40)
    drawing = draw(root, 30)
    truth = {each.row: each.given_label for each in drawing.rows}
    wrong = drawing.rows[0].row
    truth[wrong] = "dog" if truth[wrong] == "cat" else "cat"
    file = verify(tmp_path / "v.jsonl", drawing, truth)
    others = class_folders(tmp_path / "others", CLASSES, 5, first=1000)
    one, both = read(root, file), read(root, others, file)

    assert pairs(one) == truth
    assert (one.pictures.clean == one.pictures.data[sorted(truth)]).all()
    assert pairs(both) == truth
    assert len(both.pictures.clean) == both.clean.n_rows == 40
    assert len(both.gallery.clean.places) == 40
    rows = np.arange(40)
    store = both.gallery.clean.store
    blobs = [blob() for _, blob in store.iterate_blobs(both.gallery.clean.places[rows])]
    assert all(blob.startswith(b"\x89PNG") for blob in blobs)


def test_python_takes_a_file_and_a_list(data, truth, tmp_path):
    files = [
        verify(tmp_path / f"{seed}.jsonl", draw(data, 40, seed=seed), truth) for seed in (0, 1)
    ]
    frame = pd.read_csv(data)
    result = dc.audit(frame, val=[*files, people(30, seed=9)], label="label", epochs=2)
    one = list_sources(files[0]), list_sources([{"a": 1}, {"a": 2}])

    assert result.manifest["clean"]["rows"] > 90
    assert one == ([files[0]], [[{"a": 1}, {"a": 2}]])


def test_each_row_knows_the_source_that_it_was_taken_from(data, truth, tmp_path):
    file = verify(tmp_path / "v.jsonl", draw(data, 60), truth)
    frame = pd.read_csv(data)
    frame.iloc[:50].to_csv(tmp_path / "sample.csv", index=False)
    inputs = read(data, file, tmp_path / "sample.csv", options=ID)
    n_both = sum(row < 50 for row in pairs(read(data, file, options=ID)))
    n_sampled = int((inputs.verified.part == 1).sum())

    assert inputs.verified.sources == (str(file), str(tmp_path / "sample.csv"))
    assert inputs.verified.part.tolist() == sorted(inputs.verified.part.tolist())
    assert len(inputs.verified.part) == inputs.clean.n_rows
    assert n_sampled == 50 - n_both


def test_a_random_draw_is_not_called_unlike_the_data(data, tmp_path):
    drawing = draw(data, 60)
    only_yes = dict.fromkeys((each.row for each in drawing.rows), "yes")
    file = verify(tmp_path / "v.jsonl", drawing, only_yes)
    frame = pd.read_csv(data)
    frame["label"] = "yes"
    sample = frame.iloc[[each.row for each in drawing.rows]]
    sample.to_csv(tmp_path / "sample.csv", index=False)
    rest = frame.drop(index=sample.index).head(60)
    rest.to_csv(tmp_path / "chosen.csv", index=False)

    assert "clean-shares-unlike" not in notices(read(data, file))
    assert "clean-shares-unlike" in notices(read(data, tmp_path / "sample.csv", options=ID))
    assert "clean-shares-unlike" in notices(read(data, file, tmp_path / "chosen.csv", options=ID))


def test_a_source_that_is_given_twice_is_told_and_used_once(data, truth, tmp_path):
    file = verify(tmp_path / "v.jsonl", draw(data, 60), truth)
    pd.read_csv(data).iloc[:50].to_csv(tmp_path / "sample.csv", index=False)
    for once in (file, tmp_path / "sample.csv"):
        twice = read(data, once, once, options=ID)
        alone = read(data, once, options=ID)

        assert twice.clean.n_rows == alone.clean.n_rows
        assert twice.sha256 == alone.sha256
        assert notices(twice)["clean-repeated"] == (
            f"{once} is given more than once as CLEAN (--val), and used once. Was another file "
            "meant?"
        )
        assert "clean-repeated" not in notices(alone)
