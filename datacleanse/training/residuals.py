"""What training shows of each example whose label is a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from datacleanse.training.recorder import Recorder

if TYPE_CHECKING:
    from torch import Tensor


class ResidualRecorder(Recorder):
    """Records residuals, label minus prediction, in the place of margins.

    The loss kept is half the squared residual, whatever loss is trained by. What `Recorder` calls
    logits are (M, 1) predictions, and their mean stands where it keeps mean probabilities.
    """

    def _read(self) -> tuple[Tensor, Tensor]:
        prediction = self._logits[:, 0]
        self._probability[:, 0] += prediction
        residual = self._labels - prediction
        loss = F.mse_loss(prediction, self._labels, reduction="none") / 2
        return loss, torch.as_tensor(residual)
