"""What an audit is of: rows of a table under the package's network or one of the user's own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import torch

from datacleanse.checkpoint import NETWORK, Identity
from datacleanse.config import IMAGE_MODELS, is_own
from datacleanse.data import some_rows
from datacleanse.device import choose_device
from datacleanse.errors import SettingsError
from datacleanse.examples import learn_encoding, make_examples, make_plan
from datacleanse.growing import Question
from datacleanse.metrics import Tested
from datacleanse.models.own import OwnNetwork
from datacleanse.models.tabular import TabularNetwork
from datacleanse.own_code import find
from datacleanse.own_network import blueprint, build_own, probe_rows, try_training
from datacleanse.predictor import Predictor
from datacleanse.rows import held_in
from datacleanse.schedule import schedule_for
from datacleanse.trainings import Lesson, build_network
from datacleanse.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

    from datacleanse.config import Settings
    from datacleanse.encode import Encoding
    from datacleanse.examples import Plan
    from datacleanse.inputs import Inputs, Request
    from datacleanse.metrics import Tests
    from datacleanse.records import Schema
    from datacleanse.train import Examples


class Task(Protocol):
    """All that the recipe asks of what is audited. It holds no rows: they are read, then let go."""

    @property
    def settings(self) -> Settings:
        """Of the run."""

    @property
    def command(self) -> tuple[str, ...]:
        """How it was called, for the manifest."""

    @property
    def plan(self) -> Plan:
        """The part that each row plays."""

    @property
    def device(self) -> torch.device:
        """To train on."""

    @property
    def identity(self) -> Identity:
        """All that the trainings depend on; rows, once they are encoded, are added."""

    @property
    def lesson(self) -> Lesson:
        """The network, tried already if it is the user's, and how it is trained."""

    def examples(self, inputs: Inputs) -> Examples:
        """What the network sees."""

    def question(self, examples: Examples, plan: Plan, seed: int) -> Question | None:
        """What the second opinion is asked; None where there is none.

        Args:
            examples: see `examples`.
            plan: the run's own, or another one of a repeated run.
            seed: of the opinion.
        """

    def describe(self, network: nn.Module) -> str:
        """A sentence on the network, for people."""

    def save(self, network: nn.Module, directory: Path) -> None:
        """Keep the trained network."""

    def tested(self, network: nn.Module, inputs: Inputs) -> Tests:
        """What the network makes of the rows of ``--test`` and of those held back."""


@dataclass(frozen=True)
class TableTask:
    """The audit of a table."""

    settings: Settings
    command: tuple[str, ...]
    plan: Plan
    device: torch.device
    identity: Identity
    lesson: Lesson
    encoding: Encoding
    schema: Schema

    def examples(self, inputs: Inputs) -> Examples:
        """See `Task`."""
        return make_examples(
            inputs.data, inputs.clean, self.plan, self.encoding, device=self.device
        )

    def question(self, examples: Examples, plan: Plan, seed: int) -> Question:
        """See `Task`."""
        held = held_in(examples.inputs)
        assert held is not None
        rows = held.cpu().numpy()
        n_numbers = len(self.encoding.numeric)
        return Question(
            "table", rows, plan.labels, plan.learned, examples.n_classes, seed, n_numbers
        )

    def describe(self, network: nn.Module) -> str:
        """See `Task`."""
        return self._predictor(network).network.describe()

    def save(self, network: nn.Module, directory: Path) -> None:
        """See `Task`."""
        self._predictor(network).save(directory)

    def tested(self, network: nn.Module, inputs: Inputs) -> Tests:
        """See `Task`."""
        predictor, held_back = self._predictor(network), self.plan.held_back
        rows = {"test": inputs.test, "held_back": some_rows(inputs.clean, held_back)}
        return {
            name: None if each is None else Tested(predictor.probabilities(each), each.labels)
            for name, each in rows.items()
        }

    def _predictor(self, network: nn.Module) -> Predictor:
        assert isinstance(network, TabularNetwork | OwnNetwork)
        return Predictor(network, self.encoding, self.schema)


def table_task(request: Request, inputs: Inputs) -> TableTask:
    """Plan the audit of a table, and try a network of the user's own.

    Raises:
        InputError: nothing is left to train on.
        SettingsError: the device asked for is not there.
        OwnCodeError: the user's factory is not found, or it or its network fails.
        ModelError: its network cannot be trained on these rows.
    """
    settings, schema = request.settings, inputs.data.schema
    if settings.model in IMAGE_MODELS:
        raise SettingsError(
            f"--model is {settings.model!r}, which is a network for images; DATA is a table.",
            slug="model-not-for-tables",
            hint="Leave --model out.",
        )
    device = choose_device(settings.device)
    plan = plan_of(inputs, settings)
    encoding = learn_encoding(inputs.data, plan)
    identity = identity_of(request, inputs, device)
    is_users = request.module is not None or is_own(settings.model)
    seed, n_classes = settings.seed, len(schema.classes)
    build: Callable[[], nn.Module] = partial(build_network, encoding, n_classes, seed=seed)
    if is_users:
        name = settings.model
        factory = request.module or find(name)
        build = partial(build_own, factory, encoding, n_classes, seed=seed, name=name)
        network = build()
        try_training(network, build, probe_rows(encoding), f"The network of {name}")
        identity |= {NETWORK: blueprint(network)}
    schedule = schedule_for(settings, int(plan.trained.sum()))
    lesson = Lesson(build, is_users, settings.rule, schedule, seed)
    return TableTask(settings, request.command, plan, device, identity, lesson, encoding, schema)


def plan_of(inputs: Inputs, settings: Settings) -> Plan:
    """The part that each row plays.

    Raises:
        InputError: nothing is left to train on.
    """
    return make_plan(
        inputs.data,
        inputs.clean,
        inputs.comparison.overlap,
        seed=settings.seed,
        is_fast=settings.fast,
        hold_back=settings.hold_back,
        reviewed=inputs.reviewed,
    )


def identity_of_run(settings: Settings, device: torch.device) -> Identity:
    """Versions, device and settings, by the names that users know."""
    # These two matter after training; the device's name is replaced by what was chosen.
    free = {"fdr", "top", "device"}
    kept = {key: value for key, value in asdict(settings).items() if key not in free}
    return {
        "datacleanse": __version__,
        "torch": torch.__version__,
        "device": device.type,
        **{f"--{name.replace('_', '-')}": value for name, value in kept.items()},
    }


def identity_of(request: Request, inputs: Inputs, device: torch.device) -> Identity:
    """All that the trainings depend on besides the user's own code."""
    options, schema = request.options, inputs.data.schema
    return identity_of_run(request.settings, device) | {
        "DATA": inputs.sha256["data"],
        "CLEAN": inputs.sha256["clean"],
        "--decisions": None if inputs.reviewed is None else inputs.reviewed.sha256,
        "--label": schema.label,
        "--id": schema.id,
        "--drop": sorted(options.drop),
        "--categorical": sorted(options.categorical),
        "--numeric": sorted(options.numeric),
        "--image-size": options.image_size,
    }
