"""The trainings of an audit: which networks have an opinion of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from datacleanse.progress import SILENT
from datacleanse.training.trainer import Trainer
from tests.training.test_loop import blobs
from tests.training.test_shortage import lesson


@pytest.mark.parametrize("rule", ["uniform", "random"])
def test_a_fold_has_an_opinion_where_its_network_is_not_the_control(rule):
    """One training serves all folds where nothing is reweighted; the control speaks for it."""
    examples, _ = blobs(flipped=10)
    asked = replace(lesson(64, None), rule=rule)
    trainer = Trainer(asked, torch.device("cpu"), lambda part: None, SILENT)
    networks = trainer.learn([lambda: examples] * 2, examples)

    assert len(networks.opinions) == 2
    for opinion in networks.opinions:
        assert (opinion is None) == (rule == "uniform")
        if opinion is not None:
            assert not np.array_equal(opinion, networks.control.outcome.dynamics.probability)


@pytest.mark.parametrize(("share", "expected"), [(1.0, 4), (0.5, 2)])
def test_only_trainings_in_further_folds_are_shorter(share, expected):
    examples, _ = blobs(flipped=10)
    asked = lesson(64, None)
    asked = replace(asked, schedule=replace(asked.schedule, further_share=share))
    trainer = Trainer(asked, torch.device("cpu"), lambda part: None, SILENT)
    learning = trainer.begin([lambda: examples] * 2, examples)
    epochs = {
        name: len(trainer.pool.wait(ticket).outcome.loss)
        for name, ticket in learning.tickets.items()
    }
    assert epochs == {"reweighted": 4, "control": 4, "swapped": expected}


def test_a_short_final_training_starts_from_the_control():
    examples, _ = blobs(flipped=10)
    asked = lesson(64, None)
    # A step this small changes nothing.
    still = replace(asked, schedule=replace(asked.schedule, lr=1e-12))
    trainer = Trainer(still, torch.device("cpu"), lambda part: None, SILENT)
    control = trainer.learn([lambda: examples], examples).control
    with torch.no_grad():
        control.network.layers[0].weight.fill_(7.0)
    worth = torch.ones(len(examples.labels))
    final = trainer.refit(examples, worth, control, is_fast=True)
    assert len(final.outcome.loss) == 2
    assert torch.allclose(final.network.layers[0].weight, torch.tensor(7.0), atol=1e-4)
    fresh = trainer.refit(examples, worth, control, is_fast=False)
    assert len(fresh.outcome.loss) == 4
    assert not torch.allclose(fresh.network.layers[0].weight, torch.tensor(7.0), atol=1e-4)
