"""Training steps recorded once as a CUDA graph and replayed, so that launching costs nothing.

A graph reads its batch from fixed places and cannot ask the GPU anything on the way: the step here
does not look whether all weights are 0, and records nothing for the audit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from benchmarks.cost.step_cost import Case, batches
from datacleanse.training.adamw import AdamW
from datacleanse.training.influence import choose_engine, cross_entropy
from datacleanse.training.loop import WEIGHT_DECAY
from datacleanse.training.rules.l2rw import L2RW

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Step = Callable[[Tensor, Tensor], None]

N_WARM = 3
"""Steps before the recording, in which libraries and the choice of route settle."""


def plain_as_graph(case: Case) -> Callable[[], None]:
    """An epoch of ordinary training, a replay a step."""
    model = case.make().train()
    optimiser = AdamW(list(model.parameters()), weight_decay=WEIGHT_DECAY)

    def step(x: Tensor, y: Tensor) -> None:
        with case.precision():
            loss = cross_entropy(model(x), y).mean()
        loss.backward()
        optimiser.step(case.schedule.lr)

    return _epoch(case, step)


def audited_as_graph(case: Case) -> Callable[[], None]:
    """An epoch with learned weights, all of the first trusted rows at each step."""
    model, examples = case.make().train(), case.examples
    optimiser = AdamW(list(model.parameters()), weight_decay=WEIGHT_DECAY)
    engine, rule = choose_engine(model, cross_entropy), L2RW()
    at = examples.steering_rows[: case.schedule.meta.batch]
    trusted = examples.inputs[at], examples.labels[at]

    def step(x: Tensor, y: Tensor) -> None:
        with case.precision():
            direction, _ = engine.compute_gradient(*trusted)
            opened = engine.open(x, y, direction)
            opened.descend(rule.weigh(opened))
        optimiser.step(case.schedule.lr)

    return _epoch(case, step)


def _epoch(case: Case, step: Step) -> Callable[[], None]:
    examples, size = case.examples, case.schedule.batch_size
    x, y = (
        examples.inputs[examples.training_rows[:size]],
        examples.labels[examples.training_rows[:size]],
    )
    replay = _recorded(step, x, y) if x.is_cuda else lambda: step(x, y)

    def epoch() -> None:
        for index in batches(case):
            # The last batch may be of another length: the graph's rest keeps the rows before.
            n = min(len(index), size)
            x[:n].copy_(examples.inputs[index[:n]])
            y[:n].copy_(examples.labels[index[:n]])
            replay()

    return epoch


def _recorded(step: Step, x: Tensor, y: Tensor) -> Callable[[], None]:
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(N_WARM):
            step(x, y)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(x, y)

    def replay(kept: Step = step) -> None:
        # The graph writes into the step's network without owning it.
        graph.replay()

    return replay
