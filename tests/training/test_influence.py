"""Both first-order routes against the double-backward reference, and the gradients they leave."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from datacleanse.errors import ModelError
from datacleanse.models.encoding import CategoricalFeature, Encoding, NumericFeature
from datacleanse.models.tabular import TabularNetwork, make_tabular_shape
from datacleanse.training.adamw import AdamW
from datacleanse.training.influence import (
    ForwardMode,
    Layerwise,
    choose_engine,
    compute_trusted_gradient,
)
from datacleanse.training.reweighter import reweight
from tests.training.reference import (
    cross_entropy,
    double_backward_influence,
    hold_to_the_weighted_loss,
)

N_IN, N_CLASSES = 6, 3


class Tied(nn.Module):
    """One layer used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(N_IN, N_IN)
        self.head = nn.Linear(N_IN, N_CLASSES)

    def forward(self, x):
        return self.head(self.inner(self.inner(x).tanh()).tanh())


class Positions(nn.Module):
    """Layers that see several positions per example, as in attention and token models."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(5, 4)
        self.norm = nn.LayerNorm(4)
        self.mix = nn.Linear(4, 4)
        self.head = nn.Linear(4, N_CLASSES)

    def forward(self, x):
        codes = (x * 10).long().abs() % 5
        return self.head(self.mix(self.norm(self.tokens(codes))).relu().mean(dim=1))


def tabular() -> nn.Module:
    edges = (-2.0, -0.5, 0.0, 0.5, 2.0)
    numeric = tuple(NumericFeature(f"x{i}", "", 0.0, 1.0, i == 0, edges) for i in range(N_IN - 2))
    categorical = tuple(CategoricalFeature(f"c{i}", ("a", "b")) for i in range(2))
    encoding = Encoding(numeric, categorical)
    network = TabularNetwork(
        make_tabular_shape(encoding, N_CLASSES, width=7, n_hidden=2, dropout=0.0)
    )
    network.numbers.set_edges(encoding)
    return network


def mlp(*middle: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(N_IN, 8), *middle, nn.Linear(8, N_CLASSES))


LAYERWISE = {
    "mlp": lambda: mlp(nn.ReLU()),
    "no bias": lambda: nn.Sequential(nn.Linear(N_IN, 8, bias=False), nn.Tanh(), nn.Linear(8, 3)),
    "layer norm": lambda: mlp(nn.LayerNorm(8), nn.ReLU()),
    "group norm": lambda: mlp(nn.GroupNorm(2, 8), nn.GELU()),
    "tied": Tied,
    "positions": Positions,
    "tabular": tabular,
}
BATCH_STATISTICS = {
    "batch norm": lambda: mlp(nn.BatchNorm1d(8), nn.ReLU()),
    "batch norm first": lambda: nn.Sequential(nn.BatchNorm1d(N_IN), nn.Linear(N_IN, 3)),
}
CASES = [
    *(
        (name, make, engine)
        for name, make in LAYERWISE.items()
        for engine in (Layerwise, ForwardMode)
    ),
    *((name, make, ForwardMode) for name, make in BATCH_STATISTICS.items()),
]


def batches(n: int = 16, m: int = 9):
    generator = torch.Generator().manual_seed(1)

    def draw(k):
        x = torch.randn(k, N_IN, generator=generator, dtype=torch.float64)
        x[:, -2:] = torch.randint(3, (k, 2), generator=generator).double()
        return x, torch.randint(N_CLASSES, (k,), generator=generator)

    return draw(n), draw(m)


def built(make) -> nn.Module:
    torch.manual_seed(0)
    return make().double().train()


def with_missing(name: str, batch):
    if name == "tabular":
        batch[0][::3, 0] = torch.nan
    return batch


@pytest.mark.parametrize(("name", "make", "engine"), CASES)
def test_influence_equals_the_double_backward_reference(name, make, engine):
    model = built(make)
    batch, trusted = (with_missing(name, part) for part in batches())
    expected = double_backward_influence(model, batch, trusted)

    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    actual = engine(model, cross_entropy).open(*batch, direction).influence

    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-9 * float(expected.abs().max()))


@pytest.mark.parametrize(("name", "make", "engine"), CASES)
def test_descend_leaves_the_gradient_of_the_weighted_loss(name, make, engine):
    batch, trusted = (with_missing(name, part) for part in batches())
    hold_to_the_weighted_loss(engine, built(make), batch, trusted)


@pytest.mark.parametrize("engine", [Layerwise, ForwardMode])
def test_dropout_has_the_same_mask_in_weighting_and_update(engine):
    """With a random mask, influence and gradient must come from one and the same forward pass."""
    model = built(lambda: mlp(nn.Dropout(0.5), nn.Tanh()))
    (x, y), trusted = batches()
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    step = engine(model, cross_entropy).open(x, y, direction)
    per_example = []
    for i in range(len(x)):
        one = torch.zeros(len(x), dtype=torch.float64)
        one[i] = 1.0
        torch.manual_seed(5)
        again = engine(model, cross_entropy).open(x, y, direction)
        again.descend(one)
        dot = sum((p.grad * direction[k]).sum() for k, p in model.named_parameters())
        model.zero_grad()
        per_example.append((dot, again.influence[i]))
    for dot, influence in per_example:
        torch.testing.assert_close(dot, influence, rtol=1e-9, atol=1e-12)
    assert step.influence.shape == (len(x),)


def test_frozen_parameters_take_no_part():
    model = built(lambda: mlp(nn.ReLU()))
    model[0].weight.requires_grad_(False)
    batch, trusted = batches()
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    results = [e(model, cross_entropy).open(*batch, direction) for e in (Layerwise, ForwardMode)]

    torch.testing.assert_close(results[0].influence, results[1].influence, rtol=1e-9, atol=1e-12)
    results[0].descend(torch.ones(16, dtype=torch.float64))
    assert model[0].weight.grad is None
    assert "0.weight" not in direction


def test_batch_statistics_are_updated_once_per_step_as_in_plain_training():
    plain, dual = (built(BATCH_STATISTICS["batch norm"]) for _ in range(2))
    batch, trusted = batches()
    plain(batch[0])
    direction, _ = compute_trusted_gradient(dual, cross_entropy, *trusted)
    ForwardMode(dual, cross_entropy).open(*batch, direction)

    for expected, actual in zip(plain.buffers(), dual.buffers(), strict=True):
        torch.testing.assert_close(actual, expected)


def test_trusted_gradient_leaves_mode_and_gradients_alone():
    model = built(BATCH_STATISTICS["batch norm"])
    before = [buffer.clone() for buffer in model.buffers()]
    _, trusted = batches()
    model[2].eval()

    compute_trusted_gradient(model, cross_entropy, *trusted)

    assert [m.training for m in model.modules()] == [True, True, True, False, True]
    assert all(p.grad is None for p in model.parameters())
    for expected, actual in zip(before, model.buffers(), strict=True):
        torch.testing.assert_close(actual, expected)


def test_a_module_that_is_used_twice_keeps_its_parameters_in_forward_mode():
    layer = nn.Linear(6, 6)
    layers = [layer, nn.BatchNorm1d(6), nn.Tanh(), layer, nn.Linear(6, 3)]
    model = built(lambda: nn.Sequential(*layers))
    batch, trusted = batches()
    # The reference leaves virtual parameters in a module that has two names.
    expected = double_backward_influence(copy.deepcopy(model), batch, trusted)
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    before = dict(model.named_parameters())

    step = ForwardMode(model, cross_entropy).open(*batch, direction)

    torch.testing.assert_close(step.influence, expected)
    step.descend(torch.ones(len(batch[1]), dtype=torch.float64))
    after = dict(model.named_parameters())
    assert all(after[name] is parameter for name, parameter in before.items())
    assert all(parameter.grad is not None for parameter in after.values())


@pytest.mark.parametrize("engine", [Layerwise, ForwardMode])
def test_a_batch_of_one_has_an_influence(engine):
    model = built(lambda: mlp(nn.ReLU()))
    _, trusted = batches()
    (x, y), _ = batches(n=1)
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)
    expected = double_backward_influence(model, (x, y), trusted)

    torch.testing.assert_close(
        engine(model, cross_entropy).open(x, y, direction).influence, expected
    )


def test_the_cheap_route_is_chosen_only_where_it_is_exact():
    assert choose_engine(tabular(), cross_entropy).name == "layerwise"
    assert (
        choose_engine(built(BATCH_STATISTICS["batch norm"]), cross_entropy).name == "forward-mode"
    )
    lstm = nn.LSTM(3, 3)
    assert choose_engine(lstm, cross_entropy).name == "forward-mode"


def test_an_output_changed_in_place_is_no_obstacle_to_the_layerwise_route():
    model = built(lambda: mlp(nn.ReLU(inplace=True)))
    batch, trusted = batches()
    expected = double_backward_influence(model, batch, trusted)
    direction, _ = compute_trusted_gradient(model, cross_entropy, *trusted)

    actual = Layerwise(model, cross_entropy).open(*batch, direction).influence

    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), lambda logits, labels: logits])
def test_a_loss_that_is_not_one_value_an_example_is_refused(loss):
    batch, trusted = batches()
    with pytest.raises(ModelError, match="unreduced"):
        reweight(built(lambda: mlp(nn.ReLU())), loss, batch, trusted)


def test_a_batch_with_too_few_labels_is_refused():
    (x, y), trusted = batches()
    with pytest.raises(ModelError, match="a label for each example"):
        reweight(built(lambda: mlp(nn.ReLU())), cross_entropy, (x, y[:-1]), trusted)


def test_a_compiled_network_gives_the_same_influence():
    model = built(lambda: mlp(nn.ReLU()))
    batch, trusted = batches()
    expected = reweight(model, cross_entropy, batch, trusted).influence

    compiled = torch.compile(model, backend="eager")

    torch.testing.assert_close(
        reweight(compiled, cross_entropy, batch, trusted).influence, expected
    )


@pytest.mark.parametrize("engine", [Layerwise, ForwardMode])
def test_gradients_lie_in_memory_as_their_parameters_do(engine):
    """Fused optimisers read both by position, whatever their strides say."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(64, 3)]
    model = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    x, y = torch.randn(6, 3, 8, 8), torch.arange(6) % 3
    direction, _ = compute_trusted_gradient(model, cross_entropy, x, y)

    step = engine(model, cross_entropy).open(x, y, direction)
    step.descend(torch.ones(6))

    usual = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    expected = engine(usual, cross_entropy).open(x, y, direction).influence
    torch.testing.assert_close(step.influence, expected)
    for parameter in model.parameters():
        assert parameter.grad.stride() == parameter.stride()
    other = copy.deepcopy(model)
    for parameter, its in zip(other.parameters(), model.parameters(), strict=True):
        parameter.grad = its.grad.contiguous().clone(memory_format=torch.preserve_format)
    slow = torch.optim.AdamW(other.parameters(), lr=0.1, weight_decay=0.0, foreach=False)
    slow.step()
    AdamW(list(model.parameters()), weight_decay=0.0).step(0.1)
    torch.testing.assert_close(dict(model.named_parameters()), dict(other.named_parameters()))
