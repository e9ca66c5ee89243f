"""Lightweight learnable adaptive weighting.

Moturu, Muzammil, Goldenberg, Taati 2025, "LiLAW: Lightweight Learnable Adaptive Weighting to
Meta-Learn Sample Difficulty and Improve Noisy Training", arXiv 2509.20786: with s the probability
of the given label and M the largest probability of an example,

    W_easy = sigmoid(alpha s - M)
    W_hard = sigmoid(-(beta s - M))
    W_mod  = exp(-(delta s - M)^2 / 2)
    loss   = mean of (W_easy + W_hard + W_mod) * cross-entropy

After each step of the network, on this loss of a training batch, the three parameters take a step
on the same loss of a batch of trusted examples, the network standing still. The first epoch is
plain training.

NOTE[DIFF] the weights are constants in the network's update, as under every rule here. Read as it
stands, the loss has a second term in its derivative, cross-entropy times the weights' own, which
is no weighting of the examples' gradients.
NOTE[DIFF] the network makes its probabilities of trusted examples in evaluation mode, as for every
trusted gradient here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from datacleanse.training.rules.interface import Rule

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.training.influence import Step

START = (10.0, 2.0, 6.0)
"""Values of alpha, beta and delta at the start."""
LR, DECAY = 0.005, 1e-4
"""Learning rate of plain gradient descent on them, and its decay: an L2 penalty's gradient."""


class LiLAW(Rule):
    """Three parameters for all examples. A batch's weights lie in (0, 3) / B."""

    warm_up_epochs = 1
    learns = True

    def __init__(self) -> None:
        # Their steps are small beside them, and would be rounded in single precision.
        self._parameters = torch.tensor(START, dtype=torch.float64)

    def weigh(self, step: Step) -> Tensor:
        """Add the three terms of each example, and divide by the batch's size."""
        given, largest = _compute_probabilities(step.logits, step.labels)
        easy, hard, moderate = self._compute_terms(given, largest)
        return (easy + hard + moderate) / step.batch_size

    def learn(self, logits: Tensor, labels: Tensor) -> None:
        """Take a step with alpha, beta and delta on the loss of a trusted batch."""
        given, largest = _compute_probabilities(logits, labels)
        easy, hard, moderate = self._compute_terms(given, largest)
        slopes = torch.stack(
            [
                easy * (1 - easy),
                -hard * (1 - hard),
                -moderate * (self._parameters[2] * given - largest),
            ]
        )
        losses = F.cross_entropy(logits, labels, reduction="none")
        gradient = (slopes * given * losses).mean(dim=1)
        self._parameters = self._parameters - LR * (gradient + DECAY * self._parameters)

    def _compute_terms(self, given: Tensor, largest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute W_easy, W_hard and W_mod, (B,) each."""
        self._parameters = self._parameters.to(given.device)
        alpha, beta, delta = self._parameters
        return (
            torch.sigmoid(alpha * given - largest),
            torch.sigmoid(largest - beta * given),
            torch.exp(-0.5 * (delta * given - largest).square()),
        )

    def state(self) -> dict[str, Any]:
        """Return the three parameters."""
        return {"parameters": self._parameters}

    def load(self, state: dict[str, Any]) -> None:
        """Go on with the three parameters."""
        self._parameters = state["parameters"]


def _compute_probabilities(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the given label's probability and the largest one, each (B,)."""
    probabilities = logits.softmax(dim=1)
    return probabilities.gather(1, labels[:, None])[:, 0], probabilities.amax(dim=1)
