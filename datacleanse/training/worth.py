"""How much examples count besides the rule's weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.training.influence import Step

LEAST_WORTH = 1e-6
"""Smallest worth of a batch as a whole: one of worthless examples changes next to nothing."""


def apply_worth(weights: Tensor, worth: Tensor, step: Step) -> Tensor:
    """Multiply weights (B,) by worth (B,), and keep the sum that the batch had."""
    found = weights * worth
    return found * (step.add_up(weights) / step.add_up(found).clamp(min=LEAST_WORTH))
