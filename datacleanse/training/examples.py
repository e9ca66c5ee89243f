"""The examples that a training sees, with their labels and the part each plays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datacleanse.training.placement import Part, Rows, move_rows

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_array
    from torch import Tensor

    from datacleanse.training.influence import Step

LEAST_WORTH = 1e-6
"""Smallest worth of a batch as a whole: one of worthless examples changes next to nothing."""


@dataclass(frozen=True)
class Examples:
    """All that a network may see, M rows: DATA's N, then CLEAN's. Tensors lie on one device."""

    inputs: Rows
    """(M, ...) inputs; batches of them lie on that device."""
    labels: Tensor
    """(M,) int64 class of each row, as given."""
    n_data: int
    """N, the number of DATA's rows."""
    training_rows: Tensor
    """(K,) int64 positions that updates are made from, K >= 2."""
    steering_rows: Tensor
    """(T,) int64 positions whose gradient steers the weights; T >= 1, and none is among
    ``training_rows``, where the rule lets them steer."""
    n_classes: int
    """C."""
    worth: Tensor | None = None
    """(M,) in [0, 1]: how much each example counts besides the rule's weight; None: all the same.
    Trained examples are not all worth 0."""
    texts: csr_array | None = None
    """(M, V) float32 weighted counts of the terms in each row's texts, which no network reads but
    the second opinion does; None without a column of text."""

    axes: Tensor | None = None
    """(R,) int64 columns of ``inputs`` along which texts lie; None unless there are only texts."""

    def move_to(self, device: torch.device) -> Examples:
        """Return the examples on another device than the CPU, on which these are."""
        if device == self.labels.device:
            return self
        return replace(
            self,
            inputs=move_rows(self.inputs, device),
            labels=self.labels.to(device),
            training_rows=self.training_rows.to(device),
            steering_rows=self.steering_rows.to(device),
            worth=None if self.worth is None else self.worth.to(device),
        )

    def take_steering_inputs(self, at_most: int) -> Rows:
        """Take the (T, ...) inputs of the steering rows, on the device if at most so many."""
        # Of no rows no batch can be made.
        if not 0 < len(self.steering_rows) <= at_most:
            return Part(self.inputs, self.steering_rows)
        return self.inputs[self.steering_rows]


def apply_worth(weights: Tensor, worth: Tensor, step: Step) -> Tensor:
    """Multiply weights (B,) by worth (B,), and keep the sum that the batch had."""
    found = weights * worth
    return found * (step.add_up(weights) / step.add_up(found).clamp(min=LEAST_WORTH))
