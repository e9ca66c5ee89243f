"""The training loop, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datacleanse.dynamics import Dynamics, Recorder
from datacleanse.errors import DatacleanseError
from datacleanse.influence import choose_engine, trusted_gradient
from datacleanse.influence.interface import accumulate, trainable
from datacleanse.progress import SILENT, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datacleanse.config import Schedule
    from datacleanse.influence import Direction
    from datacleanse.ledger import EpochRecord
    from datacleanse.rules import Rule

WEIGHT_DECAY = 1e-2
"""AdamW's, decoupled: it is no part of any gradient that influences are made from."""

EVALUATION_BATCH = 8192
"""Rows a forward pass without gradients."""


@dataclass(frozen=True)
class Examples:
    """All that a network may see, M rows: DATA's N, then CLEAN's. Tensors lie on one device."""

    inputs: Tensor
    """(M, ...)."""
    labels: Tensor
    """(M,) int64, as given."""
    n_data: int
    """N."""
    trained: Tensor
    """(K,) int64 positions that updates are made from, K >= 2."""
    trusted: Tensor
    """(T,) int64 positions whose gradient steers the weights; not among ``trained``, T >= 1."""
    n_classes: int


@dataclass(frozen=True)
class Outcome:
    """What a training leaves besides the network's parameters."""

    dynamics: Dynamics
    loss: tuple[float, ...]
    """Mean loss over the training rows in each epoch, nats."""
    trusted_loss: tuple[float, ...]
    """Mean loss over the trusted rows after each epoch, nats."""
    skipped_steps: int
    """Batches in which every weight was 0, so that nothing was updated."""


class TrainingError(DatacleanseError):
    """Training left the realm of finite numbers."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """(B, C), (B,) to (B,) nats."""
    return F.cross_entropy(logits, labels, reduction="none")


def train(
    model: nn.Module,
    rule: Rule,
    examples: Examples,
    schedule: Schedule,
    *,
    seed: int,
    on_epoch: Callable[[int, EpochRecord], None] | None = None,
    progress: Progress = SILENT,
) -> Outcome:
    """Train ``model`` in place.

    Args:
        model: on the examples' device; inputs (B, ...) to logits (B, C).
        rule: weighs each batch.
        examples: what to train on, and what to watch.
        schedule: epochs, batch size, peak learning rate (cosine to 0).
        seed: of the order of examples, of dropout and of the draws of trusted rows.
        on_epoch: called after each epoch with its number and its record of DATA's rows.
        progress: advanced once a batch.

    Raises:
        TrainingError: a loss became NaN or infinite.
    """
    loop = _Loop(model, rule, examples, schedule, seed)
    recorder = Recorder(len(examples.labels), examples.n_classes, device=examples.inputs.device)
    losses, trusted_losses = [], []
    devices = [examples.inputs.device] if examples.inputs.is_cuda else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        for epoch in range(schedule.epochs):
            for index in loop.batches():
                loop.step(index, recorder)
                progress.advance()
            _watch(model, examples, recorder)
            losses.append(_finite(recorder.mean_loss(examples.trained), epoch))
            trusted_losses.append(recorder.mean_loss(examples.trusted))
            record = recorder.close_epoch(examples.n_data)
            if on_epoch is not None:
                on_epoch(epoch, record)
    return Outcome(recorder.dynamics(), tuple(losses), tuple(trusted_losses), loop.skipped)


class _Loop:
    """The state that lives from one batch to the next."""

    def __init__(
        self, model: nn.Module, rule: Rule, examples: Examples, schedule: Schedule, seed: int
    ) -> None:
        self._model, self._rule, self._examples = model, rule, examples
        self._batch_size = schedule.batch_size
        self._generator = torch.Generator().manual_seed(seed)
        self._engine = choose_engine(model, cross_entropy)
        self._parameters = trainable(model)
        self._optimiser = torch.optim.AdamW(
            self._parameters.values(), lr=schedule.lr, weight_decay=WEIGHT_DECAY, fused=True
        )
        self._peak = schedule.lr
        self._total = schedule.epochs * n_batches(len(examples.trained), schedule.batch_size)
        self._done = 0
        self.skipped = 0

    def batches(self) -> Iterator[Tensor]:
        """The training rows of one epoch in a fresh order."""
        trained = self._examples.trained
        order = torch.randperm(len(trained), generator=self._generator)
        yield from split(trained[order.to(trained.device)], self._batch_size)

    def step(self, index: Tensor, recorder: Recorder) -> None:
        """Weigh one batch, (B,) positions, and update the network with it."""
        examples = self._examples
        direction = self._direction() if self._rule.needs_influence else None
        self._model.train()
        step = self._engine.open(examples.inputs[index], examples.labels[index], direction)
        weights = self._rule.weigh(step)
        recorder.trained(index, step, weights)
        if self._rule.needs_influence and not bool(weights.any()):
            self.skipped += 1
        else:
            step.descend(weights)
            self._follow(direction)
            self._update()
        self._done += 1

    def _update(self) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self._peak * 0.5 * (1 + math.cos(math.pi * self._done / self._total))
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)

    def _direction(self) -> Direction:
        """The trusted gradient, on all trusted rows or on a random batch of them."""
        trusted = self._examples.trusted
        if len(trusted) > self._batch_size:
            drawn = torch.randperm(len(trusted), generator=self._generator)[: self._batch_size]
            trusted = trusted[drawn.to(trusted.device)]
        inputs, labels = self._examples.inputs[trusted], self._examples.labels[trusted]
        return trusted_gradient(self._model, cross_entropy, inputs, labels)[0]

    def _follow(self, direction: Direction | None) -> None:
        """Let the update follow the trusted gradient too, as far as the rule wants it."""
        if direction is None or not self._rule.trusted_share:
            return
        for name, parameter in self._parameters.items():
            accumulate(parameter, self._rule.trusted_share * direction[name])


def n_batches(n_examples: int, batch_size: int) -> int:
    """How many batches `split` makes."""
    whole, rest = divmod(n_examples, batch_size)
    return max(1, whole + (rest > 1))


def split(order: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Cut (K,) positions into batches; a last batch of one joins the batch before it.

    Batch statistics are undefined on one example, and its weight would always be 0 or 1.
    """
    count = n_batches(len(order), batch_size)
    for number in range(count):
        last = number == count - 1
        yield order[number * batch_size : None if last else (number + 1) * batch_size]


@torch.no_grad()
def logits_of(model: nn.Module, inputs: Tensor) -> Tensor:
    """Evaluation-mode logits, (M, C), a large batch at a time."""
    model.eval()
    return torch.cat([model(part) for part in inputs.split(EVALUATION_BATCH)])


def _watch(model: nn.Module, examples: Examples, recorder: Recorder) -> None:
    """Record the examples that are not trained on."""
    is_watched = torch.ones(len(examples.labels), dtype=torch.bool, device=examples.labels.device)
    is_watched[examples.trained] = False
    watched = is_watched.nonzero()[:, 0]
    if len(watched):
        labels = examples.labels[watched]
        recorder.seen(watched, logits_of(model, examples.inputs[watched]), labels)


def _finite(loss: float, epoch: int) -> float:
    if not math.isfinite(loss):
        raise TrainingError(
            f"The training loss became {loss} in epoch {epoch}.",
            slug="training-diverged",
            hint="Lower the learning rate with --lr, e.g. --lr 0.0003.",
        )
    return loss
