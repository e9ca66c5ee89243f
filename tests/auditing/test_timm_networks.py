"""Images audited by features of a network of timm's, with weights from a file or timm's own."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from datacleanse.auditing.pretrained_features import show_to_pretrained
from datacleanse.errors import SettingsError
from datacleanse.progress import SILENT
from datacleanse.settings import Settings
from tests.auditing.made_images import image_inputs


def use(settings):
    return show_to_pretrained(image_inputs()[0], settings, kept=None, progress=SILENT)


class Backbone(torch.nn.Module):
    """A stand-in for one of timm's: with the parts of it that are used."""

    pretrained_cfg = {  # noqa: RUF012
        "license": "mit",
        "tag": "a1_in1k",
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
    """The parts of the library that are used; ``own`` is what comes of its own weights."""

    def create_model(name, *, pretrained, num_classes):
        assert num_classes == 0
        network = Backbone()
        if pretrained:
            return module.own(network)
        torch.nn.init.zeros_(network.conv.weight)
        return network

    module = types.ModuleType("timm")
    module.create_model = create_model
    module.own = lambda network: network
    module.is_model = lambda name: name in ("small", "bare")
    module.is_model_pretrained = lambda name: name == "small"
    module.list_models = lambda: ["bare", "small", "other"]
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


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
    found = use(pretrained(tmp_path / name))
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
    settings = Settings(model="timm:small", weights=str(file), device="cpu")
    with pytest.raises(SettingsError) as raised:
        use(settings)
    assert raised.value.slug == slug


def test_weights_are_tensors(timm, tmp_path):
    torch.save([1, 2], tmp_path / "w.pth")
    settings = Settings(model="timm:small", weights=str(tmp_path / "w.pth"), device="cpu")
    with pytest.raises(SettingsError, match="a list that is no table of tensors"):
        use(settings)


def test_pickled_code_is_not_run(timm, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (exec, ("raise SystemExit('run')",))

    torch.save({"conv.weight": Bomb()}, tmp_path / "w.pth")
    settings = Settings(model="timm:small", weights=str(tmp_path / "w.pth"), device="cpu")
    with pytest.raises(SettingsError, match="cannot be read"):
        use(settings)


def test_an_unknown_network_is_told(timm, tmp_path):
    pretrained(tmp_path / "w.pth")
    settings = Settings(model="timm:none", weights=str(tmp_path / "w.pth"), device="cpu")
    with pytest.raises(SettingsError, match="timm makes no network 'none'"):
        use(settings)


def test_without_the_library_the_error_says_so(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "timm", None)
    settings = pretrained(tmp_path / "w.pth")
    with pytest.raises(SettingsError, match="needs the library timm, which is not installed"):
        use(settings)


def test_weights_of_its_own_are_timms(timm):
    found = use(Settings(model="timm:small", device="cpu"))
    told = found.features.backbone.describe()
    assert "timm's small (licence mit, trained on ImageNet-1k (timm's tag a1_in1k))" in told
    assert "12 x 12 pixels" in told


def test_a_name_like_known_ones_is_told(timm):
    with pytest.raises(SettingsError) as raised:
        use(Settings(model="timm:smal", device="cpu"))
    assert raised.value.hint.startswith("Did you mean small? ")


def test_a_network_without_weights_needs_a_file(timm):
    with pytest.raises(SettingsError, match="timm has no weights of its own for 'bare'") as raised:
        use(Settings(model="timm:bare", device="cpu"))
    assert raised.value.slug == "weights-not-given"


@pytest.mark.parametrize(
    ("error", "slug", "said"),
    [
        (ConnectionError("no route\nto host"), "weights-missing", "could not be downloaded"),
        (SafetensorError("incomplete metadata"), "weights-unreadable", "cut off or damaged"),
        (RuntimeError("PytorchStreamReader failed"), "weights-unreadable", "cut off or damaged"),
        (EOFError("Ran out of input"), "weights-unreadable", "cut off or damaged"),
    ],
)
def test_weights_that_cannot_be_had_are_one_sentence(error, slug, said, timm):
    def fail(network):
        raise error

    timm.own = fail
    with pytest.raises(SettingsError, match=said) as raised:
        use(Settings(model="timm:small", device="cpu"))
    assert raised.value.slug == slug
    assert "\n" not in raised.value.message
