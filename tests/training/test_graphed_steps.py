"""Steps that are recorded once: the same training, whatever is asked on the way.

There is no GPU here, so what is "recorded" is called again; `tests/test_on_gpu.py` records.
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from datacleanse.models.tabular import TabularNetwork, TabularShape
from datacleanse.settings import Meta, Schedule
from datacleanse.training import graphed_steps
from datacleanse.training.loop import Hooks, train
from datacleanse.training.rules import make_rule
from tests.training.test_loop import blobs

SHAPE = TabularShape(4, (0, 0, 0, 0), (), (), 2, 16, 2, 0.25)
SCHEDULE = Schedule(epochs=5, batch_size=16, lr=1e-2)


@contextmanager
def recording(patch, *, spoil=lambda: None):
    """Steps are "recorded"; what is yielded counts the replays."""
    replays = []

    def record(body):
        def replay():
            replays.append(1)
            body()
            spoil()

        return replay

    with patch.context() as patched:
        patched.setattr(graphed_steps, "can_record", lambda device: True)
        patched.setattr(graphed_steps, "record", record)
        yield replays


def fit(examples, rule="l2rw", *, schedule=SCHEDULE, **more):
    torch.manual_seed(3)
    model = TabularNetwork(SHAPE)
    outcome = train(model, make_rule(rule, seed=0), examples, schedule, seed=7, **more)
    return outcome, torch.nn.utils.parameters_to_vector(model.parameters()).detach().numpy()


def compare(first, second):
    for name in ("weight", "influence", "loss", "margin", "probability"):
        expected, found = (getattr(each[0].dynamics, name) for each in (first, second))
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-4, err_msg=name)
    np.testing.assert_allclose(second[1], first[1], rtol=1e-3, atol=1e-4)
    assert first[0].skipped_steps == second[0].skipped_steps
    np.testing.assert_allclose(second[0].loss, first[0].loss, rtol=1e-3)


@pytest.mark.parametrize("meta", [Meta(), Meta(batch=4, every=1), Meta(batch=4, every=3)])
@pytest.mark.parametrize("rule", ["l2rw", "uniform"])
def test_a_training_by_recorded_steps_is_the_same(monkeypatch, rule, meta):
    examples, _ = blobs(flipped=15)
    schedule = replace(SCHEDULE, meta=meta)
    expected = fit(examples, rule, schedule=schedule)
    with recording(monkeypatch) as replays:
        found = fit(examples, rule, schedule=schedule)
    compare(expected, found)
    # All whole batches but the first, and one try of each graph.
    n_graphs = 2 if rule == "l2rw" and meta.every > 1 else 1
    assert len(replays) == 5 * 5 - 1 + n_graphs


def test_rows_count_by_their_worth(monkeypatch):
    examples, _ = blobs(flipped=15)
    examples = replace(examples, worth=torch.linspace(0, 1, len(examples.labels)))
    expected = fit(examples, "uniform")
    with recording(monkeypatch) as replays:
        compare(expected, fit(examples, "uniform"))
    assert replays


def test_steps_in_which_nothing_helps_change_nothing_and_are_counted(monkeypatch):
    examples, _ = blobs()
    # All trusted labels contradict nearly all others.
    labels = torch.zeros_like(examples.labels)
    labels[examples.steering_rows] = 1
    labels[:6] = 1
    examples = replace(examples, labels=labels, inputs=examples.inputs.clamp(2.0, 2.5))
    expected = fit(examples)
    assert 0 < expected[0].skipped_steps < 5 * 6
    with recording(monkeypatch):
        compare(expected, fit(examples))


def test_a_graph_that_computes_something_else_is_not_used(monkeypatch):
    examples, _ = blobs(flipped=15)
    expected = fit(examples)
    with recording(monkeypatch, spoil=lambda: spoiled.add_(1.0)) as replays:
        torch.manual_seed(3)
        model = TabularNetwork(SHAPE)
        spoiled = model.head.weight.data
        outcome = train(model, make_rule("l2rw", seed=0), examples, SCHEDULE, seed=7)
    found = outcome, torch.nn.utils.parameters_to_vector(model.parameters()).detach().numpy()
    assert len(replays) == 1
    # To the last bit: the try has left nothing behind.
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(outcome.dynamics.weight, expected[0].dynamics.weight)


def test_a_device_that_refuses_is_not_asked_again(monkeypatch):
    examples, _ = blobs(flipped=15)
    expected = fit(examples)
    asked = []

    def refuse(body):
        asked.append(body)
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(graphed_steps, "can_record", lambda device: True)
    monkeypatch.setattr(graphed_steps, "record", refuse)
    found = fit(examples)
    assert len(asked) == 1
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("rule", ["lilaw", "random"])
def test_rules_that_learn_or_draw_are_not_recorded(monkeypatch, rule):
    examples, _ = blobs(flipped=15)
    with recording(monkeypatch) as replays:
        fit(examples, rule)
    assert not replays


def test_a_training_goes_on_from_a_checkpoint(monkeypatch):
    examples, _ = blobs(flipped=15)
    expected = fit(examples)
    kept = []
    with recording(monkeypatch) as replays:
        fit(examples, hooks=Hooks(save=lambda saved: kept.append(deepcopy(saved))))
        n = len(replays)
        compare(expected, fit(examples, saved=kept[2]))
    assert len(replays) > n
