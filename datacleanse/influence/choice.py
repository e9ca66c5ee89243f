"""Which route serves a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.influence import layerwise
from datacleanse.influence.forward_mode import ForwardMode

if TYPE_CHECKING:
    from torch import nn

    from datacleanse.influence.interface import Engine, Loss


def choose_engine(model: nn.Module, loss: Loss) -> Engine:
    """The layerwise route where it is exact, else forward mode."""
    if layerwise.serves(model):
        return layerwise.Layerwise(model, loss)
    return ForwardMode(model, loss)
