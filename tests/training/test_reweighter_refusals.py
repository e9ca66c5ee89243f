"""What the training step refuses, because it is of another type, in a sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import datacleanse as dc

ODD = {
    "a loss of text": ({"loss": "mean"}, "loss is str, which cannot be called."),
    "a loss that gives a number": (
        {"loss": lambda logits, labels: 1.0},
        "The loss is 1.0 for 6 examples.",
    ),
    "arrays": (
        {"batch": (np.zeros((6, 3)), np.zeros(6))},
        "batch holds ndarray, not tensors alone.",
    ),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_of_another_type_is_refused_in_a_sentence(odd):
    given, said = ODD[odd]
    pair = (torch.zeros(6, 3), torch.zeros(6, dtype=torch.long))
    asked = {"loss": torch.nn.CrossEntropyLoss(reduction="none"), "batch": pair} | given
    with pytest.raises(dc.DatacleanseError) as caught:
        dc.reweight(torch.nn.Linear(3, 2), asked["loss"], asked["batch"], pair)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"trusted_share": -1}, "trusted_share=-1. Give a number from 0 on"),
        ({"trusted_share": "0.2"}, "trusted_share='0.2'. Give a number."),
        ({"meta": 5}, "meta=5. Give a Meta"),
    ],
)
def test_a_reweighter_refuses_settings_of_another_type(given, said):
    with pytest.raises(dc.SettingsError) as caught:
        dc.Reweighter(torch.nn.Linear(3, 2), torch.nn.CrossEntropyLoss(reduction="none"), **given)
    assert str(caught.value).startswith(said)
    with pytest.raises(dc.SettingsError, match=r"meta_batch='x'\. Give a whole number"):
        dc.Meta(batch="x")
    with pytest.raises(dc.SettingsError, match=r"meta_average='x'\. Give a number"):
        dc.Meta(average="x")
