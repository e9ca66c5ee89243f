"""`dc.load`: a run as a scikit-learn classifier."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

import datacleanse as dc
from datacleanse.data.label_types import type_classes
from datacleanse.serving.export import export_run


@pytest.fixture(scope="module", params=["run", "onnx"])
def loaded(request, run, tmp_path_factory):
    if request.param == "run":
        return dc.load(run)
    target = tmp_path_factory.mktemp("onnx") / "m.onnx"
    export_run(run, "onnx", target)
    return dc.load(target)


@pytest.fixture(scope="module")
def rows(frames):
    return frames["test"].drop(columns=["label"])


def test_it_predicts_as_the_run_does(loaded, result, rows):
    expected = result.model.predict_proba(rows)
    np.testing.assert_allclose(loaded.predict_proba(rows), expected, atol=1e-6)
    assert list(loaded.classes_) == ["no", "yes"]
    assert list(loaded.predict(rows)) == list(loaded.classes_[expected.argmax(axis=1)])
    assert loaded.n_features_in_ == len(loaded.feature_names_in_) == 7
    assert "key" not in loaded.feature_names_in_


def test_every_kind_of_frame_is_the_same_rows(loaded, rows):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    expected = loaded.predict_proba(rows)
    arrow = pa.Table.from_pandas(rows, preserve_index=False)
    backwards = rows[rows.columns[::-1]]
    for frame in (arrow, polars.from_arrow(arrow), backwards, arrow.to_batches()[0]):
        np.testing.assert_allclose(loaded.predict_proba(frame), expected, atol=1e-12)


def test_polars_frames_are_audited_and_fingerprinted_like_others(frames, tmp_path):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    data, clean = (
        polars.from_arrow(pa.Table.from_pandas(frames[name], preserve_index=False))
        for name in ("data", "clean")
    )
    result = dc.audit(data, val=clean, id="key", epochs=2, fast=True)
    assert len(result.table) == len(data)
    assert list(result.table["id"]) == data["key"].to_list()


def test_an_array_has_the_columns_in_order(loaded, rows):
    array = rows[loaded.feature_names_in_].to_numpy(dtype=object)
    np.testing.assert_allclose(loaded.predict_proba(array), loaded.predict_proba(rows), atol=1e-9)
    with pytest.raises(ValueError, match=r"shape \(80, 2\), but this model reads 7 columns"):
        loaded.predict(array[:, :2])


def test_it_works_in_pipelines_and_cross_validation_and_is_never_trained(loaded, frames, rows):
    truth = frames["test"]["label"]
    pipeline = make_pipeline(FunctionTransformer(lambda frame: frame.copy()), loaded)
    before = loaded.predict_proba(rows)
    pipeline.fit(rows.head(5), truth.head(5)[::-1])
    np.testing.assert_array_equal(pipeline.predict_proba(rows), before)
    scores = cross_val_score(loaded, rows, truth, cv=4)
    assert scores.mean() == pytest.approx((loaded.predict(rows) == truth).mean())
    assert cross_val_score(pipeline, rows, truth, cv=4).mean() == pytest.approx(scores.mean())
    assert clone(loaded) is loaded
    try:
        check_is_fitted(loaded)
    except NotFittedError:
        pytest.fail("it is fitted")


def test_a_pickle_holds_the_place_and_not_the_files(loaded, rows):
    copied = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_array_equal(copied.predict_proba(rows), loaded.predict_proba(rows))
    assert len(pickle.dumps(loaded)) < 1000


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda frame: frame.drop(columns=["age"]), "lacks 1 column of DATA: age"),
        (lambda frame: frame.rename(columns={"income": "incom"}), "'income' may be 'incom' here"),
        (lambda frame: frame.assign(more=1), "1 column that DATA lacks: more"),
        (lambda frame: frame.assign(age="old"), "'age' is numeric in DATA"),
        (lambda frame: frame.assign(since="long ago"), "'since' is datetime in DATA"),
        (lambda frame: frame.assign(vec=[[1.0]] * len(frame)), "lists of 3 numbers"),
    ],
)
def test_columns_that_do_not_fit_are_one_value_error(loaded, rows, spoil, said):
    with pytest.raises(ValueError, match=said):
        loaded.predict(spoil(rows))


def test_a_damaged_run_is_refused_when_it_is_loaded(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "model" / "model.safetensors").unlink()
    with pytest.raises(dc.RunFolderError, match="is missing"):
        dc.load(tmp_path / "run")
    with pytest.raises(dc.RunFolderError, match="holds no run"):
        dc.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("0", "1", "10"), [0, 1, 10]),
        (("-1", "1"), [-1, 1]),
        (("False", "True"), [False, True]),
        (("false", "true"), [False, True]),
        (("01", "1"), ["01", "1"]),
        (("1", "two"), ["1", "two"]),
        (("99999999999999999999", "1"), ["99999999999999999999", "1"]),
    ],
)
def test_classes_have_the_type_that_labels_had(names, expected):
    found = type_classes(names, None)
    assert found.tolist() == expected
    assert isinstance(found.tolist()[0], type(expected[0]))


def test_labels_that_are_numbers_are_scored_as_numbers(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=200), "z": rng.normal(size=200)})
    frame["y"] = (frame["x"] > 0).astype(int)
    dc.audit(
        frame.head(150), val=frame.tail(50), label="y", epochs=4, fast=True, out=tmp_path / "run"
    )
    model = dc.load(tmp_path / "run")
    assert cross_val_score(model, frame[["x", "z"]], frame["y"], cv=3).mean() > 0.7
    assert dc.load(tmp_path / "run", text_classes=True).predict(frame)[0] in ("0", "1")


def test_values_that_are_lost_are_warnings_of_one_class(loaded, rows):
    odd = rows.assign(city=["Lima", *rows["city"][1:]], age=["old", *rows["age"][1:]])
    with pytest.warns(dc.DataWarning) as caught:
        loaded.predict(odd)
    assert {each.category for each in caught} == {dc.DataWarning}
    said = " ".join(str(each.message) for each in caught)
    assert "'Lima' in row 0" in said
    assert "'old' in row 0" in said
    assert {each.filename for each in caught} == {__file__}


def test_a_column_without_a_known_value_is_refused_unless_asked_for(loaded, rows, run):
    with pytest.raises(ValueError, match="'city' holds no value that the model knows"):
        loaded.predict(rows.assign(city="Lima"))
    lenient = dc.load(loaded.run, allow_unknown=True)
    with pytest.warns(dc.DataWarning, match="'Lima'"):
        found = lenient.predict_proba(rows.assign(city="Lima"))
    with pytest.warns(dc.DataWarning, match="'city' is empty in 80 of 80 rows"):
        expected = loaded.predict_proba(rows.assign(city=None))
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.fixture(scope="module", params=["run", "onnx"])
def loaded_numbers(request, number_result, tmp_path_factory):
    if request.param == "run":
        return dc.load(number_result.folder.path)
    target = tmp_path_factory.mktemp("onnx") / "m.onnx"
    export_run(number_result.folder.path, "onnx", target)
    return dc.load(target)


def test_a_run_of_numbers_is_a_regressor(loaded_numbers, number_result, number_frames):
    rows, truth = number_frames["test"].drop(columns="label"), number_frames["test"]["label"]
    expected = number_result.model.predict(rows)
    np.testing.assert_allclose(loaded_numbers.predict(rows), expected, rtol=1e-5, atol=1e-4)
    unlabelled = rows.assign(label=["unknown", *[None] * (len(rows) - 1)])
    np.testing.assert_array_equal(loaded_numbers.predict(unlabelled), loaded_numbers.predict(rows))
    assert loaded_numbers.n_features_in_ == 7
    measured = number_result.manifest["metrics"]["test"]["reweighted"]["r2"]
    assert loaded_numbers.score(rows, truth) == pytest.approx(measured, rel=1e-4)
    assert is_regressor(make_pipeline(FunctionTransformer(lambda frame: frame), loaded_numbers))
    copied = pickle.loads(pickle.dumps(loaded_numbers))
    np.testing.assert_array_equal(copied.predict(rows), loaded_numbers.predict(rows))
    assert clone(loaded_numbers).fit(rows, truth) is loaded_numbers
    with pytest.raises(ValueError, match="lacks 1 column of DATA: age"):
        loaded_numbers.predict(rows.drop(columns="age"))


def test_a_regressor_has_no_classes_to_be_spelled(loaded_numbers):
    with pytest.raises(dc.SettingsError, match="predicts numbers"):
        dc.load(loaded_numbers.run, text_classes=True)
