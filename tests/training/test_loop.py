"""The loop: what is recorded, what is skipped, how batches are cut."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from datacleanse.settings import Meta, Schedule
from datacleanse.training.batches import count_batches, split
from datacleanse.training.examples import Examples
from datacleanse.training.loop import Hooks, TrainingError, train
from datacleanse.training.rules import RULES, Rule, make_rule


def blobs(n_data=90, n_clean=10, *, flipped=0, seed=0):
    """Two well separated classes; the first ``flipped`` rows of class 0 carry label 1."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_data + n_clean) % 2
    x = rng.normal(size=(len(labels), 4)) + 3.0 * labels[:, None]
    given_labels = labels.copy()
    given_labels[np.flatnonzero(labels[:n_data] == 0)[:flipped]] = 1
    return Examples(
        inputs=torch.tensor(x, dtype=torch.float32),
        labels=torch.tensor(given_labels),
        n_data=n_data,
        training_rows=torch.arange(n_data),
        steering_rows=torch.arange(n_data, n_data + n_clean),
        n_classes=2,
    ), given_labels != labels


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2))


SCHEDULE = Schedule(epochs=6, batch_size=16, lr=1e-2)


def keeping(records):
    """A hook that keeps the epochs' records, which the next epoch would overwrite."""
    return lambda epoch, record: records.__setitem__(epoch, deepcopy(record))


def run(examples, rule="l2rw", *, schedule=SCHEDULE, seed=0, model=None):
    records = {}
    outcome = train(
        model or network(),
        make_rule(rule, seed=seed),
        examples,
        schedule,
        seed=seed,
        hooks=Hooks(on_epoch=keeping(records)),
    )
    return outcome, list(records.items())


def test_planted_errors_get_less_weight_and_smaller_margins():
    examples, wrong = blobs(flipped=15)
    outcome, _ = run(examples)
    n = examples.n_data
    assert outcome.dynamics.weight[:n][wrong[:n]].mean() < 0.2
    assert outcome.dynamics.weight[:n][~wrong[:n]].mean() > 1.0
    assert outcome.dynamics.margin[:n][wrong[:n]].max() < np.median(outcome.dynamics.margin[:n])


def test_every_epoch_is_recorded_once_and_the_means_are_theirs():
    examples, _ = blobs(flipped=5)
    outcome, records = run(examples)
    assert [epoch for epoch, _ in records] == list(range(SCHEDULE.epochs))
    weight = np.stack([record.weight for _, record in records])
    np.testing.assert_allclose(weight.mean(0), outcome.dynamics.weight[:90], rtol=1e-5)
    np.testing.assert_allclose((weight == 0).mean(0), outcome.dynamics.zero_weight_share[:90])
    margin = np.stack([record.margin for _, record in records])
    np.testing.assert_allclose(margin.mean(0), outcome.dynamics.margin[:90], rtol=1e-5)
    np.testing.assert_allclose(outcome.dynamics.probability.sum(1), 1.0, rtol=1e-5)


def test_weights_average_to_one_over_the_rows_of_equal_batches():
    examples, _ = blobs(n_data=96)
    _, records = run(examples)
    for _, record in records:
        assert record.weight.mean() == pytest.approx(1.0, rel=1e-5)


def test_rows_that_are_not_trained_on_have_margins_but_no_weight():
    examples, _ = blobs()
    outcome, _ = run(examples)
    assert np.isnan(outcome.dynamics.weight[90:]).all()
    assert np.isnan(outcome.dynamics.zero_weight_share[90:]).all()
    assert np.isfinite(outcome.dynamics.margin[90:]).all()


@pytest.mark.parametrize("rule", sorted(RULES))
def test_the_same_seed_gives_the_same_network_and_record(rule):
    examples, _ = blobs(flipped=5)
    models = [network(), network()]
    outcomes = [run(examples, rule, model=model)[0] for model in models]
    for first, second in zip(*(m.parameters() for m in models), strict=True):
        assert torch.equal(first, second)
    np.testing.assert_array_equal(outcomes[0].dynamics.weight, outcomes[1].dynamics.weight)


def test_training_leaves_the_global_random_state_alone():
    torch.manual_seed(42)
    expected = torch.rand(1)
    torch.manual_seed(42)
    model = network(seed=42)
    torch.manual_seed(42)
    run(blobs()[0], model=model)
    assert torch.equal(torch.rand(1), expected)


def test_batches_without_any_weight_update_nothing_and_are_counted():
    """All rows are alike, and every training label contradicts the trusted ones."""
    contradicting = Examples(
        inputs=torch.ones(42, 4),
        labels=(torch.arange(42) < 32).long(),
        n_data=32,
        training_rows=torch.arange(32),
        steering_rows=torch.arange(32, 42),
        n_classes=2,
    )
    model = nn.Linear(4, 2)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()
    before = model.weight.clone()
    outcome, records = run(
        contradicting, model=model, schedule=Schedule(epochs=2, batch_size=32, lr=1e-2)
    )
    assert outcome.skipped_steps == 2
    assert torch.equal(model.weight, before)
    assert all((record.weight == 0).all() for _, record in records)


@pytest.mark.parametrize("n_clean", [1, 3, 64])
def test_a_clean_set_smaller_or_larger_than_a_batch_steers(n_clean):
    examples, wrong = blobs(n_data=128, n_clean=n_clean, flipped=20)
    outcome, _ = run(examples)
    assert np.isfinite(outcome.dynamics.influence[:128]).all()
    if n_clean >= 3:
        weight = outcome.dynamics.weight[:128]
        assert weight[wrong[:128]].mean() < weight[~wrong[:128]].mean()


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_epoch():
    examples, _ = blobs()
    examples.inputs[0, 0] = torch.inf
    with pytest.raises(TrainingError, match="epoch 0"):
        run(examples)


class Pupil(Rule):
    """Weighs nothing, and keeps what it is shown beside what the network says of it just then."""

    warm_up_epochs = 1
    learns = True

    def __init__(self, model):
        self._model = model
        self.weighed = 0
        self.lessons = []

    def weigh(self, step):
        self.weighed += 1
        return torch.linspace(1, 2, len(step.losses)) / len(step.losses)

    def learn(self, logits, labels):
        parameters = [p.detach().clone() for p in self._model.parameters()]
        self.lessons.append((logits, labels, self._model.training, parameters, self.weighed))


def test_a_rule_that_learns_is_shown_trusted_rows_after_each_update_but_not_while_warming_up():
    examples, _ = blobs(n_data=96, n_clean=10)
    schedule = Schedule(epochs=3, batch_size=32, lr=1e-2, meta=Meta(batch=4))
    model = network()
    rule = Pupil(model)
    records = {}
    train(
        model,
        rule,
        examples,
        schedule,
        seed=0,
        hooks=Hooks(on_epoch=keeping(records)),
    )
    assert [weighed for *_, weighed in rule.lessons] == [1, 2, 3, 4, 5, 6]
    shown = network()
    for logits, labels, is_training, parameters, _ in rule.lessons:
        assert len(labels) == 4
        assert not is_training
        for mine, then in zip(shown.parameters(), parameters, strict=True):
            mine.data.copy_(then)
        trusted = shown.eval()(examples.inputs[90 + 6 :])
        assert all(any(torch.allclose(row, other) for other in trusted) for row in logits)
    assert not torch.equal(rule.lessons[0][3][0], rule.lessons[1][3][0])
    np.testing.assert_array_equal(records[0].weight, 1.0)
    for record in list(records.values())[1:]:
        assert sorted(record.weight) == pytest.approx(sorted(np.tile(np.linspace(1, 2, 32), 3)))


def test_a_first_batch_that_is_not_finite_is_the_training_s_error_not_the_network_s():
    """It tells nothing about the routes, and must not seem to refuse them all."""
    examples, _ = blobs()
    examples.inputs[:90] = torch.inf
    batch_norm = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    for model in (network(), batch_norm):
        with pytest.raises(TrainingError, match="epoch 0, batch 0"):
            run(examples, model=model)


def test_the_outcome_says_by_which_route_influences_were_computed():
    examples, _ = blobs()
    assert run(examples)[0].route.name == "layerwise"
    assert run(examples, "uniform")[0].route is None


@given(n=st.integers(2, 200), batch_size=st.integers(2, 64))
def test_batches_cover_every_row_once_and_none_has_a_single_row(n, batch_size):
    parts = list(split(torch.arange(n), batch_size))
    assert torch.equal(torch.cat(parts), torch.arange(n))
    assert min(len(part) for part in parts) >= 2
    assert max(len(part) for part in parts) <= batch_size + 1
    assert len(parts) == count_batches(n, batch_size)
