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

from datacleanse.storage.ledger import EpochRecord
from datacleanse.storage.mapped_files import make_rows, release_mapped
from datacleanse.training.ranks import ALONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from datacleanse.training.influence import Step
    from datacleanse.training.ranks import Ranks


@dataclass(frozen=True)
class Dynamics:
    """Means over epochs, float32, for M examples. NaN: not trained on, or no influence."""

    weight: NDArray[np.float32]
    """(M,) weight times the batch's size, >= 0; plain training's is 1."""
    zero_weight_share: NDArray[np.float32]
    """(M,) share of the epochs in which the weight was 0, in [0, 1]."""
    influence: NDArray[np.float32]
    """(M,) influence on the trusted loss, signed; > 0 helps."""
    loss: NDArray[np.float32]
    """(M,) loss of the given label, nats."""
    margin: NDArray[np.float32]
    """(M,) logit of the given label minus the best other one."""
    probability: NDArray[np.float32]
    """(M, C) class probabilities, rows sum to 1."""


def measure_margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Measure the logit of the label minus the best other one: (B, C), (B,) to (B,)."""
    given = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return given[:, 0] - others.amax(dim=1)


BLOCK = 1 << 16
"""Examples that are looked at together at an epoch's end."""


def _make(shape: tuple[int, ...], fill: float, device: torch.device) -> Tensor:
    """A float32 tensor on the device; of very many rows in a mapped file."""
    if device.type != "cpu":
        return torch.full(shape, fill, device=device)
    return torch.from_numpy(make_rows(shape, np.float32, fill))


class Recorder:
    """Collects an epoch's record and the sums over epochs.

    Trained examples are recorded in training mode before their update; the others are recorded in
    evaluation mode at the end of the epoch.
    """

    def __init__(self, labels: Tensor, n_classes: int, ranks: Ranks = ALONE) -> None:
        n, device = len(labels), labels.device
        self._labels = labels
        self._ranks = ranks
        self._is_own = torch.zeros(n, dtype=torch.bool, device=device)
        self._logits = _make((n, n_classes), torch.nan, device)
        self._weight = _make((n,), torch.nan, device)
        self._influence = _make((n,), torch.nan, device)
        # Sums of weight, zero weight, influence, loss, margin.
        self._sums = _make((5, n), 0.0, device)
        self._probability = _make((n, n_classes), 0.0, device)
        self._loss, self._margin = _make((n,), 0.0, device), _make((n,), 0.0, device)
        self._n_epochs = 0

    def record_batch(self, index: Tensor, step: Step, weights: Tensor) -> None:
        """Record a batch, or a rank's part of it: ``index`` (B,) distinct examples.

        ``weights`` are (B,); plain training's are 1 through the size of the whole batch.
        """
        self._weight.index_copy_(0, index, (weights * step.batch_size).float())
        if step.influence is not None:
            self._influence.index_copy_(0, index, step.influence.float())
        self.record_logits(index, step.logits)

    def record_logits(self, index: Tensor, logits: Tensor) -> None:
        """Record what the network makes of examples, (B,): logits (B, C), without weights."""
        self._logits.index_copy_(0, index, logits.float())
        if self._ranks.count > 1:
            self._is_own[index] = True

    def exchange(self) -> None:
        """Learn what the other ranks have recorded since this was called last. By blocks of rows.

        To be called by all ranks before the record is read. A row is recorded by one rank alone.
        """
        if self._ranks.count == 1:
            return
        rows = self._is_own, self._logits, self._weight, self._influence
        for is_own, logits, weight, influence in zip(*(t.split(BLOCK) for t in rows), strict=True):
            own = torch.column_stack([is_own.float(), weight, influence, logits])
            told = self._ranks.add_up(own.masked_fill(~is_own[:, None], 0.0))
            at = told[:, 0].nonzero()[:, 0]
            weight[at], influence[at], logits[at] = told[at, 1], told[at, 2], told[at, 3:]
        self._is_own.zero_()

    def close_epoch(self, n_rows: int) -> EpochRecord:
        """Add the epoch to the sums; its record of the first ``n_rows``, until the next epoch."""
        shown = self._weight, self._influence, self._loss, self._margin
        weights, influences, losses, margins = (t.split(BLOCK) for t in shown)
        sums = self._sums.split(BLOCK, dim=1)
        for block, weight, influence, loss, margin, total in zip(
            range(len(sums)), weights, influences, losses, margins, sums, strict=True
        ):
            self._read(block, loss, margin)
            for row, values in enumerate((weight, weight == 0, influence, loss, margin)):
                total[row] += values
            release_mapped()
        self._n_epochs += 1
        return EpochRecord(*(t[:n_rows].cpu().numpy() for t in shown))

    def _read(self, block: int, loss: Tensor, margin: Tensor) -> None:
        """Set (b,) losses and margins of a block of rows; adds to its probabilities."""
        rows = slice(block * BLOCK, (block + 1) * BLOCK)
        logits, labels = self._logits[rows], self._labels[rows]
        log_probability = F.log_softmax(logits, dim=1)
        loss.copy_(log_probability.gather(1, labels[:, None])[:, 0]).neg_()
        margin.copy_(measure_margins(logits, labels))
        self._probability[rows].add_(log_probability.exp_())

    def find_not_finite(self, index: Tensor) -> int | None:
        """Find the first example in ``index`` whose weight or logits are NaN or infinite."""
        for number, part in enumerate(index.split(BLOCK)):
            is_finite = self._weight[part].isfinite() & self._logits[part].isfinite().all(dim=1)
            found = (~is_finite).nonzero()
            if len(found):
                return number * BLOCK + int(found[0])
            release_mapped()
        return None

    def state(self, *, in_epoch: bool) -> dict[str, Any]:
        """Return what `load` needs; the tensors are the living ones.

        Args:
            in_epoch: whether an epoch is open, and belongs to it.
        """
        state = {
            "sums": self._sums,
            "probability": self._probability,
            "epochs": self._n_epochs,
        }
        # An epoch overwrites all of the one before it.
        if not in_epoch:
            return state
        return state | {
            "logits": self._logits,
            "weight": self._weight,
            "influence": self._influence,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self._sums.copy_(state["sums"])
        self._probability.copy_(state["probability"])
        self._n_epochs = state["epochs"]
        if "logits" in state:
            self._logits.copy_(state["logits"])
            self._weight.copy_(state["weight"])
            self._influence.copy_(state["influence"])

    def average_loss(self, index: Tensor) -> float:
        """Average the last closed epoch's loss over ``index``, in nats; NaN where that is empty."""
        return float(self._loss[index].double().mean())

    def finish(self) -> Dynamics:
        """End the recording: the sums over all closed epochs become means where they are."""
        for sums, probability in zip(
            self._sums.split(BLOCK, dim=1), self._probability.split(BLOCK), strict=True
        ):
            sums.div_(self._n_epochs)
            # The share of zero weights, where there were weights.
            sums[1].masked_fill_(sums[0].isnan(), torch.nan)
            probability.div_(self._n_epochs)
            release_mapped()
        weight, zero, influence, loss, margin = self._sums.cpu().numpy()
        return Dynamics(
            weight=weight,
            zero_weight_share=zero,
            influence=influence,
            loss=loss,
            margin=margin,
            probability=self._probability.cpu().numpy(),
        )


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
