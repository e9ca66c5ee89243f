"""What an audit needs to know of the kind of examples it is about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from datacleanse.storage.manifest.results import NONE_STEERED
from datacleanse.storage.manifest.whole import DeviceSection
from datacleanse.training.device import find_kind, name_devices
from datacleanse.training.objectives import CLASSES, NUMBERS, Objective
from datacleanse.training.placement import describe_rows
from datacleanse.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.detection.second_opinion.question import Question
    from datacleanse.models.metrics import Tests
    from datacleanse.records import Dataset
    from datacleanse.settings import Settings
    from datacleanse.storage.manifest.results import UsedRule
    from datacleanse.training.checkpoint import Identity
    from datacleanse.training.examples import Examples
    from datacleanse.training.ranks import Ranks
    from datacleanse.training.trainer import Lesson


class Audited(Protocol):
    """What any audit needs: a `Task`, or an audit of numbers."""

    @property
    def command(self) -> tuple[str, ...]:
        """How it was called, for the manifest."""

    @property
    def settings(self) -> Settings:
        """What the user chose."""

    @property
    def plan(self) -> Plan:
        """The part that each row plays."""

    @property
    def device(self) -> torch.device:
        """The device that the networks are trained on."""

    @property
    def identity(self) -> Identity:
        """All that the trainings depend on; rows, once they are encoded, are added."""

    @property
    def lesson(self) -> Lesson:
        """The network, tried already if it is the user's, and how it is trained."""

    def make_examples(self, inputs: Inputs) -> Examples:
        """Lay out what the network sees."""


class Task(Audited, Protocol):
    """All that the recipe asks of what is audited. It holds no rows: they are read, then let go."""

    def pose_question(self, examples: Examples, plan: Plan, seed: int) -> Question | None:
        """Pose the question to the second opinion; None where there is none.

        Args:
            examples: what the network sees.
            plan: the run's own, or another one of a repeated run.
            seed: of the opinion.
        """

    def describe(self, network: nn.Module) -> str:
        """Describe the network in a sentence, for people."""

    def save(self, network: nn.Module, directory: Path) -> None:
        """Keep the trained network."""

    def test_network(self, network: nn.Module, inputs: Inputs) -> Tests:
        """Classify the rows of ``--test`` and those held back."""


@dataclass(frozen=True)
class Planned:
    """What any `Task` is made of; see `Audited` for each."""

    settings: Settings
    command: tuple[str, ...]
    plan: Plan
    device: torch.device
    identity: Identity
    lesson: Lesson


def name_rule(audit: Audited) -> UsedRule:
    """What weighed the rows; where nothing could steer, that is said."""
    return audit.lesson.rule if audit.plan.has_clean else NONE_STEERED


def describe_device(audit: Audited, examples: Examples, ranks: Ranks) -> DeviceSection:
    """Where the networks were trained, and where their inputs lay."""
    return DeviceSection(
        name=name_devices(audit.settings.device, audit.device),
        threads=torch.get_num_threads(),
        rows=describe_rows(examples.inputs),
        processes=ranks.count,
    )


def choose_objective(data: Dataset) -> Objective:
    """What a training on DATA's labels aims at: classes, or numbers."""
    return CLASSES if data.numbers is None else NUMBERS


def count_outputs(data: Dataset) -> int:
    """Outputs of a network: one for each of DATA's classes, a single one of numbers."""
    return len(data.schema.classes) if data.numbers is None else 1


def identify_settings(settings: Settings, device: torch.device) -> Identity:
    """Name versions, device and settings as users know them."""
    # Two matter after training, one for nothing but time; the device's name is replaced by what was
    # chosen.
    free = {"fdr", "top", "jobs", "device"}
    kept = {key: value for key, value in asdict(settings).items() if key not in free}
    return {
        "datacleanse": __version__,
        "torch": torch.__version__,
        "device": find_kind(settings.device) if "," in settings.device else device.type,
        **{f"--{name.replace('_', '-')}": value for name, value in kept.items()},
    }


def identify_request(request: Request, inputs: Inputs, device: torch.device) -> Identity:
    """Name all that the trainings depend on besides the user's own code."""
    options, schema = request.options, inputs.data.schema
    features = inputs.features
    seen = {} if features is None else {"pretrained network": features.backbone.to_json()}
    return (
        identify_settings(request.settings, device)
        | seen
        | {
            "DATA": inputs.sha256["data"],
            "CLEAN": inputs.sha256.get("clean"),
            "--decisions": (
                None
                if inputs.reviewed is None
                else f"{inputs.reviewed.sha256} {inputs.earlier.sha256}"
            ),
            "--label": schema.label,
            "--id": schema.id,
            "--drop": sorted(options.drop),
            "--categorical": sorted(options.categorical),
            "--numeric": sorted(options.numeric),
            "--text": sorted(options.text),
            "--missing": None if options.missing is None else sorted(options.missing),
            "--image-size": options.image_size,
            "--probabilities": None if inputs.brought is None else inputs.brought.identity,
        }
    )
