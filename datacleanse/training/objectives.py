"""What a training aims at: its loss, and what is recorded of each example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from datacleanse.training.influence import cross_entropy
from datacleanse.training.recorder import Recorder, ResidualRecorder

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.training.influence.interface import Loss

HUBER_DELTA = 3.0
"""Robust deviations up to which a residual counts by its square: a far one pulls no harder."""


@dataclass(frozen=True)
class Objective:
    """What a training aims at."""

    loss: Loss
    """(B, C) outputs and (B,) labels to (B,) losses."""
    recorder: type[Recorder]
    """Records what the training shows of each example."""
    label_type: torch.dtype
    """Of the labels that the loss takes."""


def huber_loss(outputs: Tensor, numbers: Tensor) -> Tensor:
    """Huber's loss of (B, 1) outputs and (B,) numbers: (B,), r^2 / 2 up to `HUBER_DELTA`.

    Huber 1964, "Robust Estimation of a Location Parameter". Both in robust deviations.
    """
    return F.huber_loss(outputs[:, 0], numbers, reduction="none", delta=HUBER_DELTA)


CLASSES = Objective(cross_entropy, Recorder, torch.int64)

NUMBERS = Objective(huber_loss, ResidualRecorder, torch.float32)
