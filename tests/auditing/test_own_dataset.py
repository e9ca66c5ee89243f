"""Any map-style dataset with any network and optimiser."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import Dataset, IterableDataset, TensorDataset

import datacleanse as dc
from datacleanse.errors import DatacleanseError
from datacleanse.training import sparing
from datacleanse.training.optimisers import Optimisation, make_optimiser


class Pictures(Dataset):
    """Made pictures, a bright corner each; the first ``wrong`` labels of class 0 say 1."""

    def __init__(self, n, *, wrong=0, seed=0):
        rng = np.random.default_rng(seed)
        self.truth = np.arange(n) % 3
        self.x = rng.normal(size=(n, 1, 6, 6)).astype(np.float32)
        for corner, rows in enumerate((slice(0, 2), slice(2, 4), slice(4, 6))):
            self.x[self.truth == corner, 0, rows, :3] += 2.0
        self.y = self.truth.copy()
        self.y[np.flatnonzero(self.truth == 0)[:wrong]] = 1

    def __len__(self):
        return len(self.x)

    def __getitem__(self, at):
        return self.x[at], self.y[at]


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 3)
    )


def as_tensors(pictures):
    return TensorDataset(torch.from_numpy(pictures.x), torch.from_numpy(pictures.y))


DATA, TRUSTED = Pictures(150, wrong=20), Pictures(60, seed=1)
MANY_TRUSTED = Pictures(120, seed=1)
"""Enough for one-sided errors to be believed in so far that suggestions are made."""
SETTINGS = {"epochs": 6, "batch_size": 25, "lr": 5e-3}


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    model = network()
    out = tmp_path_factory.mktemp("own") / "run"
    return dc.audit_dataset(model, DATA, MANY_TRUSTED, out=out, **SETTINGS), model


def test_wrong_labels_lead_the_table(audited):
    table = audited[0].table
    assert len(table) == 150
    wrong = DATA.y != DATA.truth
    assert wrong[table.sort_values("rank")["row"].head(20)].mean() >= 0.9
    assert list(table["given_label"]) == list(DATA.y)
    suggested = table[wrong]["suggested_label"].dropna()
    assert len(suggested) >= 5
    assert (suggested == 0).all()


def test_the_ledger_has_each_example_in_each_epoch(audited):
    result, _ = audited
    ledger = result.ledger
    assert len(ledger) == 150 * 6
    assert ledger.groupby("row")["epoch"].nunique().eq(6).all()
    means = ledger.groupby("row")["weight"].mean()
    np.testing.assert_allclose(means, result.table["mean_weight"], rtol=1e-5)


def test_the_model_handed_in_is_the_reweighted_network(audited):
    _, model = audited
    assert not any(module.training for module in model.modules())
    with torch.no_grad():
        predicted = model(torch.from_numpy(TRUSTED.x)).argmax(dim=1).numpy()
    assert (predicted == TRUSTED.truth).mean() > 0.9


def test_its_run_folder_is_one_like_any_other(audited):
    from datacleanse_reports.write import write_reports

    result, model = audited
    written = write_reports(result.folder, top=20)
    assert "Sequential" in written["html"].read_text(encoding="utf-8")
    assert len(result.suspects(10)) == 10
    with pytest.raises(dc.RunFolderError, match="cannot rebuild it"):
        _ = result.model
    saved = load_file(result.folder.model_dir / "model.safetensors")
    for name, values in model.state_dict().items():
        assert torch.equal(saved[name], values)


def test_tensors_and_fetched_examples_give_the_same_audit(audited):
    model = network()
    result = dc.audit_dataset(model, as_tensors(DATA), as_tensors(MANY_TRUSTED), **SETTINGS)
    np.testing.assert_array_equal(result.table["suspicion"], audited[0].table["suspicion"])
    assert result.manifest["device"]["rows"] == "on the device"
    assert audited[0].manifest["device"]["rows"] == "fetched from the dataset"


SGD = partial(torch.optim.SGD, momentum=0.9)


class Stop:
    """Progress that interrupts after so many batches, as Ctrl-C does."""

    def __init__(self, after):
        self.left = after

    def stage(self, name, total):
        pass

    def say(self, message):
        pass

    def advance(self, steps=1):
        self.left -= steps
        if self.left <= 0:
            raise KeyboardInterrupt


def groups(named, *, kind=SGD):
    head = [p for name, p in named if name.startswith("4")]
    body = [p for name, p in named if not name.startswith("4")]
    return kind([{"params": body, "lr": 0.01}, {"params": head, "lr": 0.05}])


OPTIMISERS = {
    "sgd in two groups": groups,
    "adam in two groups": partial(groups, kind=torch.optim.Adam),
    "rmsprop": partial(torch.optim.RMSprop, lr=1e-3),
    "adagrad": partial(torch.optim.Adagrad, lr=1e-2),
    "the package's own": None,
}


@pytest.mark.parametrize("optimizer", OPTIMISERS.values(), ids=OPTIMISERS)
def test_an_interrupted_audit_resumes_with_the_optimisers_state(tmp_path, optimizer):
    data, trusted = as_tensors(DATA), as_tensors(TRUSTED)
    settings = {"epochs": 3, "batch_size": 50, "optimizer": optimizer, "clip_norm": 0.5}
    models = [network(), network(), network()]
    whole = dc.audit_dataset(models[0], data, trusted, out=tmp_path / "a", **settings)
    with pytest.raises(KeyboardInterrupt):
        dc.audit_dataset(models[1], data, trusted, out=tmp_path / "b", progress=Stop(8), **settings)
    resumed = dc.audit_dataset(
        models[2], data, trusted, out=tmp_path / "b", resume=True, **settings
    )
    np.testing.assert_array_equal(resumed.table["suspicion"], whole.table["suspicion"])
    for name, values in models[0].state_dict().items():
        assert torch.equal(models[2].state_dict()[name], values), name


def test_learning_rates_of_groups_are_peaks_of_the_cosine():
    parameters = dict(nn.Linear(3, 2).named_parameters())
    made = []

    def make(named):
        made.append(
            torch.optim.SGD(
                [
                    {"params": [p for n, p in named if n == "weight"], "lr": 0.5},
                    {"params": [p for n, p in named if n == "bias"], "lr": 0.1},
                ]
            )
        )
        return made[-1]

    before = {name: p.detach().clone() for name, p in parameters.items()}
    optimiser = make_optimiser(parameters, Optimisation(make), peak=0.5, weight_decay=0.0)
    for p in parameters.values():
        p.grad = torch.ones_like(p)
    optimiser.step(0.25)  # half way down from the peak
    for name, rate in (("weight", 0.25), ("bias", 0.05)):
        torch.testing.assert_close(parameters[name].detach(), before[name] - rate)
    assert all(p.grad is None for p in parameters.values())


def test_a_parameter_that_no_group_holds_stays_and_keeps_no_gradient():
    layer = nn.Linear(3, 2)
    parameters = dict(layer.named_parameters())
    bias = layer.bias.detach().clone()
    chosen = Optimisation(lambda named: torch.optim.SGD([dict(named)["weight"]], lr=1.0))
    optimiser = make_optimiser(parameters, chosen, peak=1.0, weight_decay=0.0)
    for p in parameters.values():
        p.grad = torch.ones_like(p)
    optimiser.step(1.0)
    assert torch.equal(layer.bias, bias)
    assert layer.bias.grad is None


def test_clipping_bounds_the_norm_of_the_whole_gradient():
    layer = nn.Linear(3, 2)
    parameters = dict(layer.named_parameters())
    before = torch.cat([p.detach().flatten().clone() for p in parameters.values()])
    chosen = Optimisation(partial(torch.optim.SGD, lr=1.0), clip_norm=0.5)
    optimiser = make_optimiser(parameters, chosen, peak=1.0, weight_decay=0.0)
    for p in parameters.values():
        p.grad = torch.full_like(p, 7.0)
    optimiser.step(1.0)
    after = torch.cat([p.detach().flatten() for p in parameters.values()])
    assert (after - before).norm().item() == pytest.approx(0.5, rel=1e-4)


class Made(Dataset):
    """Examples from a function."""

    def __init__(self, make, n=30):
        self.make, self.n = make, n

    def __len__(self):
        return self.n

    def __getitem__(self, at):
        return self.make(at)


class Stream(IterableDataset):
    def __iter__(self):
        return iter(DATA)


def flat(at):
    return np.float32([at, 1.0, 0.0]), at % 3


def late_failure(at):
    if at == 25:
        raise FileNotFoundError("picture-25.png")
    return flat(at)


LINEAR = partial(nn.Linear, 3, 3)
REFUSED = {
    "a stream": (LINEAR, Stream(), {}, "no map-style dataset", "__getitem__"),
    "no example": (LINEAR, Made(flat, 0), {}, "data (Made) has no examples", "Check"),
    "no pair": (LINEAR, Made(lambda at: flat(at)[0]), {}, "Made[0] is ndarray", "(input, label)"),
    "three": (LINEAR, Made(lambda at: (*flat(at), 1)), {}, "Made[0] is tuple of 3", "(input,"),
    "a file that is not there": (
        LINEAR,
        Made(late_failure),
        {},
        "Made[25] failed: FileNotFoundError: picture-25.png (",
        "Mend",
    ),
    "a label too high": (LINEAR, Made(lambda at: (flat(at)[0], at)), {}, "[3] has the", "0 to 2"),
    "a label below 0": (LINEAR, Made(lambda at: (flat(at)[0], -1)), {}, "label -1", "0 to 2"),
    "a text": (LINEAR, Made(lambda at: (flat(at)[0], "cat")), {}, "label 'cat'", "0 to 2"),
    "a fraction": (LINEAR, Made(lambda at: (flat(at)[0], 0.5)), {}, "label 0.5", "0 to 2"),
    "a dictionary": (LINEAR, Made(lambda at: ({"x": 1}, 0)), {}, "type dict", "one tensor"),
    "unlike shapes": (
        LINEAR,
        Made(lambda at: (np.zeros(3 + at, np.float32), 0)),
        {},
        "cannot be stacked",
        "Mend",
    ),
    "another width": (partial(nn.Linear, 4, 3), Made(flat), {}, "mat1 and mat2", "Mend"),
    "one output": (partial(nn.Linear, 3, 1), Made(flat), {}, "gives (3, 1)", "number of classes"),
    "a function": (lambda: len, Made(flat), {}, "not a torch.nn.Module", "network itself"),
    "inputs changed": (
        lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 3)),
        Made(flat),
        {},
        "changes its inputs in place",
        "inplace=False",
    ),
    "too few names": (LINEAR, Made(flat), {"classes": ["a", "b"]}, "2 different names", "one name"),
    "names that repeat": (LINEAR, Made(flat), {"classes": list("aab")}, "2 different", "one name"),
    "a step with a closure": (
        LINEAR,
        Made(flat),
        {"optimizer": torch.optim.LBFGS},
        "The optimiser fails",
        "Mend",
    ),
    "two learning rates": (
        LINEAR,
        Made(flat),
        {"optimizer": torch.optim.SGD, "lr": 0.1},
        "Both lr and optimizer",
        "Leave lr out",
    ),
    "a norm of 0": (LINEAR, Made(flat), {"clip_norm": 0.0}, "clip_norm is 0.0", "above 0"),
    "a norm of text": (LINEAR, Made(flat), {"clip_norm": "1"}, "--clip-norm is '1'", "a number"),
    "classes by number": (LINEAR, Made(flat), {"classes": 2}, "--classes is 2", "list of names"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_audited_is_refused_before_a_folder_is_made(tmp_path, case):
    make, data, options, said, cure = case
    trusted = Made(data.make) if isinstance(data, Made) else Made(flat)
    with pytest.raises(DatacleanseError) as error:
        dc.audit_dataset(make(), data, trusted, out=tmp_path / "run", **options)
    assert said in error.value.message
    assert cure in error.value.hint
    assert not (tmp_path / "run").exists()


def test_examples_of_arrays_that_cannot_be_written_to_are_taken(tmp_path):
    values = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    values.flags.writeable = False
    data = Made(lambda at: (values[at], at % 3))
    result = dc.audit_dataset(LINEAR(), data, data, epochs=2, out=tmp_path / "run")
    assert len(result.table) == 30


def test_a_resumed_audit_of_another_network_or_optimiser_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sparing, "SECONDS_APART", 0.0)  # what is compared is a saved epoch
    data, trusted = as_tensors(DATA), as_tensors(TRUSTED)
    settings = {"epochs": 2, "batch_size": 50}
    with pytest.raises(KeyboardInterrupt):
        dc.audit_dataset(
            network(), data, trusted, out=tmp_path / "run", progress=Stop(5), **settings
        )
    wide = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    with pytest.raises(dc.RunFolderError, match="another network"):
        dc.audit_dataset(wide, data, trusted, out=tmp_path / "run", resume=True, **settings)
    with pytest.raises(dc.RunFolderError, match="optimizer"):
        dc.audit_dataset(
            network(),
            data,
            trusted,
            out=tmp_path / "run",
            resume=True,
            optimizer=groups,
            **settings,
        )


def test_a_network_that_fails_late_names_its_place_and_leaves_the_model(tmp_path):
    class Late(nn.Linear):
        calls = 0

        def forward(self, x):
            Late.calls += 1
            if Late.calls > 20:
                raise ValueError("tired")
            return super().forward(x)

    model = Late(3, 3)
    before = model.weight.detach().clone()
    with pytest.raises(DatacleanseError, match=r"failed in the network: ValueError: tired \(.*tes"):
        dc.audit_dataset(model, Made(flat), Made(flat), epochs=5, batch_size=4, out=tmp_path / "r")
    assert torch.equal(model.weight, before)


@pytest.mark.parametrize("as_dataset", [lambda made: made, as_tensors], ids=["fetched", "tensors"])
def test_without_trusted_examples_they_are_ranked_by_plain_training(as_dataset):
    made, model = Pictures(150), network()
    made.y[::10] = (made.y[::10] + 1) % 3  # some of every class
    result = dc.audit_dataset(model, as_dataset(made), **SETTINGS)
    table = result.table
    assert (made.y != made.truth)[table["rank"] <= 10].mean() >= 0.8
    assert not table["flagged"].any()
    assert result.manifest["noise"]["rate"] is None
    assert result.manifest["training"]["rule"] == "none steered"
    saved = load_file(result.folder.model_dir / "model.safetensors")
    assert all(torch.equal(saved[name], value) for name, value in model.state_dict().items())


def test_without_trusted_examples_nothing_can_steer():
    with pytest.raises(dc.SettingsError, match="nothing to steer by") as caught:
        dc.audit_dataset(network(), DATA, rule="l2rw", **SETTINGS)
    assert caught.value.slug == "setting-needs-clean"
