"""Temperature scaling: what is fitted, against a slow reference, and what it does to a model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import datacleanse as dc
from datacleanse.models.temperature import HIGHEST, divide_logits, fit_temperature

N, C = 4_000, 3


def drawn(temperature, *, noise=0.0, seed=0):
    """Logits that are too sure by a temperature, labels, and the probability that each is wrong."""
    rng = np.random.default_rng(seed)
    sure = rng.normal(size=(N, C)) * 2.0
    right = np.exp(sure) / np.exp(sure).sum(axis=1, keepdims=True)
    true = np.array([rng.choice(C, p=row) for row in right])
    is_wrong = rng.random(N) < noise
    given = np.where(is_wrong, (true + 1 + rng.integers(0, C - 1, N)) % C, true)
    # By Bayes' rule, from the probabilities that the labels were drawn from.
    kept = right[np.arange(N), given] * (1 - noise)
    moved = (1 - right[np.arange(N), given]) * noise / (C - 1)
    wrong = moved / (kept + moved)
    return torch.tensor(sure * temperature), torch.tensor(given), torch.tensor(wrong)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_finds_by_how_much_logits_are_too_sure(noise):
    logits, labels, wrong = drawn(2.5, noise=noise)
    assert fit_temperature(logits, labels, wrong) == pytest.approx(2.5, rel=0.1)


def test_agrees_with_a_search_over_all_temperatures():
    logits, labels, wrong = drawn(1.7, noise=0.2, seed=1)

    def measure(temperature):
        p = torch.softmax(logits / temperature, dim=1)[torch.arange(N), labels]
        return float(((1 - wrong) * p.log() + wrong * (1 - p).log()).mean())

    tried = np.linspace(1.0, HIGHEST, 3_000)
    best = tried[np.argmax([measure(each) for each in tried])]
    assert fit_temperature(logits, labels, wrong) == pytest.approx(best, abs=0.01)


def test_never_makes_a_network_more_sure():
    logits, labels, wrong = drawn(0.5)
    assert fit_temperature(logits, labels, wrong) == 1.0


def test_logits_far_apart_are_borne():
    logits = torch.tensor([[4e3, -4e3], [-4e3, 4e3]])
    found = fit_temperature(logits, torch.tensor([0, 0]), torch.tensor([0.0, 0.5]))
    assert found == pytest.approx(HIGHEST, rel=1e-3)


def test_a_divided_head_gives_divided_logits():
    head, rows = nn.Linear(5, C), torch.randn(20, 5)
    before = head(rows)
    divide_logits(head, 4.0)
    torch.testing.assert_close(head(rows), before / 4.0)


def test_the_exported_model_is_as_sure_as_the_audit():
    """Labels near a boundary go either way, so that a network can be sure of little there.

    Verified rows are not asked.
    """
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 2))
    is_wrong = rng.random(400) < 0.5 * np.exp(-2 * np.abs(x[:, 0]))
    label = np.where((x[:, 0] > 0) != is_wrong, "high", "low")
    frame = pd.DataFrame({"x": x[:, 0], "other": x[:, 1], "label": label})
    verified = frame[:100].assign(label=np.where(x[:100, 0] > 0, "high", "low"))
    result = dc.audit(frame, val=verified, label="label", epochs=20, lr=0.02, device="cpu")
    temperature = result.manifest["training"]["temperature"]
    assert temperature > 1.02
    card = (result.folder.model_dir / "README.md").read_text(encoding="utf-8")
    assert f"divided by {temperature:.3g}" in card
    # Once is enough: the saved model's own logits need no further division.
    p = result.model.predict_proba(frame[100:])
    codes = torch.tensor((frame.label[100:] == "low").to_numpy(), dtype=torch.int64)
    wrong = torch.tensor(result.table["mislabel_probability"][100:].to_numpy())
    assert fit_temperature(torch.tensor(np.log(p)), codes, wrong) == pytest.approx(1.0, abs=0.01)
