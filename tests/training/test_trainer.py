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
