"""Plain training: every example counts the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from datacleanse.training.rules.interface import Rule

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.training.influence import Step


class Uniform(Rule):
    """The control that the reweighted network is compared with."""

    is_fixed = True

    def weigh(self, step: Step) -> Tensor:
        """Give each example 1 / B."""
        return torch.full_like(step.losses, 1.0 / step.batch_size)
