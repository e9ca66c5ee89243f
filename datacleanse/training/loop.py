"""The training loop, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from datacleanse.errors import DatacleanseError, Stopped
from datacleanse.models.demands import find_trainable
from datacleanse.models.inference import compute_logits
from datacleanse.progress import SILENT, Progress
from datacleanse.storage.mapped_files import release_mapped
from datacleanse.training import saved_state
from datacleanse.training.batches import count_batches, draw_order, draw_order_in_runs, split
from datacleanse.training.checkpoint import Checkpoint
from datacleanse.training.examples import apply_worth
from datacleanse.training.graphed_steps import GraphedSteps, Workings
from datacleanse.training.influence import Trusted, TrustedDirection, choose_engine
from datacleanse.training.influence.interface import add_direction
from datacleanse.training.objectives import CLASSES, Objective
from datacleanse.training.optimisers import Optimisation, make_optimiser
from datacleanse.training.parts import Parts
from datacleanse.training.placement import fetch, find_window
from datacleanse.training.ranks import ALONE
from datacleanse.training.recorder import Dynamics
from datacleanse.training.rules.uniform import Uniform
from datacleanse.training.split_rows import split_before

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datacleanse.settings import Schedule
    from datacleanse.storage.ledger import EpochRecord
    from datacleanse.training.examples import Examples
    from datacleanse.training.influence import Direction, Route
    from datacleanse.training.ranks import Ranks
    from datacleanse.training.rules import Rule

WEIGHT_DECAY = 1e-2
"""AdamW's, decoupled: it is no part of any gradient that influences are made from."""


@dataclass(frozen=True)
class Outcome:
    """What a training leaves besides the network's parameters."""

    dynamics: Dynamics
    loss: tuple[float, ...]
    """Mean loss over the training rows in each epoch, nats."""
    trusted_loss: tuple[float, ...]
    """Mean loss over the steering rows after each epoch, nats."""
    skipped_steps: int
    """Batches in which every weight was 0, so that nothing was updated."""
    route: Route | None
    """How influences were computed; None where the rule needs none."""


class TrainingError(DatacleanseError):
    """A loss, a weight or a parameter became NaN or infinite."""


@dataclass(frozen=True)
class Hooks:
    """What a training does besides learning, all of it optional."""

    on_epoch: Callable[[int, EpochRecord], None] | None = None
    """Called after each epoch: its number, its record of DATA's rows until the next epoch ends."""
    save: Callable[[Checkpoint], None] | None = None
    """Called after that, and when the training is stopped; must be done with the checkpoint's
    tensors when it returns."""
    should_stop: Callable[[], bool] | None = None
    """Asked after each batch."""
    progress: Progress = SILENT
    """Advanced once a batch."""


def train(
    model: nn.Module,
    rule: Rule,
    examples: Examples,
    schedule: Schedule,
    *,
    seed: int,
    saved: Checkpoint | None = None,
    hooks: Hooks | None = None,
    optimisation: Optimisation | None = None,
    ranks: Ranks = ALONE,
    objective: Objective = CLASSES,
) -> Outcome:
    """Train ``model`` in place.

    Several ranks, each with the same arguments, compute parts of each batch, and all end with the
    network and the outcome that one alone would have, but for rounding.

    Args:
        model: on the examples' device; inputs (B, ...) to logits (B, C).
        rule: weighs each batch.
        examples: what to train on, and what to watch.
        schedule: epochs, batch size, peak learning rate (cosine to 0).
        seed: of the order of examples, of dropout and of the draws of trusted rows.
        saved: where to go on; all other arguments must be as they were then, but the batches may
            be smaller.
        hooks: what to do besides learning.
        optimisation: how gradients become updates; None: by AdamW.
        ranks: the processes that train together.
        objective: the loss, and what is recorded.

    Raises:
        TrainingError: a loss, a weight or a parameter became NaN or infinite.
        RanksError: another rank failed, was lost, or begins with another network.
        Stopped: ``hooks.should_stop`` said so; a checkpoint of that moment was saved.
        UnusableStateError: ``saved`` cannot be of such a training.
    """
    hooks = hooks or Hooks()
    devices = [each for each in (examples.inputs.device,) if each.type == "cuda"]
    with split_before(model, examples) as rows, torch.random.fork_rng(devices=devices):
        loop = _Loop(model, rule, rows, schedule, seed, optimisation, ranks, objective)
        torch.manual_seed(seed)
        if saved is not None:
            loop.load(saved)
            hooks.progress.advance(saved.steps)
        loop.parts.check_alike(loop.done)
        while loop.epoch < schedule.epochs:
            _run_epoch(loop, schedule, hooks, ranks)
        loop.parts.settle_route(rule, schedule.batch_size)
    return loop.sum_up()


def _run_epoch(loop: _Loop, schedule: Schedule, hooks: Hooks, ranks: Ranks) -> None:
    """Run the rest of an epoch, and save it."""
    for index in loop.draw_batches():
        loop.step(index)
        hooks.progress.advance()
        if ranks.agree(hooks.should_stop is not None and hooks.should_stop()):
            loop.check_finite()
            if hooks.save is not None:
                hooks.save(loop.make_checkpoint())
            ranks.meet()
            raise Stopped(
                f"after {loop.epoch} of {schedule.epochs} epochs and {loop.batch} of "
                f"{loop.n_batches} batches.",
                slug="stopped",
                hint="Go on with --resume.",
            )
    epoch, record = loop.epoch, loop.close_epoch()
    if hooks.on_epoch is not None:
        hooks.on_epoch(epoch, record)
    # What is saved says that all have kept the epoch.
    ranks.meet()
    if hooks.save is not None:
        hooks.save(loop.make_checkpoint())


class _Loop:
    """The state that lives from one batch to the next."""

    def __init__(  # noqa: PLR0917  # as `train`
        self,
        model: nn.Module,
        rule: Rule,
        examples: Examples,
        schedule: Schedule,
        seed: int,
        optimisation: Optimisation | None = None,
        ranks: Ranks = ALONE,
        objective: Objective = CLASSES,
    ) -> None:
        self._model, self._rule, self._examples = model, rule, examples
        self._batch_size = schedule.batch_size
        self._generator = torch.Generator().manual_seed(seed)
        self._engine = choose_engine(model, objective.loss)
        self._direction = TrustedDirection(
            self._engine,
            Trusted(
                examples.take_steering_inputs(schedule.meta.batch),
                examples.labels[examples.steering_rows],
            ),
            schedule.meta,
            generator=self._generator,
            ranks=ranks,
        )
        self.parts = Parts(model, self._engine, examples, ranks)
        self._parameters = find_trainable(model)
        self._optimiser = make_optimiser(
            self._parameters,
            optimisation or Optimisation(),
            peak=schedule.lr,
            weight_decay=WEIGHT_DECAY,
        )
        self._recorder = objective.recorder(examples.labels, examples.n_classes, ranks)
        self._window = find_window(examples.inputs)
        self._peak = schedule.lr
        self.n_batches = count_batches(len(examples.training_rows), schedule.batch_size)
        self._epochs = schedule.epochs
        self.done = 0
        """Batches since the training began."""
        self._skipped = 0
        work = Workings(
            self._engine, rule, examples, self._optimiser, self._recorder, self._direction
        )
        self._graphed = GraphedSteps(work, self._parameters, schedule.batch_size)
        self._losses: list[float] = []
        self._trusted_losses: list[float] = []
        self.epoch = 0
        self.batch = 0
        """Batches done in the epoch."""
        self._rows = 0
        """Rows of the epoch's order that are done."""
        self._order: Tensor | None = None

    def draw_batches(self) -> Iterator[Tensor]:
        """Draw one epoch's batches in a fresh order; the rest of an epoch that was begun before."""
        trained = self._examples.training_rows
        if self._order is None:
            self._order = (
                draw_order_in_runs(trained, self._generator, self._window)
                if self._window
                else draw_order(trained, self._generator)
            )
        rest = self._order[self._rows :]
        if not len(rest):
            return
        at_once = max(1, self._window // self._batch_size)
        for number, batch in enumerate(split(rest, self._batch_size)):
            if self._window and number % at_once == 0:
                # Of the window before this one.
                release_mapped()
                start = number * self._batch_size
                fetch(self._examples.inputs, rest[start : start + at_once * self._batch_size])
            yield batch

    def step(self, index: Tensor) -> None:
        """Weigh one batch, (B,) positions, and update the network with it.

        Among several ranks all is of this one's part of the batch, up to the sum of gradients.
        """
        rule = self._rule if self.epoch >= self._rule.warm_up_epochs else Uniform()
        if not self._model.training:
            self._model.train()
        rate = self._find_rate()
        if rule is not self._rule or not self._graphed.take(index, rate):
            self._step_by_launches(index, rule, rate)
        self.done += 1
        self.batch += 1
        self._rows += len(index)

    def _step_by_launches(self, index: Tensor, rule: Rule, rate: float) -> None:
        """Take the step one kernel after the other."""
        examples = self._examples
        direction = self._direction.advance() if rule.needs_influence else None
        own, step = self.parts.open(index, direction)
        weights = rule.weigh(step)
        if examples.worth is not None:
            weights = apply_worth(weights, examples.worth[own], step)
        self._recorder.record_batch(own, step, weights)
        if not self.parts.descend(step, weights, is_sparse=rule.needs_influence):
            self._skipped += 1
        else:
            self._follow(direction)
            self._optimiser.step(rate)
            self._teach(rule)

    def close_epoch(self) -> EpochRecord:
        """Watch the other rows, and add the epoch to what is known; its record of DATA's rows."""
        examples, recorder = self._examples, self._recorder
        self.parts.watch(recorder, self._batch_size)
        self.check_finite()
        record = recorder.close_epoch(examples.n_data)
        self._losses.append(recorder.average_loss(examples.training_rows))
        self._trusted_losses.append(recorder.average_loss(examples.steering_rows))
        self.epoch, self.batch, self._rows, self._order = self.epoch + 1, 0, 0, None
        self.n_batches = count_batches(len(examples.training_rows), self._batch_size)
        return record

    def check_finite(self) -> None:
        """Look at the epoch's batches so far, all at once: a look at each would slow a GPU down.

        Before it, the ranks tell each other what they have recorded.

        Raises:
            TrainingError: a loss, a weight or a parameter is NaN or infinite.
        """
        assert self._order is not None
        self._recorder.exchange()
        at = self._recorder.find_not_finite(self._order[: self._rows])
        if at is not None:
            batch = min(at // self._batch_size, self.n_batches - 1)
            raise _make_diverged_error("a loss or a weight", self.epoch, batch)
        if not all(bool(p.isfinite().all()) for p in self._parameters.values()):
            raise _make_diverged_error("a parameter of the network", self.epoch, self.batch - 1)

    def sum_up(self) -> Outcome:
        """Return what the training leaves."""
        return Outcome(
            self._recorder.finish(),
            tuple(self._losses),
            tuple(self._trusted_losses),
            self._skipped + self._graphed.count_skipped(),
            self._engine.route if self._rule.needs_influence else None,
        )

    def make_checkpoint(self) -> Checkpoint:
        """Make all that `load` needs; the tensors are the living ones."""
        generators = {"batches": self._generator.get_state(), "cpu": torch.get_rng_state()}
        device = self._examples.inputs.device
        if device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(device)
        return Checkpoint(
            epochs=self.epoch,
            batches=self.batch,
            rows=self._rows,
            batch_size=self._batch_size,
            steps=self.done,
            skipped=self._skipped + self._graphed.count_skipped(),
            losses=[loss if math.isfinite(loss) else None for loss in self._losses],
            trusted_losses=[loss if math.isfinite(loss) else None for loss in self._trusted_losses],
            network=self._model.state_dict(),
            optimiser=self._optimiser.state(),
            rule=self._rule.state(),
            direction=self._direction.state(),
            generators=generators,
            recorder=self._recorder.state(in_epoch=self._order is not None),
            order=self._order,
        )

    def load(self, saved: Checkpoint) -> None:
        """Go on from a `Checkpoint`.

        Raises:
            UnusableStateError: it cannot be one of this training.
        """
        self._check(saved)
        self.epoch, self.batch, self.done = saved.epochs, saved.batches, saved.steps
        self._rows = saved.rows
        self._skipped = saved.skipped
        self._losses, self._trusted_losses = (
            [math.nan if loss is None else loss for loss in losses]
            for losses in (saved.losses, saved.trusted_losses)
        )
        self._model.load_state_dict(saved.network)
        with saved_state.name_unusable("optimiser"):
            self._optimiser.load(saved.optimiser)
        with saved_state.name_unusable("rule"):
            self._rule.load(dict(saved.rule))
        self._direction.load(saved_state.move(dict(saved.direction), self._examples.inputs.device))
        self._recorder.load(saved.recorder)
        if saved.order is not None:
            self._order = saved.order.to(self._examples.training_rows.device)
        if saved.order is not None and saved.batch_size != self._batch_size:
            # The rest of an epoch that was begun with larger batches.
            self.batch = self._rows // self._batch_size
            left = len(saved.order) - self._rows
            self.n_batches = self.batch + (count_batches(left, self._batch_size) if left else 0)
        with saved_state.name_unusable("generators"):
            self._generator.set_state(saved.generators["batches"])
            torch.set_rng_state(saved.generators["cpu"])
            if "cuda" in saved.generators:
                torch.cuda.set_rng_state(saved.generators["cuda"], self._examples.inputs.device)

    def _check(self, saved: Checkpoint) -> None:
        """See that a checkpoint is built as one of this training."""
        saved_state.check_fits(
            saved,
            self.make_checkpoint(),
            self._recorder.state(in_epoch=saved.order is not None),
            epochs=self._epochs,
            rows=self._examples.training_rows,
            parameters=self._parameters,
        )

    def _find_rate(self) -> float:
        """The learning rate of the next update."""
        done = self.epoch * self.n_batches + self.batch
        cosine = 0.5 * (1 + math.cos(math.pi * done / (self._epochs * self.n_batches)))
        return self._peak * cosine

    def _teach(self, rule: Rule) -> None:
        """Show the rule what the network makes of trusted examples, if it learns from them."""
        if rule.learns:
            inputs, labels = self._direction.draw_batch()
            rule.learn(compute_logits(self._model, inputs), labels)

    def _follow(self, direction: Direction | None) -> None:
        """Let the update follow the trusted gradient too, as far as the rule wants it."""
        if direction is not None and self._rule.trusted_share:
            add_direction(self._parameters, direction, self._rule.trusted_share)


def _make_diverged_error(what: str, epoch: int, batch: int) -> TrainingError:
    return TrainingError(
        f"Training went astray in epoch {epoch}, batch {batch} (both counted from 0): {what} "
        "became NaN or infinite.",
        slug="training-diverged",
        hint="Lower the learning rate with --lr, e.g. --lr 0.0003.",
    )
