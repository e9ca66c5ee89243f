"""The trainings of an audit: reweighted, plain as their control, and the final model."""

from __future__ import annotations

import gc
import math
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import torch

from datacleanse.errors import MemoryShortError, Stopped, is_shortage
from datacleanse.models.inference import SMALLEST_BATCH
from datacleanse.records import Notice
from datacleanse.scheduling.pool import Pool
from datacleanse.settings import MAX_SEED
from datacleanse.training.batches import count_batches
from datacleanse.training.loop import Hooks, train
from datacleanse.training.objectives import CLASSES, Objective
from datacleanse.training.ranks import ALONE
from datacleanse.training.rules import make_rule
from datacleanse.training.saved_state import UnusableStateError
from datacleanse.training.side_by_side import (
    Fed,
    Learning,
    TrainedNetwork,
    Training,
    do_nothing,
)
from datacleanse.training.sparing import SparingSaver
from datacleanse.training.stopping import NEVER, StopRequest
from datacleanse.user_code import report_as_user_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn

    from datacleanse.progress import Progress
    from datacleanse.scheduling.pool import Ticket
    from datacleanse.settings import RuleName, Schedule
    from datacleanse.training.checkpoint import Checkpoint, Checkpoints
    from datacleanse.training.examples import Examples
    from datacleanse.training.optimisers import Optimisation
    from datacleanse.training.ranks import Ranks
    from datacleanse.training.side_by_side import Keep, Trainings

FOLD_NAMES = ("reweighted", "swapped")
"""Trainings by fold of the clean set; the first is the run's own."""

SHORT_SHARE = 0.5
"""Of the epochs, taken by a final training that starts from the control's parameters."""

STAGES = {"swapped": "Training, halves of CLEAN swapped", "final": "Training the final model"}


@dataclass(frozen=True)
class Lesson:
    """What all trainings of an audit share."""

    build: Callable[[], nn.Module]
    """A fresh network on the CPU, with the same parameters at each call."""
    is_own: bool
    """Whether its code is the user's, so that its failures are, too."""
    rule: RuleName
    """Rule of the reweighted training."""
    schedule: Schedule
    """Epochs, batch size, learning rate, and how the steering rows are used."""
    seed: int
    """Of the order of examples, of dropout and of all draws."""
    optimisation: Optimisation | None = None
    """How gradients become updates; None: by AdamW."""
    objective: Objective = CLASSES
    """The loss, and what is recorded of each row."""


@dataclass(frozen=True)
class Trainer:
    """Runs the trainings of one audit, each in a place of the pool."""

    lesson: Lesson
    device: torch.device
    lap: Callable[[str], None]
    """Called with the name of each part when it is done."""
    progress: Progress
    """Receives a stage for each part."""
    checkpoints: Checkpoints | None = None
    """Where the trainings are saved, and gone on with where they were saved before."""
    stop: StopRequest = NEVER
    """Asked after each batch whether to stop."""
    repeat: int = 0
    """Number of the repeated run; 0: the run itself."""
    pool: Pool = field(default_factory=Pool)
    """Where trainings are done; by default in this process, one after the other."""
    places: Sequence[torch.device] = ()
    """Devices that trainings are dealt over, ``device`` being the CPU; none: all are on that."""
    ranks: Ranks = ALONE
    """The processes that train together."""
    settle: Callable[[], None] = do_nothing
    """Called before a checkpoint is saved: returns when all records of epochs are kept."""

    def repeat_with(self, number: int) -> Trainer:
        """Return a trainer with other random draws; its networks start from the same parameters."""
        lesson = replace(self.lesson, seed=(self.lesson.seed + number) % (MAX_SEED + 1))
        return replace(self, lesson=lesson, lap=lambda part: None, repeat=number)

    def build(self) -> nn.Module:
        """Build the network as it is before any training, on the CPU."""
        return self.lesson.build()

    def move_to(
        self,
        progress: Progress,
        stop: StopRequest,
        device: torch.device | None = None,
        settle: Callable[[], None] = do_nothing,
    ) -> Trainer:
        """Return the same trainer for a process of its own, which only tells what it does."""
        return replace(
            self,
            progress=progress,
            stop=stop,
            settle=settle,
            device=self.device if device is None else device,
            lap=lambda part: None,
            pool=Pool(),
            places=(),
        )

    def learn(
        self,
        folds: Sequence[Callable[[], Examples]],
        everything: Examples,
        *,
        keep: Keep | None = None,
    ) -> Trainings:
        """Train by the rule asked for, once a fold, and uniformly on all rows; see `begin`."""
        return self.begin(folds, everything, keep=keep).finish()

    def begin(
        self,
        folds: Sequence[Callable[[], Examples]],
        everything: Examples,
        *,
        keep: Keep | None = None,
    ) -> Learning:
        """Begin to train by the rule asked for, once a fold, and uniformly on all rows.

        Where memory runs out, a training goes on from its last checkpoint: alone, and if it was
        alone with half the batch size.

        Args:
            folds: what lays out the same rows, with their parts in each fold; one at least.
            everything: the same with all clean rows among the trained.
            keep: called after each epoch of the first training; again for an epoch begun anew.
        """
        rule, fed = self.lesson.rule, Fed(self.lesson.schedule.batch_size)
        asked, trainer = [], self
        if rule != "uniform":
            for name, lay_out in zip(FOLD_NAMES, folds, strict=False):
                asked.append(Training(trainer, name, rule, lay_out, keep, fed))
                keep, trainer = None, self._shorten(self.lesson.schedule.further_share)
        # What takes long begins first.
        control = Training(self, "control", "uniform", lambda: everything, keep, fed)
        asked.insert(min(1, len(asked)), control)
        if self.checkpoints is not None:
            # As many rows a step as the smallest that any of them came to before it was stopped.
            for each in asked:
                fed.limit(self.checkpoints.read_batch_size(self._name_checkpoint(each.name)))
        tickets = {each.name: self.pool.submit(each, can_be_stopped=True) for each in asked}
        return Learning(self, tickets, len(folds))

    def refit(
        self, everything: Examples, worth: Tensor, control: TrainedNetwork, *, is_fast: bool
    ) -> TrainedNetwork:
        """Train uniformly on all rows, each counting by its worth; see `begin_refit`."""
        return self.wait(self.begin_refit(everything, worth, control, is_fast=is_fast))

    def begin_refit(
        self, everything: Examples, worth: Tensor, control: TrainedNetwork, *, is_fast: bool
    ) -> Ticket[TrainedNetwork]:
        """Begin what `refit` does; `wait` takes it.

        Args:
            everything: all rows.
            worth: (M,) in [0, 1].
            control: the network trained plainly on all rows; it is fed as many rows a step.
            is_fast: where labels are classes, start from its parameters, for half of the epochs.
        """
        examples = replace(everything, worth=worth.to(self.device))
        is_short = is_fast and self.lesson.objective is CLASSES
        trainer = self._start_from(control.network) if is_short else self
        fed = Fed(control.batch_size)
        task = Training(trainer, "final", "uniform", lambda: examples, None, fed)
        return self.pool.submit(task, can_be_stopped=True)

    def _start_from(self, network: nn.Module) -> Trainer:
        """Return the same trainer, whose networks start from this one's parameters."""
        state = {name: value.cpu() for name, value in network.state_dict().items()}
        build = self.lesson.build

        def build_again() -> nn.Module:
            built = build()
            built.load_state_dict(state)
            return built

        short = self._shorten(SHORT_SHARE)
        return replace(short, lesson=replace(short.lesson, build=build_again))

    def _shorten(self, share: float) -> Trainer:
        """Return the same trainer with a share of the epochs."""
        schedule = self.lesson.schedule
        shorter = replace(schedule, epochs=math.ceil(share * schedule.epochs))
        return replace(self, lesson=replace(self.lesson, schedule=shorter))

    def wait(self, ticket: Ticket[TrainedNetwork]) -> TrainedNetwork:
        """Wait for a training."""
        with self.stop.awaited():
            return self.pool.wait(ticket, self.stop)

    def tell_halved(self, used: int) -> tuple[Notice, ...]:
        """Tell of a batch size that was smaller in the end than asked for."""
        asked = self.lesson.schedule.batch_size
        return (_halved(asked, used, self.device),) if used < asked else ()

    def run(  # what tells one training from another
        self, name: str, rule: RuleName, examples: Examples, batch_size: int, keep: Keep | None
    ) -> TrainedNetwork:
        """Train a fresh network, or go on with the one saved under this name.

        Where memory runs out, it goes on from its last checkpoint with half the batch size.

        Raises:
            TrainingError: a loss became NaN or infinite.
            MemoryShortError: the smallest batch does not fit into memory.
            UserCodeError: the user's network failed.
            RunFolderError: a checkpoint cannot be gone on with.
            Stopped: on request; everything so far is saved.
        """
        is_first = True
        while True:
            trained = self.try_once(name, rule, examples, batch_size, keep, is_told=is_first)
            if isinstance(trained, TrainedNetwork):
                return trained
            # The engine's hooks and graphs may hold each other.
            gc.collect()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            batch_size, is_first = max(SMALLEST_BATCH, trained // 2), False
            self.progress.say(f"Memory ran out; going on with batches of {batch_size:,} rows.")

    def try_once(  # as `run`
        self,
        name: str,
        rule: RuleName,
        examples: Examples,
        batch_size: int,
        keep: Keep | None,
        *,
        is_told: bool = True,
    ) -> TrainedNetwork | int:
        """Train as `run` does; where memory runs out, the batch size for which it did."""
        name = self._name_checkpoint(name)
        saved = self._load_saved(name, is_told=is_told)
        if saved is not None:
            batch_size = min(batch_size, saved.batch_size)
        trained = self._attempt(name, rule, examples, keep, batch_size, saved)
        return batch_size if trained is None else trained

    def _name_checkpoint(self, name: str) -> str:
        return f"repeat-{self.repeat}-{name}" if self.repeat else name

    def _attempt(  # noqa: PLR0917  # as `run`
        self,
        name: str,
        rule: RuleName,
        examples: Examples,
        keep: Keep | None,
        batch_size: int,
        saved: Checkpoint | None,
    ) -> TrainedNetwork | None:
        """The training done; None where memory ran out and smaller batches may help."""
        schedule = replace(self.lesson.schedule, batch_size=batch_size)
        epochs, steps = (0, 0) if saved is None else (saved.epochs, saved.steps)
        n_steps = count_batches(len(examples.training_rows), batch_size)
        total = steps + (schedule.epochs - epochs) * n_steps
        stage = f"Repeat {self.repeat}" if self.repeat else f"Training, rule {rule}"
        self.progress.stage(STAGES.get(name, stage), total)
        is_saved = self.checkpoints is not None and self.ranks.number == 0
        save = SparingSaver(partial(self._save, name), schedule.epochs) if is_saved else None
        what = f"Training with rule {rule} failed in the network"
        try:
            # A full disk is not the network's fault.
            own = (
                report_as_user_code(what, but=(OSError, UnusableStateError))
                if self.lesson.is_own
                else nullcontext()
            )
            with _name_training(rule), own:
                network = self.lesson.build().to(self.device)
                outcome = train(
                    network,
                    make_rule(rule, seed=self.lesson.seed),
                    examples,
                    schedule,
                    seed=self.lesson.seed,
                    saved=saved,
                    hooks=Hooks(keep, save, self.stop, self.progress),
                    optimisation=self.lesson.optimisation,
                    ranks=self.ranks,
                    objective=self.lesson.objective,
                )
        except UnusableStateError as error:
            assert self.checkpoints is not None
            raise self.checkpoints.make_damage_error(name, error) from error
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error):
                raise
            if self.ranks.count > 1:
                raise _make_rank_too_small_error(self.device) from error
            if batch_size <= SMALLEST_BATCH:
                raise _make_too_large_error(self.device) from error
            return None
        return TrainedNetwork(network, outcome, batch_size, len(examples.training_rows))

    def _save(self, name: str, checkpoint: Checkpoint) -> None:
        assert self.checkpoints is not None
        self.settle()
        self.checkpoints.save(name, checkpoint)

    def _load_saved(self, name: str, *, is_told: bool) -> Checkpoint | None:
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


def _make_too_large_error(device: torch.device) -> MemoryShortError:
    return MemoryShortError(
        f"The memory of the {device.type} does not suffice to train on batches of "
        f"{SMALLEST_BATCH} rows.",
        slug="out-of-memory",
        hint="Free memory, take a smaller network or fewer columns"
        + ("." if device.type == "cpu" else ", or use --device cpu."),
    )


def _make_rank_too_small_error(device: torch.device) -> MemoryShortError:
    """The error of one rank among several, which cannot halve a batch without the others."""
    return MemoryShortError(
        f"The memory of the {device.type} does not suffice for a rank's part of a batch.",
        slug="out-of-memory",
        hint="Take more ranks, each of which then has fewer rows of a batch, or a smaller "
        "--batch-size.",
    )


@contextmanager
def _name_training(rule: RuleName) -> Iterator[None]:
    """Name the training that was stopped."""
    try:
        yield
    except Stopped as error:
        message = f"Training with rule {rule} was stopped {error.message}"
        raise Stopped(message, slug=error.slug, hint=error.hint) from error
