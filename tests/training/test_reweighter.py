"""The training step for other people's loops: optimisers, precision, compiled networks."""

from __future__ import annotations

import shutil
from copy import deepcopy

import pytest
import torch
from torch import nn

import datacleanse as dc
from datacleanse.errors import ModelError
from tests.training.networks import CASES, N_CLASSES, WIDTH, Along, Case, images, rows, series
from tests.training.reference import cross_entropy, double_backward_influence

PAPER = dc.Meta(batch=1000, every=1)
N_STEPS = 4


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batches(draw=rows, dtype=torch.float64, n_classes=N_CLASSES):
    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    sizes = (12,) * N_STEPS + (9,)
    found = [
        (draw(n).to(dtype), torch.randint(n_classes, (n,), generator=generator)) for n in sizes
    ]
    return found[:-1], found[-1]


def network(*middle: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    layers = middle or (nn.LayerNorm(WIDTH), nn.ReLU())
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), *layers, nn.Linear(WIDTH, N_CLASSES)).double()


def textbook_weights(model, batch, trusted):
    clipped = double_backward_influence(model, batch, trusted).clamp(min=0.0)
    return clipped / clipped.sum()


def groups(model):
    """Biases without decay, the head at another rate."""
    body, head = list(model[0].parameters()), list(model[-1].parameters())
    return [
        {"params": [p for p in body if p.dim() > 1]},
        {"params": [p for p in body if p.dim() == 1], "weight_decay": 0.0},
        {"params": head, "lr": 0.003},
    ]


OPTIMISERS = {
    "SGD with momentum": lambda m: [
        torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)
    ],
    "Adam": lambda m: [torch.optim.Adam(m.parameters(), lr=0.01)],
    "AdamW": lambda m: [torch.optim.AdamW(m.parameters(), lr=0.01)],
    "RMSprop": lambda m: [torch.optim.RMSprop(m.parameters(), lr=0.01)],
    "groups": lambda m: [torch.optim.AdamW(groups(m), lr=0.01, weight_decay=0.1)],
    "two optimisers": lambda m: [
        torch.optim.SGD(m[0].parameters(), lr=0.1),
        torch.optim.Adam(m[-1].parameters(), lr=0.01),
    ],
}


@pytest.mark.parametrize("middle", [(), (nn.BatchNorm1d(WIDTH),)], ids=["layerwise", "forward"])
@pytest.mark.parametrize("clipped", [False, True], ids=["", "clipped"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_training_equals_the_textbook_s_with_any_optimiser(name, clipped, middle):
    model = network(*deepcopy(middle))
    slow = deepcopy(model)
    each_batch, trusted = batches()
    reweighter = dc.Reweighter(model, cross_entropy, meta=PAPER)
    optimisers, slow_optimisers = (OPTIMISERS[name](m) for m in (model, slow))
    for batch in each_batch:
        weights = textbook_weights(slow, batch, trusted)
        slow.zero_grad()
        (weights * cross_entropy(slow(batch[0]), batch[1])).sum().backward()
        model.zero_grad()
        found = reweighter.step(batch, trusted)
        torch.testing.assert_close(found.weights, weights, rtol=1e-5, atol=1e-9)
        for m, its in ((model, optimisers), (slow, slow_optimisers)):
            if clipped:
                norm = nn.utils.clip_grad_norm_(m.parameters(), 0.05)
                assert norm > 0.05
            for optimiser in its:
                optimiser.step()
    for actual, expected in zip(model.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-9)


def contradicting(dtype=torch.float64):
    """A network at 0, a batch of which every label contradicts the trusted ones."""
    model = nn.Linear(4, 2).to(dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    x = torch.ones(6, 4, dtype=dtype)
    return model, (x, torch.ones(6).long()), (x, torch.zeros(6).long())


@pytest.mark.parametrize("trusted_share", [0.0, 0.2])
@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1),
    ],
)
def test_a_batch_in_which_no_example_helps_changes_nothing(make, trusted_share):
    model, batch, trusted = contradicting()
    reweighter = dc.Reweighter(model, cross_entropy, meta=PAPER, trusted_share=trusted_share)
    optimiser = make(model.parameters())
    optimiser.zero_grad()
    reweighter.step(trusted, trusted)
    optimiser.step()
    moved = [p.clone() for p in model.parameters()]
    state = deepcopy(optimiser.state_dict()["state"])

    optimiser.zero_grad()
    found = reweighter.step(batch, trusted)
    optimiser.step()

    assert not found.has_weight
    assert (found.influence <= 0).all()
    assert torch.equal(found.weights, torch.zeros(6, dtype=torch.float64))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), moved, strict=True))
    torch.testing.assert_close(optimiser.state_dict()["state"], state, rtol=0, atol=0)


def test_gradients_of_the_user_s_own_are_added_to():
    model, (batch, *_), trusted = network(), *batches()
    alone = deepcopy(model)
    dc.Reweighter(alone, cross_entropy, meta=PAPER).step(batch, trusted)
    penalty = sum(p.square().sum() for p in model.parameters())
    penalty.backward()
    dc.Reweighter(model, cross_entropy, meta=PAPER).step(batch, trusted)
    for both, one in zip(model.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(both.grad, one.grad + 2 * one)


def test_the_update_follows_the_trusted_gradient_as_far_as_asked():
    (batch, *_), trusted = batches()
    plain, more = network(), network()
    dc.Reweighter(plain, cross_entropy, meta=PAPER).step(batch, trusted)
    dc.Reweighter(more, cross_entropy, meta=PAPER, trusted_share=0.2).step(batch, trusted)
    model = network()
    cross_entropy(model(trusted[0]), trusted[1]).mean().backward()
    for a, b, v in zip(more.parameters(), plain.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad + 0.2 * v.grad)


def test_a_steering_gradient_serves_as_many_steps_as_asked():
    each_batch, trusted = batches()
    model = network()
    calls = []
    model.register_forward_hook(lambda module, args, out: calls.append(module.training))
    reweighter = dc.Reweighter(model, cross_entropy, meta=dc.Meta(batch=1000, every=3))
    reweighter.step(each_batch[0], trusted)
    calls.clear()
    losses = [reweighter.step(batch, trusted).trusted_loss for batch in each_batch[1:]]
    assert calls == [True, True, False, True]
    assert losses[0] is losses[1]


def test_a_drawn_part_of_the_trusted_examples_steers():
    (batch, *_), trusted = batches()
    drawn = [
        dc.Reweighter(
            network(),
            cross_entropy,
            meta=dc.Meta(batch=3, every=1),
            generator=torch.Generator().manual_seed(seed),
        ).step(batch, trusted)
        for seed in (0, 0, 1)
    ]
    assert torch.equal(drawn[0].influence, drawn[1].influence)
    assert not torch.equal(drawn[0].influence, drawn[2].influence)


def test_parameters_freed_between_two_steps_are_trained_from_then_on():
    each_batch, trusted = batches()
    model = network()
    model[0].requires_grad_(False)
    reweighter = dc.Reweighter(model, cross_entropy, meta=dc.Meta(batch=1000, every=2))
    reweighter.step(each_batch[0], trusted)
    assert model[0].weight.grad is None
    model[0].requires_grad_(True)
    model.zero_grad()
    found = reweighter.step(each_batch[1], trusted)
    expected = textbook_weights(model, each_batch[1], trusted)
    torch.testing.assert_close(found.weights, expected, rtol=1e-5, atol=1e-9)
    assert bool(model[0].weight.grad.any())


def test_a_weight_that_is_not_finite_is_an_error_and_leaves_the_gradients_alone():
    (batch, *_), trusted = batches()
    model = network()
    batch[0][3, 0] = torch.nan
    with pytest.raises(ModelError, match="loss of example 3 of the batch"):
        dc.Reweighter(model, cross_entropy).step(batch, trusted)
    assert all(p.grad is None for p in model.parameters())


def test_a_network_that_overwrites_its_input_is_refused():
    (batch, *_), trusted = batches()
    model = nn.Sequential(nn.Hardtanh(inplace=True), network())
    with pytest.raises(ModelError, match="changes its inputs in place"):
        dc.Reweighter(model, cross_entropy).step(batch, trusted)
    assert all(p.grad is None for p in model.parameters())


def test_an_empty_trusted_batch_is_refused():
    (batch, *_), (x, y) = batches()
    for call in (dc.Reweighter(network(), cross_entropy).step,):
        with pytest.raises(ModelError, match="no examples"):
            call(batch, (x[:0], y[:0]))
    with pytest.raises(ModelError, match="no examples"):
        dc.reweight(network(), cross_entropy, batch, (x[:0], y[:0]))


def encoder() -> nn.Module:
    return Along(nn.TransformerEncoderLayer(WIDTH, 2, 16, dropout=0.0, batch_first=True))


HALF = {
    "layerwise": Case(
        lambda: nn.Sequential(
            nn.Conv2d(4, 16, 3, padding=1),
            nn.GroupNorm(4, 16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 16, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(256, N_CLASSES),
        ),
        images(2),
        "layerwise",
    ),
    "attention": CASES["attention of linear layers"],
    "encoder": Case(encoder, series, "forward-mode"),
    "batch norm": CASES["batch norm"],
    "LSTM": CASES["LSTM"],
    "weight norm": CASES["weight norm"],
}


def skip_where_half_is_missing(case):
    """Processors without bfloat16 instructions have no LSTM in it."""
    inputs = case.draw(2)
    inputs = inputs.float() if inputs.is_floating_point() else inputs
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            case.make().float().eval()(inputs)
    except RuntimeError as error:
        if "primitive" in str(error):
            pytest.skip(f"this processor has no such layer in bfloat16: {error}")
        raise


@pytest.mark.parametrize("name", HALF)
def test_weights_in_float32_and_under_bfloat16_autocast_are_those_of_float64(name):
    """bfloat16 keeps 8 bits: each rounding is off by up to 2^-9, and an influence is a sum over
    layers in which positive and negative terms cancel. 0.1 of the largest weight is 50 roundings.
    """
    case = HALF[name]
    skip_where_half_is_missing(case)
    torch.manual_seed(0)
    model = case.make().float()
    (batch, *_), trusted = batches(case.draw, torch.float32)
    double = deepcopy(model).double()
    exact = dc.Reweighter(double, cross_entropy, meta=PAPER).step(
        (batch[0].double(), batch[1]), (trusted[0].double(), trusted[1])
    )
    full, half = (dc.Reweighter(deepcopy(model), cross_entropy, meta=PAPER) for _ in range(2))
    single = full.step(batch, trusted)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = half.step(batch, trusted)

    scale = float(exact.weights.max())
    torch.testing.assert_close(single.weights.double(), exact.weights, rtol=0, atol=1e-4 * scale)
    torch.testing.assert_close(rough.weights.double(), exact.weights, rtol=0, atol=0.1 * scale)
    assert rough.weights.dtype == torch.float32
    assert full.route.name == half.route.name == case.route


HALF_ROUTES = {
    # torch's forward derivative of batch normalisation without trainable parameters is float32.
    "batch norm, frozen": "double-backward",
    # What is hidden from autograd here is within bfloat16's rounding.
    "without gradient": "forward-mode",
}


@pytest.mark.parametrize("is_half", [False, True], ids=["float32", "autocast"])
@pytest.mark.parametrize("name", CASES)
def test_rounding_moves_no_network_to_a_slower_route(name, is_half):
    case = CASES[name]
    if is_half:
        skip_where_half_is_missing(case)
    torch.manual_seed(0)
    model = case.make().float()
    is_code = not case.draw(1).is_floating_point()
    (batch, *_), trusted = batches(case.draw, torch.int64 if is_code else torch.float32)
    reweighter = dc.Reweighter(model, cross_entropy, meta=PAPER)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_half):
        found = reweighter.step(batch, trusted)
    assert reweighter.route.name == (HALF_ROUTES.get(name, case.route) if is_half else case.route)
    assert found.influence.isfinite().all()
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} <= {torch.float32}


class Nested(nn.Module):
    """A part of the network is compiled, as people compile a backbone."""

    def __init__(self, backend: str, *middle: nn.Module) -> None:
        super().__init__()
        body = nn.Sequential(nn.Linear(WIDTH, WIDTH), *middle)
        self.body = torch.compile(body, backend=backend)
        self.head = nn.Linear(WIDTH, N_CLASSES)

    def forward(self, x):
        return self.head(self.body(x))


def in_place(model: nn.Module, backend: str) -> nn.Module:
    model.compile(backend=backend)
    return model


COMPILED = {
    "whole": lambda backend, *m: torch.compile(network(*m), backend=backend),
    "in place": lambda backend, *m: in_place(network(*m), backend),
    "nested": lambda backend, *m: Nested(backend, *m).double(),
}


@pytest.mark.parametrize("make", COMPILED.values(), ids=COMPILED)
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("middle", ["layerwise", "forward-mode"])
def test_compiled_networks_are_reweighted_as_they_were_written(make, backend, middle):
    torch._dynamo.reset()
    layers = (nn.LayerNorm(WIDTH), nn.ReLU()) if middle == "layerwise" else (nn.BatchNorm1d(WIDTH),)
    torch.manual_seed(0)
    model = make(backend, *layers)
    (batch, *_), trusted = batches()
    with torch.compiler.set_stance("force_eager"):
        expected = textbook_weights(model, batch, trusted)

    reweighter = dc.Reweighter(model, cross_entropy, meta=PAPER)
    found = reweighter.step(batch, trusted)

    torch.testing.assert_close(found.weights, expected, rtol=1e-5, atol=1e-9)
    assert reweighter.route.name == middle
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler")
def test_a_network_compiled_by_inductor_is_reweighted():
    torch._dynamo.reset()
    model = torch.compile(network())
    (batch, *_), trusted = batches()
    expected = textbook_weights(network(), batch, trusted)
    found = dc.Reweighter(model, cross_entropy, meta=PAPER).step(batch, trusted)
    torch.testing.assert_close(found.weights, expected, rtol=1e-5, atol=1e-9)


def test_the_step_is_that_of_the_rule():
    """`reweight` looks, `Reweighter` steps: both give the weights of eq. 8 and 9."""
    (batch, *_), trusted = batches()
    looked = dc.reweight(network(), cross_entropy, batch, trusted)
    stepped = dc.Reweighter(network(), cross_entropy, meta=PAPER).step(batch, trusted)
    torch.testing.assert_close(looked.weights, stepped.weights)
    clipped = looked.influence.clamp(min=0)
    torch.testing.assert_close(looked.weights, clipped / clipped.sum())
