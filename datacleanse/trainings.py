"""The two trainings of an audit: the reweighted network, and plain training as its control."""

from __future__ import annotations

import gc
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch

from datacleanse.device import one_cpu_thread
from datacleanse.errors import Stopped
from datacleanse.models.tabular import TabularNetwork, shape_for
from datacleanse.own_code import told_as_own
from datacleanse.records import Notice
from datacleanse.rules import make_rule
from datacleanse.schedule import DROPOUT, N_HIDDEN, WIDTH
from datacleanse.shortage import MemoryShortError, is_shortage
from datacleanse.stopping import NEVER, StopRequest
from datacleanse.train import SMALLEST_BATCH, Hooks, n_batches, train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn

    from datacleanse.checkpoint import Checkpoint, Checkpoints
    from datacleanse.config import RuleName, Schedule
    from datacleanse.encode import Encoding
    from datacleanse.ledger import EpochRecord
    from datacleanse.optimisers import Optimisation
    from datacleanse.progress import Progress
    from datacleanse.train import Examples, Outcome

    Keep = Callable[[int, EpochRecord], None]


@dataclass(frozen=True)
class Lesson:
    """What both trainings share."""

    build: Callable[[], nn.Module]
    """A fresh network on the CPU, with the same parameters at each call."""
    is_own: bool
    """Whether its code is the user's, so that its failures are, too."""
    rule: RuleName
    """Of the reweighted training."""
    schedule: Schedule
    seed: int
    optimisation: Optimisation | None = None


@dataclass(frozen=True)
class Trained:
    """A network, and what its training showed."""

    network: nn.Module
    outcome: Outcome
    batch_size: int
    """Rows a step, at the end."""


@dataclass(frozen=True)
class Pair:
    """Both networks, started from the same parameters and fed in the same order."""

    reweighted: Trained
    control: Trained
    """The same object where the rule is ``uniform``."""
    schedule: Schedule
    """With the batch size that was used at the end."""
    n_trained: int
    """Rows that updates were made from."""
    device: torch.device
    threads: int
    """CPU threads used; results may differ in the last digits with another number."""
    notices: tuple[Notice, ...]


def train_pair(
    examples: Examples,
    lesson: Lesson,
    *,
    keep: Keep,
    lap: Callable[[str], None],
    progress: Progress,
    checkpoints: Checkpoints | None = None,
    stop: StopRequest = NEVER,
) -> Pair:
    """Train by the rule asked for and, beside it, uniformly.

    Where memory runs out, the training goes on from its last checkpoint with half the batch size.

    Args:
        examples: what to learn from.
        lesson: the network, and how it is trained.
        keep: called after each epoch of the reweighted training; again for an epoch begun anew.
        lap: called with the name of each part when it is done.
        progress: receives a stage for each part.
        checkpoints: where the trainings are saved, and gone on with where they were saved before.
        stop: asked after each batch.

    Raises:
        TrainingError: a loss became NaN or infinite.
        MemoryShortError: the smallest batch does not fit into memory.
        OwnCodeError: the user's network failed.
        RunFolderError: a checkpoint cannot be gone on with.
        Stopped: on request; everything so far is saved.
    """
    job = _Job(examples, lesson, progress, checkpoints, stop)
    device = examples.labels.device
    size = lesson.schedule.batch_size
    with one_cpu_thread(device) as threads, stop.awaited():
        reweighted = job.run("reweighted", lesson.rule, keep, size)
        lap("reweighted")
        control = reweighted
        if lesson.rule != "uniform":
            # What did not fit before would not fit now, and the two should be fed alike.
            control = job.run("control", "uniform", None, reweighted.batch_size)
        lap("control")
    used = control.batch_size
    return Pair(
        reweighted,
        control,
        replace(lesson.schedule, batch_size=used),
        len(examples.trained),
        device,
        threads,
        (_halved(size, used, device),) if used < size else (),
    )


@dataclass(frozen=True)
class _Job:
    """What both trainings share besides the lesson."""

    examples: Examples
    lesson: Lesson
    progress: Progress
    checkpoints: Checkpoints | None
    stop: StopRequest

    def run(self, name: str, rule: RuleName, keep: Keep | None, batch_size: int) -> Trained:
        """Train a fresh network, or go on with the one saved under this name."""
        is_first = True
        while True:
            saved = self._saved(name, is_told=is_first)
            if saved is not None:
                batch_size = min(batch_size, saved.batch_size)
            trained = self._attempt(name, rule, keep, batch_size, saved)
            if trained is not None:
                return trained
            # The engine's hooks and graphs may hold each other.
            gc.collect()
            if self.examples.labels.is_cuda:
                torch.cuda.empty_cache()
            batch_size, is_first = max(SMALLEST_BATCH, batch_size // 2), False
            self.progress.say(f"Memory ran out; going on with batches of {batch_size:,} rows.")

    def _attempt(
        self,
        name: str,
        rule: RuleName,
        keep: Keep | None,
        batch_size: int,
        saved: Checkpoint | None,
    ) -> Trained | None:
        """The training done; None where memory ran out and smaller batches may help."""
        schedule = replace(self.lesson.schedule, batch_size=batch_size)
        epochs, steps = (0, 0) if saved is None else (saved.epochs, saved.steps)
        n_steps = n_batches(len(self.examples.trained), batch_size)
        total = steps + (schedule.epochs - epochs) * n_steps
        self.progress.stage(f"Training, rule {rule}", total)
        save = None if self.checkpoints is None else partial(self.checkpoints.save, name)
        what = f"Training with rule {rule} failed in the network"
        try:
            # A full disk is not the network's fault.
            own = told_as_own(what, but=(OSError,)) if self.lesson.is_own else nullcontext()
            with _said_which(rule), own:
                network = self.lesson.build().to(self.examples.labels.device)
                outcome = train(
                    network,
                    make_rule(rule, seed=self.lesson.seed),
                    self.examples,
                    schedule,
                    seed=self.lesson.seed,
                    saved=saved,
                    hooks=Hooks(keep, save, self.stop, self.progress),
                    optimisation=self.lesson.optimisation,
                )
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error):
                raise
            if batch_size <= SMALLEST_BATCH:
                raise _too_large(self.examples.labels.device) from error
            return None
        return Trained(network, outcome, batch_size)

    def _saved(self, name: str, *, is_told: bool) -> Checkpoint | None:
        saved = None if self.checkpoints is None else self.checkpoints.load(name)
        if is_told and saved is not None and saved.epochs < self.lesson.schedule.epochs:
            self.progress.say(
                f"Going on after {saved.epochs} of {self.lesson.schedule.epochs} epochs"
                + (f" and {saved.batches} batches." if saved.batches else ".")
            )
        return saved


def _halved(asked: int, used: int, device: torch.device) -> Notice:
    return Notice(
        "batch-halved",
        f"Batches of {asked:,} rows did not fit into the memory of the {device.type}: training "
        f"went on with {used:,} rows a step.",
        is_warning=True,
    )


def _too_large(device: torch.device) -> MemoryShortError:
    return MemoryShortError(
        f"The memory of the {device.type} does not suffice to train on batches of "
        f"{SMALLEST_BATCH} rows.",
        slug="out-of-memory",
        hint="Free memory, take a smaller network or fewer columns"
        + ("." if device.type == "cpu" else ", or use --device cpu."),
    )


@contextmanager
def _said_which(rule: RuleName) -> Iterator[None]:
    """Name the training that was stopped."""
    try:
        yield
    except Stopped as error:
        message = f"Training with rule {rule} was stopped {error.message}"
        raise Stopped(message, slug=error.slug, hint=error.hint) from error


def build_network(encoding: Encoding, n_classes: int, *, seed: int) -> TabularNetwork:
    """The default network, initialised from the seed, on the CPU."""
    shape = shape_for(encoding, n_classes, width=WIDTH, n_hidden=N_HIDDEN, dropout=DROPOUT)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = TabularNetwork(shape)
    network.numbers.set_edges(encoding)
    return network
