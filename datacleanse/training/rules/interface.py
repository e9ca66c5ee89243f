"""What a rule is, for all who weigh the examples of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.training.influence import Step


class Rule(Protocol):
    """Weighs the examples of each batch. Holds whatever it learns; every rule starts afresh.

    Rules derive from this class, which is one that needs, learns and keeps nothing.
    """

    needs_influence: bool = False
    """Whether `weigh` reads ``step.influence``; if not, no trusted gradient is computed."""

    trusted_share: float = 0.0
    """How much of the trusted gradient the update adds to the weighted one; 0 for none."""

    warm_up_epochs: int = 0
    """Epochs of plain training before the rule is first asked."""

    learns: bool = False
    """Whether `learn` is to be called after each update; each call costs a forward pass of a
    trusted batch."""

    is_fixed: bool = False
    """Whether `weigh` depends on the step alone and asks the device nothing, so that a GPU may
    record it."""

    def weigh(self, step: Step) -> Tensor:
        """The weights of the batch, before the model's update.

        Returns:
            (B,) detached, >= 0; the update follows sum_i w_i grad l_i, and 1 / B is what plain
            training gives. They sum to 1, as plain training's do, where the rule's own formula has
            no scale (`lilaw` has one). All 0 where the rule finds nothing to learn from: then the
            batch causes no update. Where several processes share a batch, sums over it are
            ``step.add_up``'s, and its size is ``step.batch_size``.
        """

    def learn(self, logits: Tensor, labels: Tensor) -> None:
        """Learn from trusted examples, after the model's update.

        Args:
            logits: (T, C) of a trusted batch in evaluation mode, detached.
            labels: (T,) int64.
        """
        del logits, labels

    def state(self) -> dict[str, Any]:
        """Return what `load` needs to go on as if never interrupted; tensors and plain values."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        del state
