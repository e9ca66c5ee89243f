"""A training tried for a moment, to know how long the whole would take and what it would keep."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from statistics import fmean, median
from time import perf_counter
from typing import TYPE_CHECKING

from datacleanse.storage.ledger import write_epoch
from datacleanse.training.batches import count_batches
from datacleanse.training.checkpoint import Checkpoints
from datacleanse.training.loop import Hooks, train
from datacleanse.training.rules import make_rule
from datacleanse.training.sparing import SECONDS_APART
from datacleanse.user_code import report_as_user_code

if TYPE_CHECKING:
    from pathlib import Path

    from datacleanse.settings import RuleName
    from datacleanse.storage.ledger import EpochRecord
    from datacleanse.training.checkpoint import Checkpoint
    from datacleanse.training.examples import Examples
    from datacleanse.training.trainer import Lesson

SECONDS = 1.0
"""How long a training is tried, at least; no longer than two epochs."""

LEAST_STEPS = 4
"""Steps that are made, however long they take. The first one is not counted: it warms up."""

EVALUATED = 0.3
"""Share of a step's time that a look at as many rows takes: no gradient is computed."""

LEDGER_ROW = 20
"""Bytes of a row in an epoch of the ledger, about, where none was written."""

BYTES_A_SECOND = 200e6
"""Of ledger and checkpoint, about, where no epoch was through to be measured."""


@dataclass(frozen=True)
class Tried:
    """What a short trial showed."""

    step: float
    """Seconds of a step."""
    epoch: float
    """Seconds of an epoch besides its steps: a look at the other rows, and the ledger if it is
    kept."""
    save: float
    """Seconds of a checkpoint."""
    steps: int
    """Steps of an epoch."""
    epochs: int
    """Epochs of the whole training."""
    checkpoint_bytes: int
    """Size of its checkpoint, about."""
    ledger_bytes: int
    """Size of an epoch of the ledger, about."""

    @property
    def seconds(self) -> float:
        """Of the whole training, checkpoints as far apart as `SparingSaver` has them."""
        bare = self.epochs * (self.steps * self.step + self.epoch)
        return bare + min(self.epochs, 1 + bare // SECONDS_APART) * self.save


class _EnoughError(Exception):
    """Enough is known."""


@dataclass
class _Clock:
    """Measures a training that it lives in."""

    place: Path
    stamps: list[float] = field(default_factory=list)
    """When each step of the epoch was done."""
    steps: list[float] = field(default_factory=list)
    epochs: list[float] = field(default_factory=list)
    saves: list[float] = field(default_factory=list)
    begun: float = field(default_factory=perf_counter)
    ledger_bytes: int = 0
    checkpoint_bytes: int = 0

    def stage(self, name: str, total: int | None) -> None:
        """Nothing to do."""

    def say(self, message: str) -> None:
        """Nothing to do."""

    def advance(self, steps: int = 1) -> None:
        """A step is done."""
        del steps
        self.stamps.append(perf_counter())
        if len(self.stamps) > 1:
            self.steps.append(self.stamps[-1] - self.stamps[-2])
        is_long = perf_counter() - self.begun > SECONDS
        if len(self.epochs) == 2 or (is_long and len(self.steps) >= LEAST_STEPS):
            raise _EnoughError

    def keep(self, epoch: int, record: EpochRecord) -> None:
        """Write an epoch of the ledger."""
        file = self.place / "epoch"
        write_epoch(file, epoch, record)
        self.ledger_bytes = file.stat().st_size

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, which ends the epoch."""
        ended = perf_counter()
        self.epochs.append(ended - self.stamps[-1])
        Checkpoints(self.place, {}).save("trial", checkpoint)
        self.checkpoint_bytes = sum(file.stat().st_size for file in self.place.glob("trial*"))
        self.saves.append(perf_counter() - ended)
        self.stamps.clear()


def try_training(
    lesson: Lesson, rule: RuleName, examples: Examples, place: Path, *, is_kept: bool
) -> Tried:
    """Train for a moment as an audit would.

    Args:
        lesson: how.
        rule: weighs the rows.
        examples: the whole of them.
        place: a folder for what is written.
        is_kept: whether its ledger is kept, as that of the first training of an audit is.

    Raises:
        TrainingError: a loss became NaN or infinite.
        UserCodeError: the user's network failed.
    """
    clock, schedule = _Clock(place), lesson.schedule
    what = f"Training with rule {rule} failed in the network"
    own = report_as_user_code(what, but=(OSError, _EnoughError)) if lesson.is_own else nullcontext()
    with suppress(_EnoughError), own:
        network = lesson.build().to(examples.labels.device)
        train(
            network,
            make_rule(rule, seed=lesson.seed),
            examples,
            schedule,
            seed=lesson.seed,
            hooks=Hooks(clock.keep if is_kept else None, clock.save, None, clock),
            optimisation=lesson.optimisation,
            objective=lesson.objective,
        )
    return _read(clock, examples, schedule.batch_size, schedule.epochs)


def _read(clock: _Clock, examples: Examples, batch_size: int, epochs: int) -> Tried:
    step = fmean(clock.steps) if clock.steps else 0.0
    n, n_trained = len(examples.labels), len(examples.training_rows)
    # Sums and means of each row, and as much again while an epoch is open.
    checkpoint = clock.checkpoint_bytes or 4 * n * (5 + examples.n_classes)
    ledger = clock.ledger_bytes or LEDGER_ROW * examples.n_data
    if clock.epochs:
        epoch, save = median(clock.epochs), median(clock.saves)
    else:
        epoch = EVALUATED * step * (n - n_trained) / batch_size + ledger / BYTES_A_SECOND
        save = checkpoint / BYTES_A_SECOND
    n_steps = count_batches(n_trained, batch_size)
    return Tried(step, epoch, save, n_steps, epochs, checkpoint, ledger)
