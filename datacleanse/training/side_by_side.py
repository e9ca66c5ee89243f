"""Trainings as tasks of the scheduler: what each gives, in this process or in one of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import torch

from datacleanse.errors import MemoryShortError
from datacleanse.progress import open_lane
from datacleanse.scheduling.forked import can_fork, fork
from datacleanse.scheduling.interface import CannotBeDoneThereError
from datacleanse.training.placement import is_handed_over

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.progress import Lane, Progress
    from datacleanse.scheduling.forked import Child, Parent
    from datacleanse.scheduling.pool import Pool, Ticket
    from datacleanse.settings import RuleName
    from datacleanse.storage.ledger import EpochRecord
    from datacleanse.training.examples import Examples
    from datacleanse.training.loop import Outcome
    from datacleanse.training.stopping import StopRequest

    Keep = Callable[[int, EpochRecord], None]

SECONDS_APART = 0.1
"""Between two reports of steps by a process of its own: each wakes this one."""


def do_nothing() -> None:
    """All is kept at once."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network that was trained, and what its training showed."""

    network: nn.Module
    """On the device that it was trained on."""
    outcome: Outcome
    """What its training showed of each row, and its learning curves."""
    batch_size: int
    """Rows a step, at the end of the training."""
    n_trained: int
    """Number of the rows that updates were made from."""


@dataclass(frozen=True)
class Trainings:
    """Networks that started from the same parameters, before the final one."""

    reweighted: TrainedNetwork
    """In the first fold of the clean set; the control itself where the rule is ``uniform``."""
    opinions: tuple[NDArray[np.float32] | None, ...]
    """(M, C) each: mean class probabilities while it was reweighted, by fold of the clean set;
    None each where the rule is ``uniform``: no network but the control has an opinion."""
    control: TrainedNetwork
    """Plain training on all rows, the clean ones too."""


class Trains(Protocol):
    """What a training asks of the audit's `Trainer`."""

    @property
    def device(self) -> torch.device:
        """Where the networks are."""

    @property
    def lap(self) -> Callable[[str], None]:
        """Called with the training's name when it is done."""

    @property
    def progress(self) -> Progress:
        """Receives its stages."""

    @property
    def stop(self) -> StopRequest:
        """Asked whether to stop."""

    @property
    def pool(self) -> Pool:
        """Where it was submitted."""

    def build(self) -> nn.Module:
        """Build the network as it is before any training, on the CPU."""

    @property
    def places(self) -> Sequence[torch.device]:
        """Devices that trainings are dealt over; none: they are on ``device``."""

    def move_to(
        self,
        progress: Progress,
        stop: StopRequest,
        device: torch.device | None = None,
        settle: Callable[[], None] = do_nothing,
    ) -> Trains:
        """Return the same for a process of its own, on another device if one is given."""

    def run(
        self, name: str, rule: RuleName, examples: Examples, batch_size: int, keep: Keep | None
    ) -> TrainedNetwork:
        """Train, with smaller batches where memory runs out."""

    def try_once(
        self, name: str, rule: RuleName, examples: Examples, batch_size: int, keep: Keep | None
    ) -> TrainedNetwork | int:
        """Train; where memory runs out, the batch size for which it did."""


@dataclass
class Fed:
    """Rows a step of trainings that should all be fed alike, as far as memory lets them."""

    batch_size: int

    def limit(self, batch_size: int | None) -> None:
        """Take no more rows a step than these; None: nothing is known against more."""
        if batch_size is not None:
            self.batch_size = min(self.batch_size, batch_size)


@dataclass(frozen=True)
class Training:
    """A `Task`: one network trained."""

    trainer: Trains
    name: str
    """Of its checkpoint."""
    rule: RuleName
    lay_out: Callable[[], Examples]
    """Gives the examples, which take memory of their own."""
    keep: Keep | None
    """Called after each epoch, in this process."""
    fed: Fed

    needs_device: bool = True

    def run_here(self) -> TrainedNetwork:
        """Train while this process does nothing else, in it unless another device is wanted."""
        trainer = self.trainer
        if trainer.places:
            # Alone on its device, and with smaller batches if need be.
            running = self._begin(trainer.places[0], is_alone=True)
            if running is not None:
                try:
                    return running.take()
                finally:
                    running.end()
            trainer = trainer.move_to(trainer.progress, trainer.stop, trainer.places[0])
        examples, size = self.lay_out().move_to(trainer.device), self.fed.batch_size
        trained = trainer.run(self.name, self.rule, examples, size, self.keep)
        # What did not fit before would not fit now.
        self.fed.limit(trained.batch_size)
        trained.network.to(self.trainer.device)
        self.trainer.lap(self.name)
        return trained

    def start(self, device: str | None) -> RunningTraining | None:
        """Train in a forked process; None where that cannot be."""
        return self._begin(None if device is None else torch.device(device), is_alone=False)

    def _begin(self, device: torch.device | None, *, is_alone: bool) -> RunningTraining | None:
        examples = self.lay_out()
        if not (can_fork() and is_handed_over(examples.inputs)):
            return None
        told = _Told(self)

        def train(parent: Parent) -> _Sent:
            return _train_there(self, examples, parent, device, is_alone=is_alone)

        child = fork(train, told.listen)
        return None if child is None else RunningTraining(self, child, told)


class RunningTraining:
    """A training in a process of its own; a `Running`."""

    is_served = True

    def __init__(self, training: Training, child: Child, told: _Told) -> None:
        self._training, self._child, self._told = training, child, told
        self.connection = child.connection
        self.attend, self.ask_to_stop = child.attend, child.ask_to_stop

    def take(self) -> TrainedNetwork:
        """The network, built anew here with the parameters that it has there."""
        trainer = self._training.trainer
        sent: _Sent = self._child.take()
        trained = sent.receive(trainer.build(), trainer.device)
        self._training.fed.limit(trained.batch_size)
        trainer.lap(self._training.name)
        return trained

    def end(self) -> None:
        """End the process."""
        self._child.end()
        self._told.finish()


@dataclass(frozen=True)
class _Sent:
    """What comes from the process that trained."""

    tensors: dict[str, Tensor]
    """Parameters and all buffers, those too that are not saved with the network."""
    is_training: bool
    """The network's mode."""
    outcome: Outcome
    batch_size: int
    n_trained: int

    def receive(self, network: nn.Module, device: torch.device) -> TrainedNetwork:
        """Fill a fresh network with it."""
        own = _list_tensors(network)
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                own[name].copy_(tensor)
        network.to(device).train(self.is_training)
        return TrainedNetwork(network, self.outcome, self.batch_size, self.n_trained)


def _train_there(
    training: Training,
    examples: Examples,
    parent: Parent,
    device: torch.device | None,
    *,
    is_alone: bool,
) -> _Sent:
    """Train in the process of its own that this is."""
    told = _Teller(parent)
    trainer = training.trainer.move_to(told, told, device, told.settle)
    keep = None if training.keep is None else told.keep
    train = trainer.run if is_alone else trainer.try_once
    size = training.fed.batch_size
    try:
        trained = train(training.name, training.rule, examples.move_to(trainer.device), size, keep)
    except MemoryShortError as error:
        if is_alone:
            raise
        raise CannotBeDoneThereError from error
    if not isinstance(trained, TrainedNetwork):
        raise CannotBeDoneThereError
    network = trained.network
    told.tell_steps()
    return _Sent(
        {name: tensor.detach().cpu() for name, tensor in _list_tensors(network).items()},
        network.training,
        trained.outcome,
        trained.batch_size,
        trained.n_trained,
    )


def _list_tensors(network: nn.Module) -> dict[str, Tensor]:
    """List the network's parameters and buffers, by all of their names."""
    return {
        **dict(network.named_parameters(remove_duplicate=False)),
        **dict(network.named_buffers(remove_duplicate=False)),
    }


@dataclass
class _Teller:
    """Progress, ledger and request to stop of a training, as its own process has them."""

    _parent: Parent
    _steps: int = 0
    _is_keeping: bool = False
    """Whether records were told that the parent may not have written yet."""
    _told_at: float = field(default_factory=monotonic)

    def __call__(self) -> bool:
        """Whether to stop."""
        return self._parent.is_unwanted()

    def awaited(self) -> Any:  # noqa: ANN401  # never asked for there
        """Signals are the parent's affair."""
        raise NotImplementedError

    def stage(self, name: str, total: int | None) -> None:
        """Tell of a stage."""
        self._parent.tell("stage", name, total)

    def advance(self, steps: int = 1) -> None:
        """Tell of steps, now and then."""
        self._steps += steps
        if monotonic() - self._told_at >= SECONDS_APART:
            self.tell_steps()

    def tell_steps(self) -> None:
        """Tell of the steps since the last time."""
        self._parent.tell("advance", self._steps)
        self._steps, self._told_at = 0, monotonic()

    def say(self, message: str) -> None:
        """Say a line."""
        self._parent.tell("say", message)

    def keep(self, epoch: int, record: EpochRecord) -> None:
        """Have the ledger written, and train on meanwhile."""
        self._parent.tell("keep", epoch, record)
        self._is_keeping = True

    def settle(self) -> None:
        """Wait until all of the ledger is written, before a checkpoint says that it is."""
        if self._is_keeping:
            self._parent.ask("settle")
            self._is_keeping = False


@dataclass
class _Told:
    """What a training's own process tells, dealt with here."""

    _training: Training
    _lane: Lane | None = None

    def listen(self, name: str, what: tuple[Any, ...]) -> None:
        """Deal with what was told."""
        progress, keep = self._training.trainer.progress, self._training.keep
        if name == "stage":
            self.finish()
            self._lane = open_lane(progress, *what)
        elif name == "advance" and self._lane is not None:
            self._lane.advance(*what)
        elif name == "say":
            progress.say(*what)
        elif name == "keep" and keep is not None:
            keep(*what)

    def finish(self) -> None:
        """Show that it is over."""
        if self._lane is not None:
            self._lane.finish()
            self._lane = None


@dataclass(frozen=True)
class Learning:
    """Trainings under way whose networks are wanted together."""

    trainer: Trains
    tickets: dict[str, Ticket[TrainedNetwork]]
    """By name, in the order of running."""
    n_folds: int

    def finish(self) -> Trainings:
        """Wait for the networks.

        Raises:
            DatacleanseError: as `Trainer.run` does.
        """
        trainer, trained = self.trainer, {}
        with trainer.stop.awaited():
            for name, ticket in self.tickets.items():
                trained[name] = trainer.pool.wait(ticket, trainer.stop)
        control = trained.pop("control")
        if not trained:
            return Trainings(control, (None,) * self.n_folds, control)
        opinions = tuple(each.outcome.dynamics.probability for each in trained.values())
        return Trainings(next(iter(trained.values())), opinions, control)
