"""What only a CUDA GPU can show; skipped where there is none."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import average_precision_score
from torch import nn

import datacleanse as dc
from datacleanse.auditing.image_features import use_features
from datacleanse.errors import Stopped
from datacleanse.models.tabular import TabularNetwork
from datacleanse.progress import SILENT
from datacleanse.settings import Meta, Schedule
from datacleanse.training import graphed_steps, placement
from datacleanse.training.influence import choose_engine, compute_trusted_gradient
from datacleanse.training.influence.kernels import use_differentiable_kernels
from datacleanse.training.loop import train
from datacleanse.training.rules import make_rule
from datacleanse.training.stopping import NEVER
from datacleanse.training.trainer import Lesson, Trainer
from tests.auditing.made_images import audit_images, image_inputs, request
from tests.training.networks import CASES
from tests.training.reference import backward_for_each, cross_entropy
from tests.training.test_generality import N, drawn
from tests.training.test_graphed_steps import SCHEDULE, SHAPE
from tests.training.test_loop import blobs, network, run

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA GPU")

GPU = torch.device("cuda", 0)


def on_gpu(pair):
    return tuple(each.to(GPU) for each in pair)


@pytest.mark.parametrize("name", CASES)
def test_influences_and_the_weighted_gradient_are_exact(name):
    """Against a backward pass for each example, on the GPU too and in float64."""
    model, batch, trusted = drawn(CASES[name])
    model, batch, trusted = model.to(GPU), on_gpu(batch), on_gpu(trusted)
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    slow = deepcopy(model)
    torch.cuda.manual_seed(5)
    # Fused recurrent kernels draw other dropout masks.
    with use_differentiable_kernels(slow, batch[0]):
        expected, gradients = backward_for_each(slow, batch, direction)
    weights = torch.rand(N, dtype=torch.float64, device=GPU)

    engine = choose_engine(model, cross_entropy)
    torch.cuda.manual_seed(5)
    step = engine.open(*batch, direction)
    step.descend(weights)

    assert step.influence is not None
    assert step.influence.device == GPU
    scale = float(expected.abs().max())
    torch.testing.assert_close(step.influence, expected, rtol=1e-5, atol=1e-9 * scale + 1e-12)
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            total = sum(w * g[key] for w, g in zip(weights, gradients, strict=True))
            left = torch.zeros_like(total) if parameter.grad is None else parameter.grad
            atol = 1e-9 * float(total.abs().max()) + 1e-12
            torch.testing.assert_close(left, total, rtol=1e-5, atol=atol)


@pytest.mark.parametrize("rule", ["l2rw", "uniform", "random", "lilaw"])
def test_training_is_that_of_the_cpu(rule):
    """Without dropout and random weights, whose draws are each device's own."""
    examples, _ = blobs(flipped=15)
    held = {name: getattr(examples, name).to(GPU) for name in ("inputs", "labels", "training_rows")}
    there = replace(examples, steering_rows=examples.steering_rows.to(GPU), **held)
    start = network()
    start[2] = nn.Identity()
    outcomes = []
    for device, given in ((torch.device("cpu"), examples), (GPU, there)):
        outcome, records = run(given, rule, model=deepcopy(start).to(device))
        assert len(records) == 6
        outcomes.append(outcome)
    plain, other = outcomes
    if rule != "random":
        np.testing.assert_allclose(other.dynamics.margin, plain.dynamics.margin, atol=0.02)
        np.testing.assert_allclose(other.loss, plain.loss, rtol=0.02)


# Of torch's compiler, about its own code.
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_bfloat16_weights_are_near_those_of_float32(compiled):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.GroupNorm(2, 16), nn.ReLU(), nn.Flatten(),
        nn.Linear(16 * 64, 10),
    ).to(GPU)  # fmt: skip
    generator = torch.Generator(GPU).manual_seed(0)
    x = torch.randn(96, 3, 8, 8, device=GPU, generator=generator)
    y = torch.randint(10, (96,), device=GPU, generator=generator)
    batch, trusted = (x[:64], y[:64]), (x[64:], y[64:])
    exact = dc.reweight(model, cross_entropy, batch, trusted).influence
    if compiled:
        model.compile()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        rough = dc.reweight(model, cross_entropy, batch, trusted).influence
    assert float(torch.corrcoef(torch.stack([exact, rough.float()]))[0, 1]) > 0.99


def picture_run(place, *, resume=False, stop=NEVER, **settings):
    return audit_images(place, resume=resume, stop=stop, device="cuda", epochs=10, **settings)


@pytest.mark.parametrize("share", [placement.RESIDENT_SHARE, 0.0], ids=["resident", "gathered"])
def test_images_are_audited_and_the_model_works_without_a_gpu(share, tmp_path, monkeypatch):
    monkeypatch.setattr(placement, "RESIDENT_SHARE", share)
    folder, is_wrong = picture_run(tmp_path / "run")
    manifest, table = folder.manifest(), folder.read_audit()
    assert "NVIDIA" in manifest.device.name
    assert average_precision_score(is_wrong, table["suspicion"].to_numpy()) > 0.9
    model = dc.load_predictor(folder.model_dir)
    pictures = image_inputs()[0].pictures
    assert pictures is not None
    accuracy = model.predict_proba(pictures.test).argmax(1) == image_inputs()[0].test.labels
    test = manifest.metrics.test
    assert test is not None
    assert accuracy.mean() == pytest.approx(test.reweighted.accuracy, abs=0.01)


class StopAfter:
    """Says stop from the n-th batch on."""

    def __init__(self, n):
        self.left = n
        self.awaited = NEVER.awaited

    def __call__(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("n", [7, 150])
def test_a_stopped_audit_is_finished(n, tmp_path):
    place = tmp_path / "run"
    with pytest.raises(Stopped):
        picture_run(place, stop=StopAfter(n))
    folder, is_wrong = picture_run(place, resume=True)
    table = folder.read_audit()
    assert average_precision_score(is_wrong, table["suspicion"].to_numpy()) > 0.9


@pytest.mark.parametrize("rule", ["l2rw", "uniform"])
def test_a_step_of_a_table_is_a_graph_that_does_the_same(rule, monkeypatch):
    examples, _ = blobs(flipped=15)
    held = ("inputs", "labels", "training_rows", "steering_rows")
    there = replace(examples, **{name: getattr(examples, name).to(GPU) for name in held})

    def fit():
        torch.manual_seed(3)
        model = TabularNetwork(SHAPE).to(GPU)
        return train(model, make_rule(rule, seed=0), there, SCHEDULE, seed=7)

    recorded = []
    record = graphed_steps.record
    monkeypatch.setattr(graphed_steps, "record", lambda body: recorded.append(body) or record(body))
    found = fit()
    assert len(recorded) == (2 if rule == "l2rw" else 1)
    monkeypatch.setattr(graphed_steps, "can_record", lambda device: False)
    expected = fit()
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-2)
    np.testing.assert_allclose(
        found.dynamics.margin, expected.dynamics.margin, rtol=0.05, atol=0.05
    )
    assert len(recorded) == (2 if rule == "l2rw" else 1)


def test_a_table_is_audited():
    bunch = load_breast_cancer(as_frame=True)
    frame = bunch.frame.rename(columns={"target": "label"}).sample(frac=1, random_state=0)
    frame["label"] = frame["label"].astype(str)
    clean, data = frame[:100], frame[100:].copy()
    flipped = np.random.default_rng(0).random(len(data)) < 0.1
    data["label"] = np.where(flipped, np.where(data["label"] == "0", "1", "0"), data["label"])
    found = dc.audit(data, val=clean, label="label", device="cuda")
    assert average_precision_score(flipped, found.table["suspicion"].to_numpy()) > 0.7


def test_batches_are_halved_where_the_memory_of_the_gpu_ends():
    """The network asks for 1 GiB a row of a batch; a share of the GPU allows only some."""

    class Greedy(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Linear(4, 2)

        def forward(self, x):
            if self.training and torch.is_grad_enabled():
                torch.empty(len(x) * 2**30, dtype=torch.uint8, device=x.device)
            return self.layers(x)

    def build():
        torch.manual_seed(0)
        return Greedy()

    examples, _ = blobs(flipped=10)
    held = {name: getattr(examples, name).to(GPU) for name in ("inputs", "labels", "training_rows")}
    there = replace(examples, steering_rows=examples.steering_rows.to(GPU), **held)
    lesson = Lesson(build, True, "l2rw", Schedule(2, 64, 1e-2, Meta()), 0)
    trainer = Trainer(lesson, GPU, lambda name: None, SILENT)
    total = torch.cuda.get_device_properties(GPU).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 20 * 2**30 / total), GPU)
    try:
        trained = trainer.learn([there], there, keep=lambda epoch, record: None)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, GPU)
    assert (trained.reweighted.batch_size, trained.control.batch_size) == (16, 16)
    (notice,) = trainer.tell_halved(trained.control.batch_size)
    assert "did not fit into the memory of the cuda" in notice.message


def test_the_network_of_timm_makes_the_features(tmp_path):
    timm = pytest.importorskip("timm")
    network = timm.create_model("resnet18", pretrained=False)
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    inputs, _ = image_inputs()
    settings = request(
        model="timm:resnet18", weights=str(tmp_path / "w.safetensors"), device="cuda"
    ).settings
    found = use_features(inputs, settings)
    features = np.stack(found.data.table["features"].to_pylist())
    assert features.shape == (len(inputs.data.labels), 512)
    again = use_features(inputs, replace(settings, device="cpu"))
    other = np.stack(again.data.table["features"].to_pylist())
    np.testing.assert_allclose(features, other, atol=0.02 * np.abs(other).max())
    assert isinstance(found.data.table, pa.Table)
