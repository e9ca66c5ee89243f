"""What training shows of each example: kept on the device, taken off it once an epoch.

Margins over epochs: Pleiss, Zhang, Elenberg, Weinberger 2020, "Identifying Mislabeled Data using
the Area Under the Margin Ranking", arXiv 2001.10528.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from datacleanse.ledger import EpochRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from datacleanse.influence import Step


@dataclass(frozen=True)
class Dynamics:
    """Means over epochs, float32, for M examples. NaN: not trained on, or no influence."""

    weight: NDArray[np.float32]
    """(M,) >= 0, 1 = plain training's."""
    zero_weight_share: NDArray[np.float32]
    """(M,) in [0, 1]."""
    influence: NDArray[np.float32]
    """(M,) signed."""
    loss: NDArray[np.float32]
    """(M,) nats, of the given label."""
    margin: NDArray[np.float32]
    """(M,) given logit minus the best other one."""
    probability: NDArray[np.float32]
    """(M, C) softmax, rows sum to 1."""


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Logit of the label minus the best other logit: (B, C), (B,) to (B,)."""
    given = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return given[:, 0] - others.amax(dim=1)


class Recorder:
    """Collects an epoch's record and the sums over epochs.

    Trained examples are recorded in training mode before their update; the others are recorded in
    evaluation mode at the end of the epoch.
    """

    def __init__(self, n_examples: int, n_classes: int, *, device: torch.device) -> None:
        self._epoch = torch.full((4, n_examples), torch.nan, device=device)
        # Sums of weight, zero weight, influence, loss, margin.
        self._sums = torch.zeros((5, n_examples), device=device)
        self._probability = torch.zeros((n_examples, n_classes), device=device)
        self._n_epochs = 0

    def trained(self, index: Tensor, step: Step, weights: Tensor) -> None:
        """Record a batch: ``index`` (B,) distinct examples, ``weights`` (B,), plain 1 / B."""
        self._epoch[0, index] = weights * len(weights)
        if step.influence is not None:
            self._epoch[1, index] = step.influence
        self.seen(index, step.logits, step.labels)

    def seen(self, index: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Record what the network makes of examples, (B,), without weights."""
        log_probability = F.log_softmax(logits, dim=1)
        self._epoch[2, index] = -log_probability.gather(1, labels[:, None])[:, 0]
        self._epoch[3, index] = margins(logits, labels)
        self._probability[index] += log_probability.exp()

    def close_epoch(self, n_rows: int) -> EpochRecord:
        """Add the epoch to the sums; return its record of the first ``n_rows`` examples."""
        weight, influence, loss, margin = self._epoch
        for row, values in enumerate((weight, weight == 0, influence, loss, margin)):
            self._sums[row] += values  # one at a time, so that no stacked copy is needed
        self._n_epochs += 1
        kept = self._epoch[:, :n_rows].cpu().numpy().copy()
        return EpochRecord(*kept)

    def first_not_finite(self, index: Tensor) -> int | None:
        """Position in ``index`` of the first example whose weight or loss is NaN or infinite."""
        is_finite = self._epoch[0, index].isfinite() & self._epoch[2, index].isfinite()
        found = (~is_finite).nonzero()
        return int(found[0]) if len(found) else None

    def state(self, *, in_epoch: bool) -> dict[str, Any]:
        """What `load` needs; the living tensors. ``in_epoch``: with the epoch that is open."""
        state = {
            "sums": self._sums,
            "probability": self._probability,
            "epochs": self._n_epochs,
        }
        # An epoch overwrites all of the one before it.
        return state | {"epoch": self._epoch} if in_epoch else state

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over a `state`."""
        self._sums.copy_(state["sums"])
        self._probability.copy_(state["probability"])
        self._n_epochs = state["epochs"]
        if "epoch" in state:
            self._epoch.copy_(state["epoch"])

    def mean_loss(self, index: Tensor) -> float:
        """Mean loss of this epoch over ``index``, in nats; NaN where it is empty."""
        return float(self._epoch[2, index].double().mean())

    def dynamics(self) -> Dynamics:
        """Means over all closed epochs."""
        weight, zero, influence, loss, margin = (self._sums / self._n_epochs).cpu().numpy()
        zero[np.isnan(weight)] = np.nan
        return Dynamics(
            weight=weight,
            zero_weight_share=zero,
            influence=influence,
            loss=loss,
            margin=margin,
            probability=(self._probability / self._n_epochs).cpu().numpy(),
        )
