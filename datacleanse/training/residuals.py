"""What training shows of each example whose label is a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F

from datacleanse.training.recorder import BLOCK, Recorder

if TYPE_CHECKING:
    from torch import Tensor


class ResidualRecorder(Recorder):
    """Records residuals, label minus prediction, in the place of margins.

    The loss kept is half the squared residual, whatever loss is trained by. What `Recorder` calls
    logits are (M, 1) predictions, and their mean stands where it keeps mean probabilities.
    """

    def _read(self, block: int, loss: Tensor, margin: Tensor) -> None:
        rows = slice(block * BLOCK, (block + 1) * BLOCK)
        prediction, labels = self._logits[rows, 0], self._labels[rows]
        self._probability[rows, 0] += prediction
        margin.copy_(labels - prediction)
        loss.copy_(F.mse_loss(prediction, labels, reduction="none") / 2)
