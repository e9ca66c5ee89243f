"""Images audited by features: from a file, and from a frozen network of a library's."""

from __future__ import annotations

import sys
import types

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file
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
    return Settings(features=str(path))


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
        ("f.npy", infinite(), "1 rows with NaN or infinity, the first is row 41"),
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
        ({"model": "timm:resnet18"}, "weights-not-given"),
        ({"weights": "w.pth"}, "settings-contradict"),
        ({"features": "f.npy", "model": "residual"}, "settings-contradict"),
    ],
)
def test_settings_that_contradict_are_refused(settings, slug):
    with pytest.raises(SettingsError) as raised:
        Settings(**settings)
    assert raised.value.slug == slug


class Backbone(torch.nn.Module):
    """A stand-in for one of timm's: with the parts of it that are used."""

    pretrained_cfg = {  # noqa: RUF012
        "input_size": (3, 12, 12),
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.25, 0.25),
        "classifier": "fc",
    }

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(3, 16, 5)

    def forward(self, x):
        assert x.shape[1:] == (3, 12, 12)
        return self.conv(x).relu().flatten(1)


@pytest.fixture
def timm(monkeypatch):
    def create_model(name, *, pretrained, num_classes):
        assert (pretrained, num_classes) == (False, 0)
        if name != "small":
            raise RuntimeError(f"Unknown model ({name})")
        network = Backbone()
        torch.nn.init.zeros_(network.conv.weight)
        return network

    module = types.ModuleType("timm")
    module.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", module)


def pretrained(path):
    state = {**Backbone().state_dict(), "fc.weight": torch.ones(2, 16)}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    return Settings(model="timm:small", weights=str(path), device="cpu")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_a_frozen_network_makes_the_features(name, timm, tmp_path):
    inputs, _ = image_inputs()
    found = use_features(inputs, pretrained(tmp_path / name))
    values = np.stack(found.clean.table["features"].to_pylist())
    assert values.shape == (60, 16 * 64)
    x = torch.from_numpy(inputs.pictures.clean).float().expand(-1, 3, -1, -1) / 255
    x = torch.nn.functional.interpolate(x, (12, 12), mode="bilinear", antialias=True)
    with torch.no_grad():
        expected = Backbone()((x - 0.5) / 0.25)
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("blob", "slug"),
    [
        (None, "weights-missing"),
        (b"nothing", "weights-unreadable"),
        ({"conv.bias": torch.ones(16)}, "weights-differ"),
        ({"conv.weight": torch.ones(1), "conv.bias": torch.ones(16)}, "weights-differ"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_that_do_not_fit_are_refused(blob, slug, suffix, timm, tmp_path):
    file = tmp_path / f"w{suffix}"
    if isinstance(blob, bytes):
        file.write_bytes(blob)
    elif isinstance(blob, dict) and suffix == ".safetensors":
        save_file(blob, file)
    elif blob is not None:
        torch.save(blob, file)
    inputs, _ = image_inputs()
    settings = Settings(model="timm:small", weights=str(file), device="cpu")
    with pytest.raises(SettingsError) as raised:
        use_features(inputs, settings)
    assert raised.value.slug == slug


def test_weights_are_tensors(timm, tmp_path):
    torch.save([1, 2], tmp_path / "w.pth")
    settings = Settings(model="timm:small", weights=str(tmp_path / "w.pth"), device="cpu")
    with pytest.raises(SettingsError, match="a list that is no table of tensors"):
        use_features(image_inputs()[0], settings)


def test_pickled_code_is_not_run(timm, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (exec, ("raise SystemExit('run')",))

    torch.save({"conv.weight": Bomb()}, tmp_path / "w.pth")
    settings = Settings(model="timm:small", weights=str(tmp_path / "w.pth"), device="cpu")
    with pytest.raises(SettingsError, match="cannot be read"):
        use_features(image_inputs()[0], settings)


def test_an_unknown_network_is_told(timm, tmp_path):
    pretrained(tmp_path / "w.pth")
    settings = Settings(model="timm:none", weights=str(tmp_path / "w.pth"), device="cpu")
    with pytest.raises(SettingsError, match=r"timm makes no network 'none' \(Unknown model"):
        use_features(image_inputs()[0], settings)


def test_without_the_library_the_error_says_so(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "timm", None)
    settings = pretrained(tmp_path / "w.pth")
    with pytest.raises(SettingsError, match="needs the library timm, which is not installed"):
        use_features(image_inputs()[0], settings)


def test_features_are_not_for_tables(tmp_path):
    write(tmp_path / "f.npy", flat())
    frame = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "label": ["a", "b", "a", "b"]})
    clean = pa.table({"x": [5.0, 6.0], "label": ["a", "b"]})
    with pytest.raises(SettingsError, match="features= is for images, and DATA is a table"):
        dc.audit(frame, val=clean, features=str(tmp_path / "f.npy"), out=tmp_path / "run")
