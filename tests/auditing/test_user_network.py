"""A network of the user's own: used like the package's, refused before anything is written."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from torch import nn

import datacleanse as dc
from datacleanse.errors import DatacleanseError, SettingsError
from datacleanse.user_code import find_factory, report_as_user_code
from tests.cli.conftest import people

GOOD = """
from torch import nn


def small(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 8), nn.Tanh(), nn.Linear(8, n_classes))


def normed(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.Linear(8, n_classes))


def lazy(n_features, n_classes):
    return nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(n_classes))
"""

BROKEN = """
import torch
from torch import nn

number = 3
shared = nn.Linear(8, 2)


def fails(n_features, n_classes):
    return {}["width"]


def nothing(n_features, n_classes):
    return None


def frozen(n_features, n_classes):
    return nn.Linear(n_features, n_classes).requires_grad_(False)


def three(n_features, n_classes):
    return nn.Linear(n_features, 3)


def flat(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 1), nn.Flatten(0))


def pairs(n_features, n_classes):
    return nn.GRU(n_features, n_classes)


def narrow(n_features, n_classes):
    return nn.Linear(n_features + 1, n_classes)


def same(n_features, n_classes):
    return shared


class Trained(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 2)

    def forward(self, x):
        if self.training:
            raise ValueError("only for inference")
        return self.linear(x)


def inference(n_features, n_classes):
    return Trained(n_features)


class Overwriting(Trained):
    def forward(self, x):
        return torch.sigmoid(self.linear(x)).mul_(2)


def overwriting(n_features, n_classes):
    return Overwriting(n_features)


class Greedy(Trained):
    def forward(self, x):
        x += 1
        return self.linear(x)


def greedy(n_features, n_classes):
    return Greedy(n_features)


def leaving(n_features, n_classes):
    raise SystemExit(5)
"""

REFUSED = [
    ("nets", "--model is 'nets'", "package.module:factory"),
    ("nets:", "--model is 'nets:'", "package.module:factory"),
    ("absent_nets:small", "There is no module absent_nets", "current directory"),
    ("nets.deeper:small", "There is no module nets.deeper", "current directory"),
    ("nets:tiny", "has no 'tiny'", "name of a function"),
    ("broken:number", "broken:number is int, not a function", "torch.nn.Module"),
    ("unimportable:f", "ModuleNotFoundError: No module named 'absent_library'", "Mend"),
    ("unwritten:f", "SyntaxError", "Mend"),
    ("broken:fails", "broken:fails(8, 2) failed: KeyError: 'width' (", "Mend"),
    ("broken:leaving", "broken:leaving(8, 2) failed: SystemExit: 5 (", "Mend"),
    ("broken:nothing", "broken:nothing(8, 2) returned NoneType", "network itself"),
    ("broken:frozen", "has no trainable parameters", "requires_grad"),
    ("broken:three", "gives (2, 3) for 2 examples", "here (2, 2)"),
    ("broken:flat", "gives (2,) for 2 examples", "here (2, 2)"),
    ("broken:pairs", "gives tuple for 2 examples", "here (2, 2)"),
    ("broken:narrow", "fails on 2 examples: RuntimeError: mat1 and mat2", "Mend"),
    ("broken:same", "is the same object at each call", "make a new network"),
    ("broken:inference", "fails in training mode: ValueError: only for inference", "Mend"),
    ("broken:overwriting", "overwrites what a derivative needs", "works on a copy|work on a copy"),
    ("broken:missing.attribute", "has no 'missing.attribute'", "name of a function"),
]


FILES = {
    "nets": GOOD,
    "broken": BROKEN,
    "unimportable": "import absent_library\n",
    "unwritten": "def f(:\n",
}


def put_on_path(folder, patch):
    """Write the networks there, where Python finds them for as long as the patch holds."""
    for name, text in FILES.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        patch.delitem(sys.modules, name, raising=False)
    patch.syspath_prepend(folder)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder on Python's path with good and broken networks, and what to audit."""
    put_on_path(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The result of an audit with nets:small; its folder is only to be read."""
    folder = tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as patch:
        put_on_path(folder, patch)
        return audited("nets:small", folder / "run")


FRAME = people(300, seed=0, wrong=0.1).drop(columns=["key", "since"])
CLEAN = people(80, seed=1).drop(columns=["key", "since"])


def audited(model, out, **settings):
    settings = {"epochs": 2, "batch_size": 32} | settings
    return dc.audit(FRAME, val=CLEAN, label="label", model=model, out=out, **settings)


@pytest.mark.parametrize(("model", "said", "cure"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_cannot_be_trained_is_refused_before_a_folder_is_made(here, model, said, cure):
    with pytest.raises(DatacleanseError) as error:
        audited(model, here / "run")
    assert said in error.value.message
    assert any(words in error.value.hint for words in cure.split("|"))
    assert not (here / "run").exists()


def test_a_refused_network_leaves_the_run_that_force_would_replace(here, small):
    shutil.copytree(small.folder.path, here / "run")
    before = (here / "run" / "run.json").read_bytes()
    with pytest.raises(DatacleanseError, match="no trainable parameters"):
        audited("broken:frozen", here / "run", force=True)
    assert (here / "run" / "run.json").read_bytes() == before


def test_a_failure_is_told_with_its_place_in_the_users_file(here):
    with pytest.raises(DatacleanseError) as error:
        audited("broken:fails", here / "run")
    line = 1 + BROKEN.splitlines().index('    return {}["width"]')
    assert f"({here / 'broken.py'}, line {line}, in fails)" in error.value.message


def test_memory_that_runs_out_is_not_told_as_the_users_mistake():
    with pytest.raises(torch.OutOfMemoryError), report_as_user_code("It failed"):
        raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.parametrize("name", ["small", "normed", "lazy"])
def test_a_network_of_ones_own_is_saved_by_name_and_predicts_as_it_did(here, name):
    model = f"nets:{name}"
    result = audited(model, here / "run", test=CLEAN)
    assert len(result.table) == 300
    assert result.table["rank"].is_unique
    assert result.manifest["settings"]["model"] == model
    assert model in result.manifest["training"]["network"]
    # Its layers are not known, so that its logits are left as they are.
    assert result.manifest["training"]["temperature"] is None
    assert {file.name for file in (here / "run" / "model").iterdir()} == {
        "README.md",
        "model.json",
        "model.safetensors",
    }
    saved = json.loads((here / "run" / "model" / "model.json").read_text(encoding="utf-8"))
    assert saved["architecture"] == {"name": "own", "factory": model, "n_features": 8}
    again = dc.load_predictor(here / "run" / "model", model=model)
    # These were measured with the network that was trained, before it was saved.
    measured = result.manifest["metrics"]["test"]["reweighted"]
    probability = again.predict_proba(CLEAN)[np.arange(80), (CLEAN["label"] == "yes").astype(int)]
    assert -np.log(probability).mean() == pytest.approx(measured["log_loss"], rel=1e-6)


def test_a_callable_does_in_python_and_gives_the_same_audit_as_its_name(here, small):
    by_callable = audited(find_factory("nets:small"), here / "b")
    assert by_callable.manifest["settings"]["model"] == "nets:small"
    np.testing.assert_array_equal(by_callable.table["suspicion"], small.table["suspicion"])
    assert set(by_callable.model.predict(CLEAN)) <= {"yes", "no"}


def test_a_saved_network_is_not_rebuilt_on_the_word_of_its_file(here, small, monkeypatch):
    monkeypatch.setattr(
        "datacleanse.models.loading.find_factory", lambda name: pytest.fail("imported")
    )
    with pytest.raises(dc.RunFolderError, match="No code is run") as error:
        dc.load_predictor(small.folder.model_dir)
    assert "--model nets:small" in error.value.hint


def test_the_packages_own_network_wants_no_factory(here):
    audited("auto", here / "run")
    with pytest.raises(dc.RunFolderError, match="package's own network") as error:
        dc.load_predictor(here / "run" / "model", model="nets:small")
    assert "Leave --model out" in error.value.hint


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (GOOD.replace("8", "9"), r"module\.0\.bias is \(9,\) now and was \(8,\)"),
        (GOOD.replace("nn.Tanh()", "nn.ReLU()"), "other outputs"),
        (GOOD.replace("nn.Tanh(), ", ""), r"module\.1\.bias is \(2,\) now and was missing"),
    ],
)
def test_a_factory_that_has_changed_is_refused(here, small, monkeypatch, changed, said):
    (here / "nets_then.py").write_text(changed, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "nets_then", raising=False)
    with pytest.raises(dc.RunFolderError, match=said) as error:
        dc.load_predictor(small.folder.model_dir, model="nets_then:small")
    assert error.value.slug == "model-changed"
    assert "nets:small" in error.value.hint


@pytest.mark.parametrize("name", ["small", " a:c", ":c", "a:", "a..b:c", "a: c", ""])
def test_a_name_of_another_form_is_refused_without_an_import(name):
    with pytest.raises(SettingsError, match="model="):
        dc.Settings(model=name)


def test_layers_that_pair_examples_or_hold_state_are_audited(here):
    """A factory object with settings of its own, whose network has buffers and shared layers."""

    class Tied:
        def __init__(self, width):
            self.width = width

        def __call__(self, n_features, n_classes):
            layer = nn.Linear(self.width, self.width)
            first, last = nn.Linear(n_features, self.width), nn.Linear(self.width, n_classes)
            norm = nn.BatchNorm1d(self.width)
            return nn.Sequential(first, layer, norm, nn.SiLU(), layer, last)

    result = audited(Tied(6), here / "run")
    assert result.model.predict_proba(CLEAN).shape == (80, 2)
    assert "Tied" in result.manifest["settings"]["model"]
