"""Predictions of a network over all rows, in batches that fit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from datacleanse.errors import ModelError, is_shortage

SMALLEST_BATCH = 2
"""Rows a step: batch statistics are undefined on one, and its weight would always be 0 or 1."""

EVALUATION_BATCH = 8192
"""Rows a forward pass without gradients, at most."""


@torch.no_grad()
def compute_logits(model: nn.Module, inputs: Tensor, *, at_once: int = EVALUATION_BATCH) -> Tensor:
    """Evaluation-mode logits, (M, C), a large batch at a time, a smaller one where memory ends."""
    model.eval()
    try:
        return torch.cat([model(part) for part in inputs.split(at_once)])
    except (RuntimeError, MemoryError) as error:
        if at_once <= SMALLEST_BATCH or not is_shortage(error):
            raise
    return compute_logits(model, inputs, at_once=at_once // 2)


def compute_finite(network: nn.Module, inputs: Tensor, *, what: str) -> Tensor:
    """Evaluation-mode outputs in float64, (M, C).

    Args:
        network: of a saved model.
        inputs: (M, ...) what it reads.
        what: what cannot be told where it fails, for people.

    Raises:
        ModelError: the network gives NaN or infinity.
    """
    outputs = compute_logits(network, inputs).double()
    if not outputs.isfinite().all():
        raise ModelError(
            f"The network gives NaN or infinity for some rows: {what}.",
            slug="model-not-finite",
            hint="Copy the run folder again from where it was made, or repeat the audit; of a "
            "network of your own mend the code.",
        )
    return outputs
