"""Checkpoints at the ends of epochs, where they save more work than they take.

An epoch of a small table takes little longer than to write its checkpoint.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse.training.checkpoint import Checkpoint

SECONDS_APART = 1.0
"""Work that may be lost where a process is killed, beside an epoch."""


class SparingSaver:
    """Saves a training's checkpoints: at a stop, at its end, and between them now and then."""

    def __init__(self, save: Callable[[Checkpoint], None], n_epochs: int) -> None:
        """Begin to count the time.

        Args:
            save: writes a checkpoint.
            n_epochs: epochs of the training.
        """
        self._save, self._n_epochs = save, n_epochs
        self._saved_at = monotonic()

    def __call__(self, checkpoint: Checkpoint) -> None:
        """Save it, unless it is one between two epochs and the last one was saved just now."""
        is_between = checkpoint.order is None and checkpoint.epochs < self._n_epochs
        if is_between and monotonic() - self._saved_at < SECONDS_APART:
            return
        self._save(checkpoint)
        self._saved_at = monotonic()
