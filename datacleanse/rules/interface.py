"""What a rule is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.influence import Step


class Rule(Protocol):
    """Weighs the examples of each batch. Holds whatever it learns; every rule starts afresh."""

    needs_influence: bool
    """Whether `weigh` reads ``step.influence``; if not, no trusted gradient is computed."""

    trusted_share: float
    """How much of the trusted gradient the update adds to the weighted one; 0 for none."""

    def weigh(self, step: Step) -> Tensor:
        """The weights of the batch, before the model's update.

        Returns:
            (B,) detached, >= 0, summing to 1; all 0 where the rule finds nothing to learn from,
            and then the batch causes no update.
        """

    def state(self) -> dict[str, Any]:
        """What `load` needs to go on as if never interrupted; tensors and plain values."""

    def load(self, state: dict[str, Any]) -> None:
        """Take over a `state`."""
