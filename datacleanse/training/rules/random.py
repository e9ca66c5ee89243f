"""Random weights: the baseline that Ren et al. found hard to beat.

Ren et al. 2018, arXiv 1803.09050, section 4: weights drawn from a rectified Gaussian,

    w_i = max(z_i, 0) / sum_j max(z_j, 0),   z_i ~ N(0, 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from datacleanse.training.rules.interface import Rule

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.training.influence import Step


class Random(Rule):
    """Draws from a generator of its own, on the CPU so that every device sees the same weights."""

    def __init__(self, *, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def weigh(self, step: Step) -> Tensor:
        """Draw from a rectified Gaussian, whatever the batch."""
        clipped = torch.randn(step.batch_size, generator=self._generator).clamp(min=0.0)
        total = clipped.sum()
        return step.take_own(clipped / (total + (total == 0))).to(step.losses)

    def state(self) -> dict[str, Any]:
        """Return the generator's state."""
        return {"generator": self._generator.get_state()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on with the generator's state."""
        self._generator.set_state(state["generator"])
