"""Plain training: every example counts the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.influence import Step


class Uniform:
    """The control that the reweighted network is compared with."""

    needs_influence = False
    trusted_share = 0.0

    def weigh(self, step: Step) -> Tensor:
        """See `Rule`."""
        return torch.full_like(step.losses, 1.0 / len(step.losses))

    def state(self) -> dict[str, Any]:
        """See `Rule`."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """See `Rule`."""
        del state
