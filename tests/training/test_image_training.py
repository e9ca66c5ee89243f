"""Training on bytes and random views: exact influences, and the same after a stop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datacleanse.errors import Stopped
from datacleanse.models.demands import find_measured
from datacleanse.models.residual import build_residual, choose_residual_shape
from datacleanse.pictures.joined import Joined
from datacleanse.settings import Meta, Schedule
from datacleanse.training.checkpoint import ROWS, Checkpoints
from datacleanse.training.examples import Examples
from datacleanse.training.influence import choose_engine, cross_entropy
from datacleanse.training.loop import Hooks, train
from datacleanse.training.placement import Gathered
from datacleanse.training.recorder import Dynamics
from datacleanse.training.rules import make_rule
from tests.auditing.made_images import digits

IDENTITY = {"datacleanse": "1", "torch": "2", ROWS: "cc"}
SCHEDULE = Schedule(epochs=2, batch_size=16, lr=2e-3, meta=Meta(batch=8, every=2))


def network(seed=0, *, is_mirrored=True):
    # 14 pixels: large enough to be moved.
    shape = choose_residual_shape((1, 14, 14), 100, 10, is_mirrored=is_mirrored)
    return build_residual(shape, np.array([80.0]), np.array([90.0]), seed=seed)


def large(n):
    images, labels = digits()
    padded = np.pad(images[:n], ((0, 0), (0, 0), (3, 3), (3, 3)))
    return padded, labels[:n]


def trained(checkpoints=None, *, stop_after=None, seed=0):
    images, labels = large(60)
    examples = Examples(
        Gathered(Joined(images[:40], images[40:]), torch.device("cpu")),
        torch.from_numpy(labels),
        40,
        torch.arange(40),
        torch.arange(40, 60),
        10,
    )
    steps = 0

    def should_stop():
        nonlocal steps
        steps += 1
        return steps == stop_after

    model = network(seed)
    outcome = train(
        model,
        make_rule("l2rw", seed=1),
        examples,
        SCHEDULE,
        seed=1,
        saved=None if checkpoints is None else checkpoints.load("t"),
        hooks=Hooks(
            save=None if checkpoints is None else lambda c: checkpoints.save("t", c),
            should_stop=should_stop,
        ),
    )
    return outcome, model.state_dict()


def test_a_stopped_training_draws_the_views_it_would_have_drawn(tmp_path):
    whole, parameters = trained()
    checkpoints, done, n_stops = Checkpoints(tmp_path, IDENTITY), None, 0
    while done is None:
        try:
            done = trained(checkpoints, stop_after=2, seed=n_stops)
        except Stopped:
            n_stops += 1
    assert n_stops == 3
    for name in vars(whole.dynamics):
        np.testing.assert_array_equal(
            getattr(whole.dynamics, name), getattr(done[0].dynamics, name), err_msg=name
        )
    assert isinstance(whole.dynamics, Dynamics)
    for name, value in parameters.items():
        assert torch.equal(value, done[1][name]), name


def test_views_differ_from_epoch_to_epoch():
    torch.manual_seed(0)
    model = network()
    images = torch.from_numpy(large(8)[0])
    one, other = model(images), model(images)
    assert not torch.equal(one, other)
    assert torch.equal(model.eval()(images), model(images))


@pytest.mark.parametrize("n", [2, 12])
def test_influences_are_those_of_the_views_that_were_drawn(n):
    """Against a backward pass for each image on the very same views, in float64."""
    model = network().double()
    # Bytes become float32 otherwise.
    model.views.register_forward_hook(lambda module, given, views: views.double())
    engine = choose_engine(model, cross_entropy)
    images, labels = large(n)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    torch.manual_seed(2)
    v = {name: torch.randn_like(p) for name, p in model.named_parameters()}
    engine.open(x, y, v)
    assert engine.route.name == "layerwise"
    torch.manual_seed(7)
    step = engine.open(x, y, v)
    torch.manual_seed(7)
    drawn = model.views(x)
    model.eval()
    expected = []
    for image, label in zip(drawn.split(1), y.split(1), strict=True):
        scaled = (image.double() - model.mean) / model.deviation
        loss = cross_entropy(model.head(model.stages(scaled).mean(dim=(2, 3))), label)
        measured = find_measured(model)
        gradients = torch.autograd.grad(loss.sum(), list(measured.values()))
        expected.append(sum((g * v[k]).sum() for k, g in zip(measured, gradients, strict=True)))
    # The network turns bytes into float32.
    torch.testing.assert_close(step.influence, torch.stack(expected), rtol=1e-5, atol=1e-6)
