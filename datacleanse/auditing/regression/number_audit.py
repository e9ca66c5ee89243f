"""An audit of numbers: planned, and under way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing.layout import encode_examples
from datacleanse.auditing.manifest import Stopwatch
from datacleanse.auditing.plan import choose_rule
from datacleanse.auditing.prepared import learn_encoding
from datacleanse.auditing.regression.number_plan import plan_numbers
from datacleanse.auditing.tasks.interface import identify_request
from datacleanse.detection.regression.opinions import NumberQuestion
from datacleanse.models.number_predictor import NumberPredictor
from datacleanse.models.tabular import TabularNetwork, build_network
from datacleanse.storage.manifest.whole import Opening
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.device import choose_device
from datacleanse.training.objectives import NUMBERS
from datacleanse.training.placement import find_tensor
from datacleanse.training.schedule import choose_schedule
from datacleanse.training.trainer import Lesson, Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.auditing.regression.number_plan import NumberPlan
    from datacleanse.models.encoding import Encoding
    from datacleanse.settings import Settings
    from datacleanse.training.checkpoint import Identity
    from datacleanse.training.examples import Examples
    from datacleanse.training.side_by_side import TrainedNetwork


@dataclass(frozen=True)
class NumberAudit:
    """An audit of numbers, planned; a `Foreseen` of a forecast."""

    request: Request
    inputs: Inputs
    planned: NumberPlan
    encoding: Encoding
    device: torch.device
    lesson: Lesson
    identity: Identity

    @property
    def settings(self) -> Settings:
        """What the user chose."""
        return self.request.settings

    @property
    def plan(self) -> Plan:
        """The part that each row plays."""
        return self.planned.plan

    def pose_question(self, examples: Examples, plan: Plan, seed: int) -> NumberQuestion:
        """Pose the question to the second opinions: trees and regressions.

        Args:
            examples: what the network sees.
            plan: the part of each row.
            seed: of the opinions.
        """
        return NumberQuestion(
            _take_matrix(examples),
            self.planned.standardised,
            plan.is_learned,
            len(self.encoding.numeric),
            seed,
        )

    def make_examples(self) -> Examples:
        """Encode DATA and CLEAN into one matrix, beside standardised labels."""
        inputs, plan = self.inputs, self.planned.plan
        examples = encode_examples(
            inputs.data, inputs.clean, plan, self.encoding, device=self.device
        )
        labels = torch.from_numpy(self.planned.standardised.astype(np.float32))
        return replace(examples, labels=labels.to(self.device), n_classes=1)

    def make_predictor(self, trained: TrainedNetwork, shift: float = 0.0) -> NumberPredictor:
        """The predictor of numbers around a network.

        Args:
            trained: the network.
            shift: to add to what it says, in standardised units.
        """
        assert isinstance(trained.network, TabularNetwork)
        targets = self.planned.targets
        return NumberPredictor(
            trained.network,
            self.encoding,
            self.inputs.data.schema,
            targets.centre + targets.scale * shift,
            targets.scale,
        )


@dataclass(frozen=True)
class RunningNumbers:
    """The same with its run folder begun."""

    audit: NumberAudit
    folder: RunFolder
    opening: Opening
    examples: Examples
    trainer: Trainer
    watch: Stopwatch


def plan_number_audit(request: Request, inputs: Inputs) -> NumberAudit:
    """Plan the audit.

    Raises:
        InputError: nothing is left to train on.
        SettingsError: the device asked for is not there.
    """
    settings = request.settings
    planned = plan_numbers(inputs, settings)
    device, plan = choose_device(settings.device), planned.plan
    encoding = learn_encoding(inputs.data, plan)
    lesson = Lesson(
        partial(build_network, encoding, 1, seed=settings.seed),
        False,
        choose_rule(settings, plan),
        choose_schedule(settings, int(plan.is_trained.sum())),
        settings.seed,
        objective=NUMBERS,
    )
    identity = identify_request(request, inputs, device) | {"--task": "regression"}
    return NumberAudit(request, inputs, planned, encoding, device, lesson, identity)


def _take_matrix(examples: Examples) -> NDArray[np.float32]:
    """(M, F) the encoded rows in main memory."""
    held = find_tensor(examples.inputs)
    assert held is not None
    found: NDArray[np.float32] = held.cpu().numpy()
    return found
