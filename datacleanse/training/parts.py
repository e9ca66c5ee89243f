"""A batch opened by the ranks of a training, each its part; by one alone, as it is.

Exact where a row's outputs depend on that row and on noise that can be drawn for the whole batch:
the first batch shows whether they do.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from datacleanse.errors import ModelError
from datacleanse.models.demands import find_trainable
from datacleanse.models.inference import EVALUATION_BATCH
from datacleanse.models.row_noise import CutNoise, Part, compute_part
from datacleanse.training.checkpoint import digest
from datacleanse.training.influence.interface import Whole
from datacleanse.training.influence.trial import ROUGH, TOLERANCE, leave_untouched
from datacleanse.training.placement import take_batch
from datacleanse.training.ranks import RanksError
from datacleanse.training.shared_sums import cut_evenly, sum_gradients

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from torch import Tensor, nn

    from datacleanse.training.examples import Examples
    from datacleanse.training.influence import Direction, Step
    from datacleanse.training.influence.choice import AutomaticEngine
    from datacleanse.training.ranks import Ranks
    from datacleanse.training.recorder import Recorder
    from datacleanse.training.rules import Rule


EVALUATION_SHARE = 4
"""Batches that a forward pass without gradients may be as large as: it keeps no activations."""


class Parts:
    """Opens batches, of which each rank computes its part."""

    def __init__(
        self, model: nn.Module, engine: AutomaticEngine, examples: Examples, ranks: Ranks
    ) -> None:
        self._model, self._engine = model, engine
        self._examples, self._ranks = examples, ranks
        self._cut_noise: Callable[[], AbstractContextManager[object]] | None = None

    def open(self, index: Tensor, direction: Direction | None) -> tuple[Tensor, Step]:
        """Run the network on this rank's part of a batch.

        Args:
            index: (B,) positions of the batch's examples, the same for all ranks.
            direction: v, or None for a step without influences.

        Returns:
            Positions of the examples that are this rank's, and their step.

        Raises:
            ModelError: the network computes something else of a part than of a whole batch.
        """
        inputs, labels = self._examples.inputs, self._examples.labels
        if self._ranks.count == 1:
            batch, own = take_batch(inputs, index), labels.index_select(0, index)
            return index, self._engine.open(batch, own, direction)
        cut = cut_evenly(len(index), self._ranks)
        # Whoever has none computes one that is then forgotten, so that generators stay in step.
        is_idle = cut.start == cut.stop
        part = (
            Part(0, 1, len(index)) if is_idle else Part(cut.start, cut.stop - cut.start, len(index))
        )
        rows = index[part.first : part.first + part.size]
        cut_noise = self._cut_noise or self._find_noise(index, part)
        with compute_part(part), cut_noise():
            step = self._engine.open(inputs[rows], labels[rows], direction)
        if is_idle:
            rows, step = rows[:0], _forget(step)
        return rows, replace(step, whole=Whole(part.first, part.whole, self._ranks.add_up))

    def settle_route(self, rule: Rule, batch_size: int) -> None:
        """Find the route that a training took, where all of its batches were done before a stop."""
        if rule.needs_influence and not self._engine.is_final:
            index = self._examples.training_rows[:batch_size]
            self._model.train()
            batch, labels = take_batch(self._examples.inputs, index), self._examples.labels[index]
            self._engine.settle(batch, labels)

    def check_alike(self, steps: int) -> None:
        """See that all ranks begin at the same place with the same parameters.

        Args:
            steps: batches done.

        Raises:
            RanksError: one does not.
        """
        if self._ranks.count == 1:
            return
        told = self._ranks.compare(f"{steps} {digest(*find_trainable(self._model).values())}")
        for number, each in enumerate(told):
            if each != told[0]:
                raise RanksError(
                    f"{self._ranks.name(number)} begins a training with other parameters than "
                    "rank 0: the network is not made alike, or its checkpoint is another one.",
                    slug="ranks-differ",
                    hint="Give all ranks one run folder, on a disk that they share, and a network "
                    "that the seed decides.",
                )

    def descend(self, step: Step, weights: Tensor, *, is_sparse: bool) -> bool:
        """Add the batch's weighted gradient to ``.grad``; whether any example has a weight.

        Args:
            step: of this rank's examples.
            weights: (B,) theirs.
            is_sparse: whether all weights may be 0; otherwise none is looked at.
        """
        has_any = not is_sparse or bool(weights.any())
        if has_any:
            step.descend(weights)
        if self._ranks.count == 1:
            return has_any
        parameters = find_trainable(self._model).values()
        return sum_gradients(parameters, self._ranks, has_any=has_any)

    @torch.no_grad()
    def watch(self, recorder: Recorder, batch_size: int) -> None:
        """Record the examples that are not trained on; each rank its part of them."""
        labels = self._examples.labels
        is_watched = torch.ones(len(labels), dtype=torch.bool, device=labels.device)
        is_watched[self._examples.training_rows] = False
        watched = is_watched.nonzero()[:, 0]
        watched = watched[cut_evenly(len(watched), self._ranks)]
        if not len(watched):
            return
        self._model.eval()
        for part in watched.split(min(EVALUATION_BATCH, EVALUATION_SHARE * batch_size)):
            recorder.record_logits(part, self._model(self._examples.inputs[part]))

    @torch.no_grad()
    def _find_noise(
        self, index: Tensor, part: Part
    ) -> Callable[[], AbstractContextManager[object]]:
        """Find how noise must be cut, so that a part's outputs are those of the whole batch."""
        inputs = self._examples.inputs[index]
        own = slice(part.first, part.first + part.size)
        with leave_untouched(self._model, inputs):
            expected = self._model(inputs.clone())[own]
        is_rough = expected.device.type != "cpu" or torch.is_autocast_enabled("cpu")
        tolerance = ROUGH if is_rough else TOLERANCE.get(expected.dtype, ROUGH)
        ways: tuple[Callable[[], AbstractContextManager[object]], ...] = (nullcontext, CutNoise)
        for cut_noise in ways:
            with leave_untouched(self._model, inputs), compute_part(part), cut_noise():
                found = self._model(inputs[own].clone())
            # What is not finite is told of elsewhere.
            gap = (found - expected).nan_to_num().norm()
            differs = bool(gap > tolerance * (expected.nan_to_num().norm() + 1e-9))
            if not self._ranks.agree(differs):
                # One example alone cannot show that examples mix.
                if len(index) > 1:
                    self._cut_noise = cut_noise
                return cut_noise
        raise ModelError(
            "The network computes something else of a part of a batch than of the whole. Its "
            "examples mix, as under batch normalisation, or its random numbers are drawn in a way "
            "that cannot be cut.",
            slug="model-not-in-parts",
            hint="Audit it in one process, without torchrun; or take GroupNorm or LayerNorm for "
            "BatchNorm.",
        )


def _forget(step: Step) -> Step:
    """Return the step of none of its examples."""
    return replace(
        step,
        logits=step.logits[:0],
        losses=step.losses[:0],
        labels=step.labels[:0],
        influence=None if step.influence is None else step.influence[:0],
        descend=lambda weights: None,
    )
