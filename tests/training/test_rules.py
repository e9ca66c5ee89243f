"""Every rule through one contract; what is particular to each after it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from datacleanse.training.influence import Step
from datacleanse.training.rules import RULES, make_rule
from datacleanse.training.rules.l2rw import L2RW
from datacleanse.training.rules.lilaw import LiLAW
from datacleanse.training.rules.random import Random
from tests.training.reference import PlainLiLAW


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


HAVE_A_SCALE = {"lilaw"}
"""Rules whose formula says how much a batch weighs in all; the others' weights sum to 1."""


@pytest.mark.parametrize("n", [1, 2, 64])
def test_weights_are_detached_finite_non_negative_and_sum_to_one_unless_they_have_a_scale(name, n):
    step = step_with(torch.linspace(0.1, 1.0, n))
    rule = make_rule(name, seed=3)
    for _ in range(5):
        weights = rule.weigh(step)
        assert weights.shape == (n,)
        assert weights.dtype == step.losses.dtype
        assert not weights.requires_grad
        assert bool((weights.isfinite() & (weights >= 0)).all())
        total = float(weights.sum())
        if name not in HAVE_A_SCALE:
            assert total == pytest.approx(1.0, abs=1e-6) or (total == 0.0 and name == "random")
        rule.learn(step.logits, step.labels)


def test_the_same_seed_gives_the_same_weights(name):
    step = step_with(torch.linspace(-1, 1, 8))
    first, second = make_rule(name, seed=7), make_rule(name, seed=7)
    for _ in range(3):
        torch.testing.assert_close(first.weigh(step), second.weigh(step))


def test_a_restored_rule_goes_on_as_if_never_interrupted(name):
    step = step_with(torch.linspace(-1, 1, 8))
    rule = make_rule(name, seed=7)
    weighed_and_learned(rule, step)
    state = rule.state()
    expected = [weighed_and_learned(rule, step) for _ in range(3)]

    restored = make_rule(name, seed=99)
    restored.load(state)

    for weights in expected:
        assert torch.equal(weighed_and_learned(restored, step), weights)


def weighed_and_learned(rule, step):
    weights = rule.weigh(step)
    rule.learn(step.logits, step.labels)
    return weights


def test_l2rw_clips_negative_influence_and_normalises_the_rest():
    weights = L2RW().weigh(step_with([3.0, -1.0, 1.0, 0.0]))
    torch.testing.assert_close(weights, torch.tensor([0.75, 0.0, 0.25, 0.0]))


def test_l2rw_gives_no_weight_where_no_example_helps():
    weights = L2RW().weigh(step_with([-3.0, -1.0, 0.0]))
    torch.testing.assert_close(weights, torch.zeros(3))


def test_random_weights_are_those_of_a_rectified_gaussian():
    """Ren et al. 2018, section 4: half are 0, the rest a half-normal, normalised."""
    n = 4000
    weights = Random(seed=0).weigh(step_with(torch.zeros(n)))
    assert float((weights == 0).float().mean()) == pytest.approx(0.5, abs=0.05)
    # A half-normal's mean is sqrt(2 / pi) of its root mean square.
    drawn = weights[weights > 0]
    ratio = float(drawn.mean() / drawn.square().mean().sqrt())
    assert ratio == pytest.approx(math.sqrt(2 / math.pi), abs=0.02)


def batch_of(n, *, seed):
    """Logits (n, 4) of examples that a network is anything from sure to wrong about."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n, 4, generator=generator, dtype=torch.float64)
    return logits, torch.randint(4, (n,), generator=generator)


def test_lilaw_follows_a_plain_transcription_of_its_equations_step_by_step():
    rule, plain = LiLAW(), PlainLiLAW()
    for number in range(20):
        logits, labels = batch_of(13, seed=number)
        step = replace(step_with(torch.zeros(13)), logits=logits, labels=labels)
        expected = torch.tensor(plain.weights(logits, labels), dtype=torch.float64)
        torch.testing.assert_close(rule.weigh(step), expected, rtol=1e-12, atol=0)
        trusted = batch_of(7, seed=1000 + number)
        rule.learn(*trusted)
        plain.learn(*trusted)
        torch.testing.assert_close(
            rule.state()["parameters"], plain.parameters(), rtol=1e-12, atol=0
        )


def test_lilaw_in_single_precision_learns_what_it_learns_in_double():
    single, double = LiLAW(), LiLAW()
    for number in range(200):
        logits, labels = batch_of(7, seed=number)
        single.learn(logits.float(), labels)
        double.learn(logits, labels)
    start = LiLAW().state()["parameters"]
    learned, expected = (rule.state()["parameters"] - start for rule in (single, double))
    torch.testing.assert_close(learned, expected, rtol=1e-5, atol=0)
