"""The networks and schedules that `network_choice` compares, and one training of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from time import process_time
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score
from torch import Tensor, nn

from datacleanse.models import encoding as module
from datacleanse.models.tabular import TabularNetwork, TabularShape, make_tabular_shape
from datacleanse.settings import Schedule
from datacleanse.training import loop, schedule
from datacleanse.training.rules.uniform import Uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.tables import Rows


@dataclass(frozen=True)
class Candidate:
    """One network with its schedule. The defaults are the reference that others differ from."""

    name: str = "reference"
    n_bins: int = 8
    """Piecewise-linear bins a numeric feature; 0: the scaled number alone."""
    frequency_scale: float = 0.0
    """> 0: periodic embeddings beside the number; s.d. of the initial frequencies."""
    width: int = 128
    n_hidden: int = 2
    dropout: float = 0.1
    lr: float = 1e-3
    epochs: int = 30
    batch_size: int = 128
    weight_decay: float = 1e-2
    label_smoothing: float = 0.0
    averaged_from: float = 1.0
    """< 1: predict with the mean of the parameters since this share of all steps."""


@dataclass(frozen=True)
class Trial:
    """What one training gave."""

    accuracy: float
    """On the test rows' true labels, in [0, 1]."""
    seconds: float
    """Processor time of the training."""
    average_precision: float | None = None
    """Of the planted errors ranked by 1 - mean probability of the given label over epochs; None
    without errors."""


REFERENCE = Candidate()


def _but(name: str, **changes: float) -> Candidate:
    return replace(REFERENCE, name=name, **changes)  # type: ignore[arg-type]


ONE_FACTOR = (
    REFERENCE,
    _but("no bins", n_bins=0),
    _but("16 bins", n_bins=16),
    _but("periodic, scale 0.1", n_bins=0, frequency_scale=0.1),
    _but("periodic, scale 1", n_bins=0, frequency_scale=1.0),
    _but("width 64", width=64),
    _but("width 256", width=256),
    _but("1 hidden layer", n_hidden=1),
    _but("3 hidden layers", n_hidden=3),
    _but("dropout 0", dropout=0.0),
    _but("dropout 0.3", dropout=0.3),
    _but("rate 3e-4", lr=3e-4),
    _but("rate 3e-3", lr=3e-3),
    _but("15 epochs", epochs=15),
    _but("60 epochs", epochs=60),
    _but("batch 256", batch_size=256),
    _but("batch 512", batch_size=512),
    _but("batch 256, rate 2e-3", batch_size=256, lr=2e-3),
    _but("weight decay 0", weight_decay=0.0),
    _but("weight decay 1", weight_decay=1.0),
    _but("label smoothing 0.1", label_smoothing=0.1),
    _but("parameters averaged over the last half", averaged_from=0.5),
)
"""The reference, and what differs from it in one factor (the rate goes along with the batch)."""

COMBINATIONS = (
    REFERENCE,
    _but("A: batch 256, rate 2e-3, dropout 0.3", batch_size=256, lr=2e-3, dropout=0.3),
    _but("A, 4 bins", batch_size=256, lr=2e-3, dropout=0.3, n_bins=4),
    _but("A, no bins", batch_size=256, lr=2e-3, dropout=0.3, n_bins=0),
    _but("A, dropout 0.5", batch_size=256, lr=2e-3, dropout=0.5),
    _but("A, weight decay 1", batch_size=256, lr=2e-3, dropout=0.3, weight_decay=1.0),
    _but("A, 20 epochs", batch_size=256, lr=2e-3, dropout=0.3, epochs=20),
    _but("A, batch 128", batch_size=128, lr=2e-3, dropout=0.3),
    _but("A, 20 epochs, rate 3e-3", batch_size=256, lr=3e-3, dropout=0.3, epochs=20),
    _but("A, width 256, 20 epochs", batch_size=256, lr=2e-3, dropout=0.3, width=256, epochs=20),
)
"""What the single factors suggest together."""

CHOSEN = Candidate(name="chosen")
"""Stands for what the package uses by default; see `resolved`."""

FINALISTS = (
    REFERENCE,
    COMBINATIONS[1],
    CHOSEN,
    _but("chosen, 4 bins", n_bins=4, lr=2e-3, dropout=0.3, epochs=0, batch_size=0),
)
"""The best combinations, for all tables; epochs 0: the package's by the number of rows."""


def _large(epochs: int, batch_size: int) -> Candidate:
    name = f"{epochs} epochs, batch {batch_size}"
    return replace(COMBINATIONS[1], name=name, epochs=epochs, batch_size=batch_size)


LARGE = {
    20_000: (_large(20, 256), _large(30, 128), _large(12, 256), _large(12, 512), REFERENCE),
    60_000: (_large(12, 512), _large(20, 256), _large(8, 512), _large(8, 1024)),
    200_000: (_large(8, 1024), _large(12, 512), _large(4, 1024)),
}
"""Schedules by the number of training rows, for the network of combination A."""


def resolved(contestant: Candidate | str, n_rows: int) -> Candidate | str:
    """The contestant, what it leaves to the package filled in for so many training rows."""
    if isinstance(contestant, str):
        return contestant
    size = next(size for size in schedule.SIZES if n_rows <= size.up_to)
    if contestant == CHOSEN:
        contestant = Candidate(
            name=CHOSEN.name,
            n_bins=module.N_BINS,
            width=schedule.WIDTH,
            n_hidden=schedule.N_HIDDEN,
            dropout=schedule.DROPOUT,
            lr=schedule.LR,
            epochs=0,
            weight_decay=loop.WEIGHT_DECAY,
        )
    if contestant.epochs:
        return contestant
    return replace(contestant, epochs=size.epochs, batch_size=size.batch_size)


class Periodic(nn.Module):
    """The number and a learned linear map of its sines and cosines, one map for all features.

    PLR(lite) of Gorishniy et al. 2022, arXiv 2203.05556; the number itself beside it and cosines
    with a learned phase in place of pairs as in 2407.04491.

    - Input: (B, n_numeric), NaN where missing
    - Output: (B, n_numeric * (1 + N_OUT) + n_missing)
    """

    N_FREQUENCIES = 16
    N_OUT = 4
    missing: Tensor

    def __init__(self, shape: TabularShape, scale: float) -> None:
        super().__init__()
        self.frequency = nn.Parameter(scale * torch.randn(shape.n_numeric, self.N_FREQUENCIES))
        self.phase = nn.Parameter(2 * torch.pi * torch.rand(shape.n_numeric, self.N_FREQUENCIES))
        self.out = nn.Linear(self.N_FREQUENCIES, self.N_OUT)
        self.register_buffer("missing", torch.tensor(shape.missing, dtype=torch.int64))
        self.n_out = shape.n_numeric * (1 + self.N_OUT) + len(shape.missing)

    def forward(self, numbers: Tensor) -> Tensor:
        """See the class."""
        is_missing = numbers.isnan()
        filled = numbers.masked_fill(is_missing, 0.0)
        waves = (2 * torch.pi * filled[:, :, None] * self.frequency + self.phase).cos()
        indicators = is_missing[:, self.missing].to(filled.dtype)
        return torch.cat([filled, self.out(waves).relu().flatten(1), indicators], dim=1)


class ParameterMean:
    """The running mean of a network's parameters, taken before each training step."""

    def __init__(self, network: nn.Module, *, first_step: int) -> None:
        self._parameters = list(network.parameters())
        self._mean = [p.detach().clone() for p in self._parameters]
        self._first, self._seen = first_step, 0
        network.register_forward_pre_hook(self._follow)

    @torch.no_grad()
    def _follow(self, network: nn.Module, _: tuple[Tensor, ...]) -> None:
        if not network.training:
            return
        self._seen += 1
        count = self._seen - self._first
        if count > 0:
            torch._foreach_lerp_(self._mean, self._parameters, 1.0 / count)

    @torch.no_grad()
    def use(self) -> None:
        """Give the network the mean as its parameters."""
        for parameter, mean in zip(self._parameters, self._mean, strict=True):
            parameter.copy_(mean)


def train_and_test(
    candidate: Candidate, rows: Rows, labels: NDArray[np.int64], *, seed: int
) -> Trial:
    """Train through the package's own encoder, network and loop, with uniform weights.

    Args:
        candidate: network and schedule.
        rows: to train and test on.
        labels: (n,) of the training rows, as given (with errors).
        seed: of initialisation, order and dropout.
    """
    loss = partial(F.cross_entropy, reduction="none", label_smoothing=candidate.label_smoothing)
    encoding, inputs, tested = _encoded(rows, candidate.n_bins)
    examples = _examples(inputs, labels, len(rows.train.schema.classes))
    network = _network(candidate, encoding, examples.n_classes, seed=seed)
    n_steps = candidate.epochs * loop.n_batches(len(labels), candidate.batch_size)
    mean = None
    if candidate.averaged_from < 1:
        mean = ParameterMean(network, first_step=round(candidate.averaged_from * n_steps))
    plan = Schedule(candidate.epochs, candidate.batch_size, candidate.lr)
    with (
        mock.patch.object(loop, "WEIGHT_DECAY", candidate.weight_decay),
        mock.patch.object(loop, "cross_entropy", loss),
    ):
        started = process_time()
        outcome = loop.train(network, Uniform(), examples, plan, seed=seed)
        seconds = process_time() - started
    if mean is not None:
        mean.use()
    logits = loop.compute_logits(network, tested)
    accuracy = float(np.mean(logits.argmax(dim=1).numpy() == rows.test.labels))
    doubt = 1 - outcome.dynamics.probability[np.arange(len(labels)), labels]
    return Trial(accuracy, seconds, _average_precision(labels != rows.train.labels, doubt))


def _average_precision(is_wrong: NDArray[np.bool_], doubt: NDArray[np.float32]) -> float | None:
    return float(average_precision_score(is_wrong, doubt)) if is_wrong.any() else None


@lru_cache(maxsize=4)
def _encoded(rows: Rows, n_bins: int) -> tuple[module.Encoding, Tensor, Tensor]:
    """The encoding learned from the training rows, and both matrices."""
    with mock.patch.object(module, "N_BINS", n_bins):
        encoding = module.fit_encoding(rows.train, np.arange(rows.train.n_rows))
    matrices = (module.encode(part, encoding) for part in (rows.train, rows.test))
    inputs, tested = (torch.from_numpy(matrix) for matrix in matrices)
    return encoding, inputs, tested


def _examples(inputs: Tensor, labels: NDArray[np.int64], n_classes: int) -> loop.Examples:
    """All rows are trained on; the trusted row that the loop asks for is a copy, and unused."""
    n = len(labels)
    return loop.Examples(
        inputs=torch.cat([inputs, inputs[:1]]),
        labels=torch.from_numpy(np.append(labels, labels[0])),
        n_data=n,
        training_rows=torch.arange(n),
        steering_rows=torch.tensor([n]),
        n_classes=n_classes,
    )


def _network(
    candidate: Candidate, encoding: module.Encoding, n_classes: int, *, seed: int
) -> TabularNetwork:
    shape = make_tabular_shape(
        encoding,
        n_classes,
        width=candidate.width,
        n_hidden=candidate.n_hidden,
        dropout=candidate.dropout,
    )
    torch.manual_seed(seed)
    network = TabularNetwork(shape)
    network.numbers.set_edges(encoding)
    if candidate.frequency_scale and shape.n_numeric:
        numbers = Periodic(shape, candidate.frequency_scale)
        network.numbers = numbers  # type: ignore[assignment]
        network.first = nn.Linear(numbers.n_out, candidate.width)
    return network
