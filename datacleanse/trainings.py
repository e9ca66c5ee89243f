"""The two trainings of an audit: the reweighted network, and plain training as its control."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

from datacleanse.device import one_cpu_thread
from datacleanse.errors import Stopped
from datacleanse.models.tabular import TabularNetwork, shape_for
from datacleanse.predictor import Predictor
from datacleanse.rules import make_rule
from datacleanse.schedule import DROPOUT, N_HIDDEN, WIDTH, schedule_for
from datacleanse.stopping import NEVER, StopRequest
from datacleanse.train import Hooks, n_batches, train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datacleanse.checkpoint import Checkpoint, Checkpoints
    from datacleanse.config import RuleName, Schedule, Settings
    from datacleanse.encode import Encoding
    from datacleanse.ledger import EpochRecord
    from datacleanse.progress import Progress
    from datacleanse.records import Schema
    from datacleanse.train import Examples, Outcome

    Keep = Callable[[int, EpochRecord], None]


@dataclass(frozen=True)
class Trained:
    """A network with its preprocessing, and what its training showed."""

    predictor: Predictor
    outcome: Outcome


@dataclass(frozen=True)
class Pair:
    """Both networks, started from the same parameters and fed in the same order."""

    reweighted: Trained
    control: Trained
    """The same object where the rule is ``uniform``."""
    schedule: Schedule
    n_trained: int
    """Rows that updates were made from."""
    device: torch.device
    threads: int
    """CPU threads used; results may differ in the last digits with another number."""


def train_pair(
    examples: Examples,
    encoding: Encoding,
    schema: Schema,
    settings: Settings,
    *,
    keep: Keep,
    lap: Callable[[str], None],
    progress: Progress,
    checkpoints: Checkpoints | None = None,
    stop: StopRequest = NEVER,
) -> Pair:
    """Train by the rule asked for and, beside it, uniformly.

    Args:
        examples: encoded rows, on the device to train on.
        encoding: by which they were encoded.
        schema: DATA's.
        settings: of the run.
        keep: called after each epoch of the reweighted training.
        lap: called with the name of each part when it is done.
        progress: receives a stage for each part.
        checkpoints: where the trainings are saved, and gone on with where they were saved before.
        stop: asked after each batch.

    Raises:
        TrainingError: a loss became NaN or infinite.
        RunFolderError: a checkpoint cannot be gone on with.
        Stopped: on request; everything so far is saved.
    """
    schedule = schedule_for(settings, len(examples.trained))
    job = _Job(examples, encoding, schema, schedule, settings.seed, progress, checkpoints, stop)
    device = examples.inputs.device
    with one_cpu_thread(device) as threads, stop.awaited():
        reweighted = job.run("reweighted", settings.rule, keep)
        lap("reweighted")
        is_plain = settings.rule == "uniform"
        control = reweighted if is_plain else job.run("control", "uniform", None)
        lap("control")
    return Pair(reweighted, control, schedule, len(examples.trained), device, threads)


@dataclass(frozen=True)
class _Job:
    """What both trainings share."""

    examples: Examples
    encoding: Encoding
    schema: Schema
    schedule: Schedule
    seed: int
    progress: Progress
    checkpoints: Checkpoints | None
    stop: StopRequest

    def run(self, name: str, rule: RuleName, keep: Keep | None) -> Trained:
        """Train a fresh network, or go on with the one saved under this name."""
        n_steps = n_batches(len(self.examples.trained), self.schedule.batch_size)
        self.progress.stage(f"Training, rule {rule}", self.schedule.epochs * n_steps)
        saved = self._saved(name)
        network = build_network(self.encoding, self.examples.n_classes, seed=self.seed)
        network.to(self.examples.inputs.device)
        save = None if self.checkpoints is None else partial(self.checkpoints.save, name)
        with _said_which(rule):
            outcome = train(
                network,
                make_rule(rule, seed=self.seed),
                self.examples,
                self.schedule,
                seed=self.seed,
                saved=saved,
                hooks=Hooks(keep, save, self.stop, self.progress),
            )
        return Trained(Predictor(network, self.encoding, self.schema), outcome)

    def _saved(self, name: str) -> Checkpoint | None:
        saved = None if self.checkpoints is None else self.checkpoints.load(name)
        if saved is not None and saved.epochs < self.schedule.epochs:
            self.progress.say(
                f"Going on after {saved.epochs} of {self.schedule.epochs} epochs"
                + (f" and {saved.batches} batches." if saved.batches else ".")
            )
        return saved


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
