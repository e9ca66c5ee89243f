"""`AuditResult.cleaned`: the caller's frame with decisions carried out, all else as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import datacleanse as dc
from datacleanse.auditing.handed_over import take_over
from datacleanse.auditing.result import AuditResult
from datacleanse.errors import SettingsError
from tests.auditing.test_pandas import LIGHT, N, made
from tests.pictures.made import CLASSES, class_folders

GRADES = pd.CategoricalDtype(["low", "high", "unused"])


@pytest.fixture(scope="module")
def audited():
    """A frame with an index of its own, two verified rows in it mislabelled, and its result."""
    data, clean = made(["low", "high"], GRADES)
    data = data.set_axis(pd.Index([f"k{i % 50}" for i in range(N)]))
    data["small"] = np.arange(N, dtype="int16")
    data["when"] = pd.date_range("2020-01-01", periods=N)
    clean = clean.assign(small=np.int16(7), when=pd.Timestamp("2020-01-01"))
    known = data.iloc[:2].copy()
    known["grade"] = pd.Categorical(turned(known.grade), dtype=GRADES)
    clean = pd.concat([clean, known], ignore_index=True)
    return data, dc.audit(data, val=clean, **LIGHT)


def turned(labels):
    return ["high" if label == "low" else "low" for label in labels]


@pytest.fixture
def result(audited):
    """The result, without decisions of other tests."""
    data, made_result = audited
    made_result.folder.decisions_file.unlink(missing_ok=True)
    return AuditResult(made_result.folder, None, None, take_over(data, "grade"))


def decisions(*made_here):
    return pd.DataFrame(made_here, columns=["row", "action", "new_label"])


def test_verified_rows_are_corrected_and_all_else_is_kept(audited, result):
    data, _ = audited
    before = data.copy()
    cleaned = result.cleaned()
    assert cleaned.grade.iloc[:2].tolist() == turned(data.grade.iloc[:2])
    pd.testing.assert_frame_equal(cleaned.iloc[2:], data.iloc[2:])
    assert cleaned.index.equals(data.index)
    assert cleaned.dtypes.equals(data.dtypes)
    pd.testing.assert_frame_equal(data, before)


def test_decisions_in_a_frame_are_carried_out(audited, result):
    data, _ = audited
    new = turned(data.grade.iloc[[5]])[0]
    said = decisions((5, "relabel", new), (6, "drop", None), (7, "keep", None), (8, None, None))
    cleaned = result.cleaned(said)
    expected = data.copy()
    expected.iloc[5, expected.columns.get_loc("grade")] = new
    expected = expected.iloc[[i for i in range(N) if i != 6]]
    pd.testing.assert_frame_equal(cleaned.iloc[2:], expected.iloc[2:])


@pytest.mark.parametrize("n", ["x", 2.5, -1, None, True])
def test_suspects_are_asked_for_by_a_number_of_rows(n, result):
    with pytest.raises(SettingsError, match="is no number of rows"):
        result.suspects(n)


def test_suspects_with_an_action_are_decisions(audited, result):
    data, _ = audited
    top = result.suspects(4)
    top["action"], top["new_label"] = "relabel", turned(top.given_label)
    cleaned = result.cleaned(top)
    changed = np.flatnonzero((cleaned.grade != data.grade).to_numpy())
    assert set(top["row"]) <= set(changed)


@pytest.mark.parametrize(
    ("said", "slug"),
    [
        (pd.DataFrame({"row": [1], "aktion": ["drop"]}), "decisions-columns"),
        (decisions((N, "drop", None)), "decisions-row"),
        (decisions((3, None, None)), "decisions-missing"),
        (decisions(*((i, "drop", None) for i in range(N))), "nothing-left"),
        (decisions(([3], "drop", None)), "decisions-row"),
        (decisions((3, "relabel", ["low"])), "decisions-columns"),
        (decisions((3, 5, None)), "decisions-invalid"),
        (decisions((3, "drop", None))[["row", "action", "row"]], "decisions-columns"),
    ],
    ids=["column", "row", "none", "all dropped", "a list", "no label", "a number", "twice"],
)
def test_decisions_that_cannot_be_used_are_refused(result, said, slug):
    with pytest.raises(dc.DatacleanseError) as caught:
        result.cleaned(said)
    assert caught.value.slug == slug


def test_an_unknown_label_or_action_costs_its_row_and_is_told(audited, result):
    data, _ = audited
    said = decisions((5, "relabel", "blue"), (6, "burn", None), (9, "drop", None))
    with pytest.warns(dc.DataWarning, match="2 lines were left out"):
        cleaned = result.cleaned(said)
    assert len(cleaned) == N - 1
    assert cleaned.grade.iloc[5] == data.grade.iloc[5]


def test_decisions_in_any_table_are_carried_out(audited, result):
    data, _ = audited
    said = {"row": [6], "action": ["drop"]}
    for table in (pl.DataFrame(said), said, [{"row": 6, "action": "drop"}], pa.table(said)):
        assert len(result.cleaned(table)) == len(data) - 1


def test_where_all_decisions_are_left_out_it_says_why():
    data, _ = made()
    result = dc.audit(data, label="grade", epochs=2, device="cpu")
    with pytest.raises(dc.SettingsError, match=r"1 line was left out .*the data has no class 'c'"):
        result.cleaned(decisions((3, "relabel", "c")))


def test_a_row_that_changed_since_the_audit_is_left_as_it_is_and_told(audited, result):
    data, _ = audited
    row = int(result.suspects(1)["row"].iloc[0])
    other = data.copy()
    other.iloc[row, other.columns.get_loc("size")] = 99.0
    later = AuditResult(result.folder, None, None, take_over(other, "grade"))
    with pytest.warns(dc.DataWarning, match=rf"1 decision was not carried out \(row {row}: "):
        cleaned = later.cleaned(decisions((row, "drop", None)))
    assert len(cleaned) == N


def test_flags_are_acted_on_where_that_is_asked_for(result):
    n_flagged = int(result.table.flagged.sum())
    cleaned = result.cleaned(auto=True, drop_above=0.0)
    assert len(cleaned) == N - n_flagged
    with pytest.raises(dc.SettingsError, match="drop_above= is given without auto=True"):
        result.cleaned(drop_above=0.5)


def test_decisions_of_another_folder_are_taken(result, tmp_path):
    copy = result.save(tmp_path / "copy")
    line = '{"row": 4, "action": "drop", "given_label": "%s"}\n'
    given = result.table.given_label.iloc[4]
    copy.decisions_file.write_text(line % given, encoding="utf-8")
    assert len(result.cleaned(copy.path)) == N - 1
    assert len(result.cleaned(copy.decisions_file)) == N - 1


def test_a_file_becomes_a_frame(audited, tmp_path):
    data, clean = made([0, 1], "int64")
    data.to_csv(tmp_path / "data.csv", index=False)
    result = dc.audit(tmp_path / "data.csv", val=clean, **LIGHT)
    cleaned = result.cleaned(decisions((3, "drop", None), (4, "relabel", 1 - data.grade[4])))
    expected = pd.read_csv(tmp_path / "data.csv").assign(grade=data.grade)
    expected.loc[4, "grade"] = 1 - data.grade[4]
    expected = expected.drop(index=3)
    pd.testing.assert_frame_equal(cleaned[expected.columns], expected, check_exact=False)


def test_where_nothing_is_decided_it_says_what_to_do():
    data, clean = made()
    result = dc.audit(data, val=clean, **LIGHT)
    with pytest.raises(dc.SettingsError, match=r"decisions=.*auto=True"):
        result.cleaned()


@pytest.fixture(scope="module")
def pictured(tmp_path_factory):
    """A frame of paths with an index of its own, the third picture unreadable, and its result."""
    folder = tmp_path_factory.mktemp("pictures")
    rows = {"data": 40, "clean": 16}
    frames = []
    for name, n in rows.items():
        paths = class_folders(folder / name, CLASSES, n // 2, first=len(frames) * 500, size=(8, 8))
        files = sorted(paths.rglob("*.png"))
        labels = [file.parent.name == CLASSES[0] for file in files]
        frames.append(pd.DataFrame({"path": [str(file) for file in files], "grade": labels}))
    data, clean = frames
    data = data.set_axis(pd.Index([f"shot {i}" for i in range(len(data))]))
    Path(data.path.iloc[2]).write_bytes(b"no picture")
    settings = {**LIGHT, "epochs": 2, "image_size": 8, "max_unreadable": 0.1}
    return data, dc.audit(data, val=clean, **settings)


def test_rows_of_pictures_are_named_as_in_the_frame_without_unreadable_ones(pictured):
    data, result = pictured
    assert result.table.index.tolist() == [name for name in data.index if name != "shot 2"]
    assert (result.table.given_label == data.grade.drop("shot 2")).all()
    assert result.table.given_label.dtype == bool
    top = result.suspects(3)
    assert top.path.tolist() == data.path[top.index].tolist()


def test_pictures_are_shown_in_a_notebook_and_cleaned_in_their_frame(pictured):
    data, result = pictured
    page = result._repr_html_()
    assert "data:image/" in page
    assert str(result.suspects(1).index[0]) in page
    assert "pictures of 8 × 8 pixels" in result.model._repr_html_()
    top = result.suspects(2).assign(action="drop")
    cleaned = result.cleaned(top)
    pd.testing.assert_frame_equal(cleaned, data.drop(index=top.index))


def test_rows_to_be_relabelled_without_a_new_label_are_told_with_the_way(result):
    top = result.suspects(5).assign(action="relabel")
    for frame, said in ((top, "no column 'new_label'"), (top.assign(new_label=None), "is missing")):
        with pytest.raises(dc.InputError, match=said) as caught:
            result.cleaned(frame)
        assert "frame['suggested_label']" in str(caught.value.hint)
