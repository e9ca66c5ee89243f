"""Training steps on a GPU as CUDA graphs: one launch in place of some eighty.

A step of a table's network takes the GPU less time than its kernels take to be launched one by one.
Recorded once as a graph it is launched as a whole. A graph reads its batch from fixed places and
can ask nothing on the way, so whether all weights are 0 is answered on the device, where the
optimiser then changes nothing.

Whether a graph computes what the step computes is tried before it is used: both start from the same
state, and where they differ, or the device records none, steps are taken as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from datacleanse.training.adamw import AdamW
from datacleanse.training.examples import apply_worth
from datacleanse.training.influence.interface import add_direction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datacleanse.training.examples import Examples
    from datacleanse.training.influence import Direction, TrustedDirection
    from datacleanse.training.influence.choice import AutomaticEngine
    from datacleanse.training.optimisers import Optimiser
    from datacleanse.training.recorder import Recorder
    from datacleanse.training.rules import Rule

    Body = Callable[[], None]

TRIED_RATE = 1e-3
"""Learning rate at which a graph is tried."""

N_WARM = 3
"""Steps before a recording, in which libraries settle."""

TOLERANCE = 1e-4
"""Largest difference between parameters after a step and after its graph, over their largest:
sums of many terms come in another order at each run."""


@dataclass(frozen=True)
class Workings:
    """What a training works with."""

    engine: AutomaticEngine
    rule: Rule
    examples: Examples
    optimiser: Optimiser
    recorder: Recorder
    direction: TrustedDirection

    def can_be_fixed(self) -> bool:
        """Whether nothing in a step is decided, or comes from, outside the device."""
        is_still = self.rule.is_fixed and self.direction.is_plain
        is_own = self.engine.name == "closed-form" and isinstance(self.optimiser, AdamW)
        return is_still and is_own and isinstance(self.examples.inputs, Tensor)


@dataclass(frozen=True)
class FixedStep:
    """A step whose tensors stay where they are, and that asks the device nothing."""

    workings: Workings
    """They ``can_be_fixed``."""
    parameters: Mapping[str, Tensor]
    """The trainable ones, by name."""
    index: Tensor
    """(B,) int64 positions of the batch."""
    lr: Tensor
    """() learning rate."""
    trusted: tuple[Tensor, Tensor]
    """Inputs and labels that the trusted gradient is taken on; as many at each step."""
    direction: Direction
    """The trusted gradient, of the last step that refreshed it; empty where none is needed."""
    n_skipped: Tensor
    """() steps that updated nothing."""

    @staticmethod
    def of(workings: Workings, parameters: Mapping[str, Tensor], batch_size: int) -> FixedStep:
        """Make room for what changes from step to step."""
        examples = workings.examples
        inputs, device = examples.inputs, examples.labels.device
        assert isinstance(inputs, Tensor)
        is_led = workings.rule.needs_influence
        return FixedStep(
            workings,
            parameters,
            index=torch.zeros(batch_size, dtype=torch.int64, device=device),
            lr=torch.zeros((), device=device),
            trusted=(
                workings.direction.make_places() if is_led else (inputs[:0], examples.labels[:0])
            ),
            direction=(
                {name: torch.zeros_like(p) for name, p in parameters.items()} if is_led else {}
            ),
            n_skipped=torch.zeros((), device=device),
        )

    def take(self, *, refreshes: bool) -> None:
        """Weigh the batch at ``index``, record it, and update the parameters."""
        work, examples = self.workings, self.workings.examples
        assert isinstance(work.optimiser, AdamW)
        if self.direction and refreshes:
            fresh, _ = work.engine.compute_gradient(*self.trusted)
            for name, own in self.direction.items():
                own.copy_(fresh[name])
        inputs, labels = examples.inputs[self.index], examples.labels[self.index]
        step = work.engine.open(inputs, labels, self.direction or None)
        weights = work.rule.weigh(step)
        if examples.worth is not None:
            weights = apply_worth(weights, examples.worth[self.index], step)
        work.recorder.record_batch(self.index, step, weights)
        step.descend(weights)
        add_direction(self.parameters, self.direction, work.rule.trusted_share)
        is_idle = (weights == 0).all().float() if self.direction else None
        if is_idle is not None:
            self.n_skipped.add_(is_idle)
        work.optimiser.step(self.lr, is_idle)

    def list_values(self) -> list[Tensor]:
        """What the step changes, and the next one starts from."""
        state = self.workings.optimiser.state()
        kept = [each for group in state.values() for each in group]
        own = [*self.direction.values(), self.n_skipped]
        return [*self.parameters.values(), *kept, *own]


class GraphedSteps:
    """Takes the steps of whole batches by graphs, where that is possible and exact."""

    def __init__(
        self, workings: Workings, parameters: Mapping[str, Tensor], batch_size: int
    ) -> None:
        self._workings, self._parameters, self._batch_size = workings, parameters, batch_size
        self._step: FixedStep | None = None
        # By whether the step refreshes the trusted gradient.
        self._graphs: dict[bool, Body] = {}
        self._is_usable = can_record(workings.examples.labels.device)

    def take(self, index: Tensor, lr: float) -> bool:
        """Take the step of a batch, (B,) positions; False: it has no graph, nothing was done."""
        # Before the first batch it is not known by which route the network goes.
        if not self._is_usable or not self._workings.engine.is_final:
            return False
        if len(index) != self._batch_size or not self._workings.can_be_fixed():
            return False
        self._step = self._step or FixedStep.of(self._workings, self._parameters, self._batch_size)
        step, direction = self._step, self._workings.direction
        refreshes = bool(step.direction) and direction.is_due
        if refreshes not in self._graphs:
            step.index.copy_(index)
            self._is_usable = self._prepare(step, refreshes=refreshes)
            if not self._is_usable:
                return False
        step.index.copy_(index)
        step.lr.fill_(lr)
        if refreshes:
            for own, drawn in zip(step.trusted, direction.draw_batch(), strict=True):
                own.copy_(drawn)
        elif step.direction:
            direction.copy_to(step.direction)
        self._graphs[refreshes]()
        if step.direction:
            direction.go_on_with(step.direction)
        return True

    def count_skipped(self) -> int:
        """Count the steps that updated nothing."""
        return 0 if self._step is None else int(self._step.n_skipped)

    def _prepare(self, step: FixedStep, *, refreshes: bool) -> bool:
        """Record a graph and try it; all is then as it was. Whether it may be used."""
        before = _State.of(step)
        step.lr.fill_(TRIED_RATE)

        def take() -> None:
            step.take(refreshes=refreshes)

        try:
            _warm_up(take, step.index.device)
            before.restore(step)
            take()
            expected = _State.of(step)
            before.restore(step)
            graph = record(take)
            before.restore(step)
            graph()
            is_same = expected.is_near(_State.of(step))
        except RuntimeError:  # what a device does not record, torch says in many ways
            return False
        finally:
            before.restore(step)
        if is_same:
            self._graphs[refreshes] = graph
        return is_same


@dataclass(frozen=True)
class _State:
    """What a step changes and the next one starts from, besides what is recorded of the batch."""

    values: tuple[Tensor, ...]
    random: Tensor

    @staticmethod
    def of(step: FixedStep) -> _State:
        return _State(
            tuple(value.detach().clone() for value in step.list_values()),
            _get_random_state(step.index.device),
        )

    @torch.no_grad()
    def restore(self, step: FixedStep) -> None:
        for value, kept in zip(step.list_values(), self.values, strict=True):
            value.copy_(kept)
        for parameter in step.parameters.values():
            parameter.grad = None
        _set_random_state(step.index.device, self.random)

    def is_near(self, other: _State) -> bool:
        return all(
            bool((mine - its).abs().max() <= TOLERANCE * (1e-3 + mine.abs().max()))
            for mine, its in zip(self.values, other.values, strict=True)
            if mine.numel()
        )


def _warm_up(take: Body, device: torch.device) -> None:
    """Take some steps on a stream of their own, as a recording does."""
    if device.type != "cuda":
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(N_WARM):
            take()
    torch.cuda.current_stream(device).wait_stream(stream)


def _get_random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _set_random_state(device: torch.device, state: Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)


def record(body: Body) -> Body:
    """Record what a body launches as a CUDA graph; return what launches that."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        body()

    def replay(kept: Body = body) -> None:
        # The graph writes into the body's tensors without owning them.
        graph.replay()

    return replay


def can_record(device: torch.device) -> bool:
    """Whether the device records graphs."""
    return device.type == "cuda"
