"""Every rule through one contract; what is particular to each after it."""

from __future__ import annotations

import pytest
import torch

from datacleanse.influence import Step
from datacleanse.rules import RULES, make_rule
from datacleanse.rules.l2rw import L2RW
from datacleanse.rules.random import Random


def step_with(influence) -> Step:
    influence = torch.as_tensor(influence, dtype=torch.float32)
    n = len(influence)
    generator = torch.Generator().manual_seed(0)
    return Step(
        logits=torch.randn(n, 3, generator=generator),
        losses=torch.rand(n, generator=generator),
        labels=torch.zeros(n, dtype=torch.int64),
        influence=influence,
        descend=lambda weights: None,
    )


@pytest.fixture(params=sorted(RULES))
def name(request):
    return request.param


@pytest.mark.parametrize("n", [1, 2, 64])
def test_weights_are_non_negative_finite_and_sum_to_one(name, n):
    step = step_with(torch.linspace(0.1, 1.0, n))
    rule = make_rule(name, seed=3)
    for _ in range(5):
        weights = rule.weigh(step)
        assert weights.shape == (n,)
        assert not weights.requires_grad
        assert bool((weights >= 0).all())
        total = float(weights.sum())
        assert total == pytest.approx(1.0, abs=1e-6) or (total == 0.0 and name == "random")


def test_the_same_seed_gives_the_same_weights(name):
    step = step_with(torch.linspace(-1, 1, 8))
    first, second = make_rule(name, seed=7), make_rule(name, seed=7)
    for _ in range(3):
        torch.testing.assert_close(first.weigh(step), second.weigh(step))


def test_a_restored_rule_goes_on_as_if_never_interrupted(name):
    step = step_with(torch.linspace(-1, 1, 8))
    rule = make_rule(name, seed=7)
    rule.weigh(step)
    state = rule.state()
    expected = [rule.weigh(step) for _ in range(3)]

    restored = make_rule(name, seed=99)
    restored.load(state)

    for weights in expected:
        torch.testing.assert_close(restored.weigh(step), weights)


def test_l2rw_clips_negative_influence_and_normalises_the_rest():
    weights = L2RW().weigh(step_with([3.0, -1.0, 1.0, 0.0]))
    torch.testing.assert_close(weights, torch.tensor([0.75, 0.0, 0.25, 0.0]))


def test_l2rw_gives_no_weight_where_no_example_helps():
    weights = L2RW().weigh(step_with([-3.0, -1.0, 0.0]))
    torch.testing.assert_close(weights, torch.zeros(3))


def test_random_weights_are_rectified_so_about_half_are_zero():
    weights = Random(seed=0).weigh(step_with(torch.zeros(4000)))
    assert float((weights == 0).float().mean()) == pytest.approx(0.5, abs=0.05)
