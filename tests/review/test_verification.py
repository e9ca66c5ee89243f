"""Rows drawn and verified: the same draw goes on, nothing is overwritten, shares are told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from datacleanse.data import read_data, seal_rows
from datacleanse.data.interface import ReadOptions
from datacleanse.errors import InputError, OutputError, SettingsError
from datacleanse.review.verification import measure_share, open_verification
from datacleanse.review.verified_file import read_verified_file
from datacleanse.shares import count_rows_for, find_wilson_interval
from tests.pictures.made import CLASSES, class_folders
from tests.review.verifying import N, draw, verify, write_data


@pytest.fixture
def data(tmp_path):
    write_data(tmp_path / "data.csv")
    return tmp_path / "data.csv"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "verified.jsonl"


def truth_of(data):
    return write_data(data)


def test_a_line_says_which_row_of_which_table_it_is_about(data, file):
    drawing = draw(data, 20, id="key")
    verify(file, drawing, truth_of(data))
    whole = read_data(str(data), ReadOptions(id="key"))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    rows = np.array([line["row"] for line in lines])

    assert [line["id"] for line in lines] == [f"p0-{row}" for row in rows]
    assert [line["row_sha256"] for line in lines] == seal_rows(whole, rows)
    assert {line["probability"] for line in lines} == {20 / N}
    assert {line["action"] for line in lines} <= {"keep", "relabel"}
    assert all(
        (line["action"] == "keep") == (line["label"] == line["given_label"]) for line in lines
    )


def test_a_larger_draw_begins_with_a_smaller_one(data):
    small, large = ([each.row for each in draw(data, n).rows] for n in (30, 90))

    assert large[:30] == small
    assert len(set(large)) == 90
    assert [each.row for each in draw(data, 30, seed=1).rows] != small


def test_a_draw_by_class_keeps_each_row_s_own_chance(tmp_path):
    labels = ["rare"] * 4 + ["common"] * 196
    table = "".join(f"{i},{label}\n" for i, label in enumerate(labels))
    (tmp_path / "data.csv").write_text("x,label\n" + table)
    drawing = draw(tmp_path / "data.csv", 20, by_class=True, numeric=("x",))
    chances = {each.given_label: each.probability for each in drawing.rows}

    assert chances == {"rare": 0.5, "common": 18 / 196}
    assert sum(each.given_label == "rare" for each in drawing.rows) == 2
    assert draw(tmp_path / "data.csv", 20, numeric=("x",)).rows[0].probability == 0.1


def test_a_file_that_is_begun_is_gone_on_with(data, file):
    truth, drawing = truth_of(data), draw(data, 40)
    with open_verification(file, drawing) as log:
        for each in drawing.rows[:25]:
            log.record(each.row, "relabel", truth[each.row], reviewer="Ada", blind=False)
        assert log.n_open == 15
    before = file.read_bytes()
    with open_verification(file, draw(data, 60)) as log:
        assert log.n_open == 35
        assert [each.row for each in log.list_verdicts()] == [r.row for r in drawing.rows[:25]]
        row = drawing.rows[30].row
        log.record(row, "unsure", None, reviewer="Bob", blind=True)

    assert file.read_bytes().startswith(before)
    assert file.read_bytes().count(b"\n") == 26
    assert not list(file.parent.glob(".*.lock"))


def test_undoing_writes_a_line_that_revokes(data, file):
    drawing = draw(data, 10)
    row = drawing.rows[0].row
    with open_verification(file, drawing) as log:
        log.record(row, "keep", None, reviewer="", blind=False)
        log.record(row, "revoked", None, reviewer="", blind=False)
        assert log.n_open == 10
        assert log.measure().n_judged == 0

    assert read_verified_file(file).last == {}
    assert file.read_text().count("\n") == 2


def test_what_a_crash_cut_off_is_no_line_when_it_is_gone_on_with(data, file):
    truth, drawing = truth_of(data), draw(data, 10)
    verify(file, draw(data, 5), truth)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:100])
    with open_verification(file, drawing) as log:
        assert [notice.slug for notice in log.notices] == ["verified-cut"]
        log.record(drawing.rows[7].row, "keep", None, reviewer="", blind=False)

    assert len(read_verified_file(file).last) == 6
    assert file.read_bytes().startswith(whole)


def test_two_programs_do_not_write_to_one_file(data, file):
    drawing = draw(data, 10)
    again = open_verification(file, drawing)
    with open_verification(file, drawing), pytest.raises(SettingsError) as caught, again:
        pass

    assert caught.value.slug == "verified-in-use"


@pytest.mark.parametrize(
    ("row", "label", "why"),
    [(-5, "yes", "row -5 is not among those drawn"), (None, "maybe", "'maybe' is no class")],
)
def test_what_is_no_verdict_on_a_drawn_row_is_refused(row, label, why, data, file):
    drawing = draw(data, 10)
    row = drawing.rows[0].row if row is None else row
    with open_verification(file, drawing) as log, pytest.raises(InputError) as caught:
        log.record(row, "relabel", label, reviewer="", blind=False)

    assert why in caught.value.message
    assert not file.exists()


def test_a_new_class_is_marked_where_the_user_allows_it(data, file):
    drawing = draw(data, 10)
    with open_verification(file, drawing, ["maybe"]) as log:
        made = log.record(drawing.rows[0].row, "relabel", "maybe", reviewer="", blind=False)

    assert made.new_class
    for name in ("yes", " "):
        with pytest.raises(SettingsError) as caught, open_verification(file, drawing, [name]):
            pass
        assert caught.value.slug == "new-class-unusable"


def test_another_table_is_refused(data, file):
    verify(file, draw(data, 10), truth_of(data))
    with data.open("a") as table:
        table.write(data.read_text().splitlines()[-1] + "\n")
    before = file.read_bytes()
    with pytest.raises(InputError) as caught, open_verification(file, draw(data, 10)):
        pass

    assert caught.value.slug == "verified-other-data"
    assert "200 rows" in caught.value.message
    assert "201 rows" in caught.value.message
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        ({}, {"seed": 1}, "seed=0"),
        ({"by_class": True}, {}, "--by-class -n 10"),
        ({"by_class": True}, {"by_class": True, "n": 12}, "--by-class -n 10"),
    ],
)
def test_another_draw_is_refused(first, second, named, data, file):
    verify(file, draw(data, 10, **first), truth_of(data))
    other = draw(data, **{"n": 10, **second})
    with pytest.raises(InputError, match=named) as caught, open_verification(file, other):
        pass

    assert caught.value.slug == "verified-other-draw"


def test_a_file_of_something_else_is_left_alone(data, file):
    file.write_text('{"age": 3, "label": "yes"}\n')
    with (
        pytest.raises(OutputError, match="is no file of verdicts"),
        open_verification(file, draw(data, 10)),
    ):
        pass

    assert file.read_text() == '{"age": 3, "label": "yes"}\n'


def test_the_share_is_wilson_s_and_more_rows_narrow_it(data, file):
    truth = truth_of(data)
    verify(file, draw(data, 100), truth, unsure={draw(data, 1).rows[0].row})
    said = read_verified_file(file).last.values()
    share = measure_share(said, 6443)
    wrong = sum(each.action == "relabel" for each in said)

    assert (share.n_judged, share.n_wrong, share.n_unsure) == (99, wrong, 1)
    assert (share.low, share.high) == pytest.approx(find_wilson_interval(wrong, 99))
    low, high = find_wilson_interval(*(share.share * (99 + share.n_more), 99 + share.n_more))
    assert high - low == pytest.approx(0.06, abs=1e-3)
    assert measure_share(said, 120).n_more == 21
    assert measure_share([], 120).n_more == 120


def test_rare_classes_of_a_draw_by_class_count_less(tmp_path, file):
    labels = ["rare"] * 4 + ["common"] * 196
    table = "".join(f"{i},{label}\n" for i, label in enumerate(labels))
    (tmp_path / "data.csv").write_text("x,label\n" + table)
    drawing = draw(tmp_path / "data.csv", 20, by_class=True, numeric=("x",))
    truth = ["common"] * 200
    verify(file, drawing, truth)
    share = measure_share(read_verified_file(file).last.values(), 200)

    assert share.n_wrong == 2
    assert share.share == pytest.approx(4 / 200)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.5, 1.0])
def test_the_rows_for_a_width_are_the_fewest(share):
    n = count_rows_for(share, 0.03)
    widths = [np.diff(find_wilson_interval(share * m, m))[0] for m in (n - 1, n)]

    assert widths[0] > 0.06 >= widths[1]


def test_pictures_that_cannot_be_read_are_not_drawn(tmp_path):
    root = class_folders(tmp_path / "pets", CLASSES, 10)
    broken = sorted(root.rglob("*.png"))[3]
    broken.write_bytes(b"no picture")
    drawing = draw(root, 20)

    assert len(drawing.rows) == 19
    assert broken.relative_to(root).as_posix() not in {each.id for each in drawing.rows}
    assert drawing.pictures is not None
    assert all(each.row_sha256 for each in drawing.rows)
