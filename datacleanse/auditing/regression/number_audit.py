"""An audit of numbers: planned, and under way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from datacleanse.auditing.running_audit import Begun
from datacleanse.auditing.tasks.images import ImageTask
from datacleanse.auditing.tasks.planning import plan_task
from datacleanse.auditing.tasks.table import TableTask
from datacleanse.data import take_rows
from datacleanse.data.number_labels import measure_scale
from datacleanse.detection.regression.assess import Targets
from datacleanse.detection.regression.opinions import NumberQuestion
from datacleanse.models.description import NumberScale
from datacleanse.models.number_predictor import NumberPredictor, scale_predictor
from datacleanse.training.placement import find_images, find_tensor
from datacleanse.training.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.settings import Settings
    from datacleanse.training.checkpoint import Identity
    from datacleanse.training.examples import Examples
    from datacleanse.training.side_by_side import TrainedNetwork
    from datacleanse.training.trainer import Lesson

    Known: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
    """(n,) numbers as predicted, and as they truly are."""


@dataclass(frozen=True)
class NumberAudit:
    """An audit of numbers, planned; a `Foreseen` of a forecast, and what other ranks `follow`."""

    request: Request
    inputs: Inputs
    task: TableTask | ImageTask
    """What is audited, and with which network: its part that knows nothing of labels. The halves of
    CLEAN in its plan are alike: rows are dealt out in the order of their numbers."""
    targets: Targets
    """What the plan's labels stand for, codes of distinct numbers."""
    identity: Identity

    @property
    def command(self) -> tuple[str, ...]:
        """How it was called, for the manifest."""
        return self.request.command

    @property
    def settings(self) -> Settings:
        """What the user chose."""
        return self.request.settings

    @property
    def plan(self) -> Plan:
        """The part that each row plays."""
        return self.task.plan

    @property
    def device(self) -> torch.device:
        """The device that the networks are trained on."""
        return self.task.device

    @property
    def lesson(self) -> Lesson:
        """The network, and how it is trained."""
        return self.task.lesson

    def save(self, network: nn.Module, directory: Path) -> None:
        """Keep a network, without the scale of the numbers."""
        self.task.save(network, directory)

    @property
    def standardised(self) -> NDArray[np.float64]:
        """(M,) the given numbers as networks see them; of CLEAN's rows the verified ones."""
        targets = self.targets
        found: NDArray[np.float64] = targets.bounded[self.plan.labels] - targets.centre
        return found / targets.scale

    def pose_question(self, examples: Examples, plan: Plan, seed: int) -> NumberQuestion:
        """Pose the question to the second opinions: trees and regressions.

        Args:
            examples: what the network sees.
            plan: the part of each row.
            seed: of the opinions.
        """
        task, labels = self.task, (self.standardised, plan.is_learned)
        if isinstance(task, ImageTask):
            images = find_images(examples.inputs)
            return NumberQuestion(None, *labels, 0, seed, images=images, features=task.seen)
        rows = _take_matrix(examples)
        if self.inputs.gallery is not None:
            return NumberQuestion(None, *labels, 0, seed, features=rows)
        return NumberQuestion(rows, *labels, len(task.encoding.numeric), seed)

    def make_examples(self, inputs: Inputs) -> Examples:
        """Lay out what the network sees of DATA and CLEAN, beside standardised labels."""
        examples = self.task.make_examples(inputs)
        labels = torch.from_numpy(self.standardised.astype(np.float32))
        return replace(examples, labels=labels.to(self.device), n_classes=1)

    def scale_outputs(self, shift: float = 0.0) -> NumberScale:
        """From what a network says to numbers; ``shift`` is added to that, in robust deviations."""
        targets = self.targets
        return NumberScale(targets.centre + targets.scale * shift, targets.scale)

    def predict_known(self, trained: TrainedNetwork, scale: NumberScale) -> dict[str, Known | None]:
        """What a network says of the rows with true labels: those of TEST, and those held back."""
        predictor = scale_predictor(self.task.make_predictor(trained.network), scale)
        inputs, held_back = self.inputs, self.plan.held_back
        sets = {"test": inputs.test, "held_back": take_rows(inputs.clean, held_back)}
        found: dict[str, Known | None] = dict.fromkeys(sets)
        for name, rows in sets.items():
            if rows is None:
                continue
            if isinstance(predictor, NumberPredictor):
                said = predictor.answer(rows)
            else:
                pictures = inputs.pictures
                assert pictures is not None
                images = pictures.test if name == "test" else pictures.clean[held_back]
                assert images is not None
                said = predictor.answer(images)
            found[name] = said, rows.targets
        return found


@dataclass(frozen=True)
class RunningNumbers:
    """The same with its run folder begun."""

    audit: NumberAudit
    begun: Begun
    examples: Examples
    trainer: Trainer


def plan_number_audit(request: Request, inputs: Inputs) -> NumberAudit:
    """Plan the audit.

    Raises:
        DatacleanseError: as `plan_task`.
    """
    task = plan_task(request, inputs)
    assert isinstance(task, TableTask | ImageTask)
    numbers = inputs.data.numbers
    assert numbers is not None
    targets = Targets(numbers, *measure_scale(inputs.data.targets))
    return NumberAudit(request, inputs, task, targets, task.identity | {"--task": "regression"})


def _take_matrix(examples: Examples) -> NDArray[np.float32]:
    """(M, F) the encoded rows in main memory."""
    held = find_tensor(examples.inputs)
    assert held is not None
    found: NDArray[np.float32] = held.cpu().numpy()
    return found
