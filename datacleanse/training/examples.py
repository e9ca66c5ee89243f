"""The examples that a training sees, with their labels and the part each plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.training.placement import Part, Rows

if TYPE_CHECKING:
    from torch import Tensor

    pass


@dataclass(frozen=True)
class Examples:
    """All that a network may see, M rows: DATA's N, then CLEAN's. Tensors lie on one device."""

    inputs: Rows
    """(M, ...); batches of it lie on that device."""
    labels: Tensor
    """(M,) int64, as given."""
    n_data: int
    """N."""
    trained: Tensor
    """(K,) int64 positions that updates are made from, K >= 2."""
    trusted: Tensor
    """(T,) int64 positions whose gradient steers the weights, T >= 1; not among ``trained`` where
    the rule lets them steer."""
    n_classes: int
    worth: Tensor | None = None
    """(M,) in [0, 1]: how much each example counts besides the rule's weight; None: all the same.
    Trained examples are not all worth 0."""

    def trusted_inputs(self, at_most: int) -> Rows:
        """(T, ...) inputs of the trusted rows; on the device where they are few."""
        if len(self.trusted) > at_most:
            return Part(self.inputs, self.trusted)
        return self.inputs[self.trusted]
