"""Images audited by features from a file."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score

import datacleanse as dc
from datacleanse.auditing.image_features import use_features
from datacleanse.errors import InputError, SettingsError
from datacleanse.serving.export import export_run
from datacleanse.settings import Settings
from tests.auditing.made_images import audit_inputs, digits, image_inputs

N = 620
"""Images of `image_inputs`, in all."""


def flat(n=N):
    return digits()[0][:n].reshape(n, -1).astype(np.float32)


def arrow(rows):
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


def write(path, rows):
    if path.suffix == ".npy":
        np.save(path, rows)
    else:
        pq.write_table(pa.table({"path": list(map(str, range(len(rows)))), "v": arrow(rows)}), path)
    return Settings(features=path)


@pytest.mark.parametrize("name", ["f.npy", "f.parquet"])
def test_the_file_is_cut_into_data_clean_and_test(name, tmp_path):
    inputs, _ = image_inputs()
    found = use_features(inputs, write(tmp_path / name, flat()))
    assert found.pictures is None
    sets = [found.data, found.clean, found.test]
    values = [np.stack(each.table["features"].to_pylist()) for each in sets]
    assert [len(v) for v in values] == [360, 60, 200]
    np.testing.assert_array_equal(np.concatenate(values), flat())
    assert [(c.kind, c.width) for c in found.data.schema.columns] == [("embedding", 64)]


def test_an_audit_by_features_is_a_tables(tmp_path):
    inputs, is_wrong = image_inputs()
    settings = write(tmp_path / "f.npy", flat())
    found = use_features(inputs, settings)
    folder = audit_inputs(found, tmp_path / "run", features=settings.features, epochs=6)
    assert average_precision_score(is_wrong, folder.read_audit()["suspicion"]) > 0.9
    assert folder.manifest().training.route.name == "closed-form"
    assert "Multilayer perceptron" in folder.manifest().training.network
    assert dc.load_predictor(folder.model_dir).schema.columns[0].name == "features"
    assert folder.read_suspects().column_names[1:3] == ["path", "label"]
    # Rows as DATA had them are no strangers, neither to a prediction nor to the check of an export.
    new = inputs.data.table.append_column("features", arrow(flat(360)))
    assert len(dc.load(folder.path).predict(new)) == 360
    export_run(folder.path, "onnx", tmp_path / "m.onnx")
    assert (dc.load(tmp_path / "m.onnx").predict(new) == dc.load(folder.path).predict(new)).all()


def infinite():
    rows = flat()
    rows[41, 3] = np.inf
    return rows


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("f.npy", flat(600), r"has 600 rows; there are 620 images \(360 of DATA \+ 60 of CLEAN"),
        ("f.npy", flat()[:, 0], r"holds float32 of shape \(620,\)"),
        ("f.npy", np.array(["a"] * N)[:, None], "holds <U1"),
        (
            "f.npy",
            infinite(),
            "1 row with NaN, .* too large for float32, the first is row 41",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(name, rows, said, tmp_path):
    inputs, _ = image_inputs()
    with pytest.raises(InputError, match=said):
        use_features(inputs, write(tmp_path / name, rows))


@pytest.mark.parametrize(
    ("name", "blob", "said"),
    [
        ("gone.npy", None, "is not there"),
        ("f.npy", b"no array", "cannot be read"),
        ("f.parquet", b"no table", "cannot be read"),
        ("f.csv", b"1,2", "ends in .csv"),
    ],
)
def test_a_file_that_is_none_is_refused(name, blob, said, tmp_path):
    inputs, _ = image_inputs()
    if blob is not None:
        (tmp_path / name).write_bytes(blob)
    with pytest.raises(InputError, match=said):
        use_features(inputs, Settings(features=str(tmp_path / name)))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"v": [[1.0], [1.0, 2.0]]}, "lists of different lengths"),
        ({"v": [[1.0], None]}, "missing values"),
        ({"v": [1.0, 2.0]}, "0 columns of lists"),
        ({"v": [[1.0]], "w": [[1.0]]}, r"2 columns of lists \(v, w\)"),
    ],
)
def test_parquet_needs_one_column_of_lists(columns, said, tmp_path):
    inputs, _ = image_inputs()
    pq.write_table(pa.table(columns), tmp_path / "f.parquet")
    with pytest.raises(InputError, match=said):
        use_features(inputs, Settings(features=str(tmp_path / "f.parquet")))


@pytest.mark.parametrize(
    ("settings", "slug"),
    [
        ({"weights": "w.pth"}, "settings-contradict"),
        ({"features": "f.npy", "model": "residual"}, "settings-contradict"),
    ],
)
def test_settings_that_contradict_are_refused(settings, slug):
    with pytest.raises(SettingsError) as raised:
        Settings(**settings)
    assert raised.value.slug == slug


def test_features_are_not_for_tables(tmp_path):
    write(tmp_path / "f.npy", flat())
    frame = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "label": ["a", "b", "a", "b"]})
    clean = pa.table({"x": [5.0, 6.0], "label": ["a", "b"]})
    with pytest.raises(SettingsError, match="features= is for images, and DATA is a table"):
        dc.audit(frame, val=clean, features=str(tmp_path / "f.npy"), out=tmp_path / "run")
