"""Variations of learned reweighting and the other rules, held against the default.

    python -m benchmarks.steering.rules --data DIR [--sets a,b] [--seeds N]

Half-uniform weights: w = h / B + (1 - h) w_learned, for two shares h. Adam's inner product: the
trusted gradient v is scaled by 1 / (sqrt(v_hat) + eps), with the optimiser's bias-corrected second
moment, before influences are made from it (Ding et al. 2026, "In-Run Data Shapley for Adam
Optimizer", arXiv 2602.00329); the update itself follows v as it is. Read in `docs/engine.md`.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from benchmarks.record import markdown_table
from benchmarks.steering.planted import Bench, paired, study
from datacleanse.models.demands import find_trainable
from datacleanse.training import loop
from datacleanse.training.rules import make_rule
from datacleanse.training.rules.l2rw import L2RW, TRUSTED_SHARE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datacleanse.training.influence import Direction, Engine, Step
    from datacleanse.training.influence.interface import Loss
    from datacleanse.training.rules import Rule

DECAY, EPSILON = 0.999, 1e-8
"""AdamW's, as in the product."""

DEFAULT, PRECONDITIONED = "default", "Adam's inner product"
MEASURES = ("suspicion_ap", "margin_ap", "accuracy")


class Hybrid(L2RW):
    """Learned weights mixed with uniform ones."""

    def __init__(self, uniform_share: float) -> None:
        super().__init__()
        self._share = uniform_share

    def weigh(self, step: Step) -> Tensor:
        """See `Rule`."""
        return self._share / len(step.losses) + (1 - self._share) * super().weigh(step)


WAYS: dict[str, Callable[[int], Rule]] = {
    DEFAULT: lambda seed: L2RW(),
    "a quarter uniform": lambda seed: Hybrid(0.25),
    "half uniform": lambda seed: Hybrid(0.5),
    PRECONDITIONED: lambda seed: L2RW(),
    "rule lilaw": lambda seed: make_rule("lilaw", seed=seed),
    "rule random": lambda seed: make_rule("random", seed=seed),
}
"""Each a fresh rule from a seed."""


class AdamsEngine:
    """An engine whose influences are along Adam's step for v.

    It follows the optimiser's second moment by itself, from the gradient that each step leaves.
    """

    def __init__(self, engine: Engine, model: nn.Module) -> None:
        self._engine = engine
        self._parameters = find_trainable(model)
        self._squares = {name: torch.zeros_like(p) for name, p in self._parameters.items()}
        self._steps = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever else the engine has
        return getattr(self._engine, name)

    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """See `Engine`."""
        if direction is None:
            return self._engine.open(inputs, labels, None)
        v = direction
        step = self._engine.open(inputs, labels, self._along(v))

        def descend(weights: Tensor) -> None:
            step.descend(weights)
            self._follow(v)

        return replace(step, descend=descend)

    def _along(self, v: Direction) -> Direction:
        if not self._steps:
            return v
        correction = 1 - DECAY**self._steps
        return {
            name: gradient / ((self._squares[name] / correction).sqrt() + EPSILON)
            for name, gradient in v.items()
        }

    def _follow(self, v: Direction) -> None:
        """The update's gradient is the weighted one plus the rule's share of v."""
        self._steps += 1
        for name, parameter in self._parameters.items():
            assert parameter.grad is not None
            whole = parameter.grad + TRUSTED_SHARE * v[name]
            self._squares[name].lerp_(whole.square(), 1 - DECAY)


@contextmanager
def adams_inner_product() -> Iterator[None]:
    """Let trainings form influences along Adam's step."""
    choose = loop.choose_engine

    def chosen(model: nn.Module, loss: Loss) -> AdamsEngine:
        return AdamsEngine(choose(model, loss), model)

    with patch.object(loop, "choose_engine", chosen):
        yield


def main() -> None:
    """Measure, write, print."""
    print(report(study(measure, name="hybrid", about=__doc__.splitlines()[0])))


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Train plainly once, then once in every way."""
    control = bench.run(make_rule("uniform", seed=bench.seed))
    for way, make in WAYS.items():
        with adams_inner_product() if way == PRECONDITIONED else nullcontext():
            ran = bench.run(make(bench.seed))
        yield {"way": way, **bench.measures(ran, control)}


def report(trials: list[dict[str, Any]]) -> str:
    """Means over cells by noise, with differences from the default and their s.e."""
    header = ["weights", "suspicion AP", "±", "margin AP", "±", "accuracy", "±"]
    parts = []
    for noise in ("uniform", "one-sided"):
        mine = [t for t in trials if t["noise"] == noise]
        rows = paired(mine, list(WAYS), MEASURES)
        parts.append(f"{noise}\n\n{markdown_table(header, rows)}")
    parts.append(f"both\n\n{markdown_table(header, paired(trials, list(WAYS), MEASURES))}")
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
