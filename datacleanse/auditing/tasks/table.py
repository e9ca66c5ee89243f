"""What an audit is of: rows of a table under the package's network or one of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from datacleanse.auditing.layout import learn_encoding, make_examples
from datacleanse.auditing.tasks.interface import identity_of, plan_of
from datacleanse.data import take_rows
from datacleanse.detection.second_opinion.background import Question
from datacleanse.errors import SettingsError
from datacleanse.models.metrics import Tested
from datacleanse.models.predictor import Predictor
from datacleanse.models.tabular import TabularNetwork, build_network
from datacleanse.models.user_network import (
    UserNetwork,
    build_user_network,
    digest_layers,
    make_probe_rows,
)
from datacleanse.settings import IMAGE_MODELS, is_user_code
from datacleanse.training.checkpoint import NETWORK, Identity
from datacleanse.training.device import choose_device
from datacleanse.training.placement import held_in
from datacleanse.training.rehearsal import try_training
from datacleanse.training.schedule import schedule_for
from datacleanse.training.trainer import Lesson
from datacleanse.user_code import find_factory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch
    from torch import nn

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.models.encoding import Encoding
    from datacleanse.models.metrics import Tests
    from datacleanse.records import Schema
    from datacleanse.settings import Settings
    from datacleanse.training.examples import Examples


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
        rows = {"test": inputs.test, "held_back": take_rows(inputs.clean, held_back)}
        return {
            name: None if each is None else Tested(predictor.probabilities(each), each.labels)
            for name, each in rows.items()
        }

    def _predictor(self, network: nn.Module) -> Predictor:
        assert isinstance(network, TabularNetwork | UserNetwork)
        return Predictor(network, self.encoding, self.schema)


def table_task(request: Request, inputs: Inputs) -> TableTask:
    """Plan the audit of a table, and try a network of the user's own.

    Raises:
        InputError: nothing is left to train on.
        SettingsError: the device asked for is not there.
        UserCodeError: the user's factory is not found, or it or its network fails.
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
    is_users = request.module is not None or is_user_code(settings.model)
    seed, n_classes = settings.seed, len(schema.classes)
    build: Callable[[], nn.Module] = partial(build_network, encoding, n_classes, seed=seed)
    if is_users:
        name = settings.model
        factory = request.module or find_factory(name)
        build = partial(build_user_network, factory, encoding, n_classes, seed=seed, name=name)
        network = build()
        try_training(network, build, make_probe_rows(encoding), f"The network of {name}")
        identity |= {NETWORK: digest_layers(network)}
    schedule = schedule_for(settings, int(plan.trained.sum()))
    lesson = Lesson(build, is_users, settings.rule, schedule, seed)
    return TableTask(settings, request.command, plan, device, identity, lesson, encoding, schema)
