"""What an audit is of: rows of a table under the package's network or one of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from datacleanse.auditing.layout import encode_examples
from datacleanse.auditing.plan import choose_rule
from datacleanse.auditing.prepared import learn_encoding, plan_rows, pose_table_question
from datacleanse.auditing.tasks.interface import (
    Planned,
    choose_objective,
    count_outputs,
    identify_request,
)
from datacleanse.data import take_rows
from datacleanse.errors import SettingsError
from datacleanse.models.metrics import Tested
from datacleanse.models.predictor import Predictor
from datacleanse.models.tabular import TabularNetwork, build_network
from datacleanse.models.text_models import choose_text_model
from datacleanse.models.user_network import (
    UserNetwork,
    build_user_network,
    digest_layers,
    make_probe_rows,
)
from datacleanse.settings import NO_TEXT_MODEL, RESIDUAL, is_timm, is_user_code
from datacleanse.training.checkpoint import NETWORK
from datacleanse.training.device import choose_device
from datacleanse.training.objectives import CLASSES
from datacleanse.training.placement import find_tensor
from datacleanse.training.rehearsal import try_training
from datacleanse.training.schedule import NUMBER_TABLES, TABLES, choose_schedule
from datacleanse.training.trainer import Lesson
from datacleanse.user_code import find_factory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import nn

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.prepared import Prepared
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.detection.second_opinion.question import Question
    from datacleanse.models.encoding import Encoding
    from datacleanse.models.frozen_network import Backbone
    from datacleanse.models.metrics import Tests
    from datacleanse.models.text_models import UsedTextModel
    from datacleanse.records import Schema
    from datacleanse.settings import Settings
    from datacleanse.training.examples import Examples


@dataclass(frozen=True)
class TableTask(Planned):
    """A `Task`: the audit of a table with the package's network or one of the user's own."""

    encoding: Encoding
    schema: Schema
    backbone: Backbone | None = None
    """The pretrained network whose features of pictures the rows are; None: there is none."""
    prepared: Prepared | None = None
    """What was made of a small table before torch was loaded."""

    def make_examples(self, inputs: Inputs) -> Examples:
        """Encode the rows of DATA and CLEAN into one matrix."""
        matrix = None if self.prepared is None else self.prepared.matrix
        return encode_examples(
            inputs.data, inputs.clean, self.plan, self.encoding, matrix=matrix, device=self.device
        )

    def pose_question(self, examples: Examples, plan: Plan, seed: int) -> Question:
        """Ask for a second opinion on the encoded rows, and on texts."""
        if self.prepared is not None and plan is self.prepared.plan:
            return self.prepared.question
        held = find_tensor(examples.inputs)
        assert held is not None
        return pose_table_question(
            held.cpu().numpy(),
            self.encoding,
            plan,
            examples.n_classes,
            seed,
            texts=examples.texts,
            is_quick=self.settings.fast,
        )

    def describe(self, network: nn.Module) -> str:
        """Describe the network: its kind and its layers, and what it stands on."""
        said = self.make_predictor(network).network.describe()
        if self.backbone is not None:
            return f"{said} {self.backbone.describe()}"
        used = self.encoding.text_model
        return (
            said if used is None else f"{said} Texts are read by {used.name} beside their counts."
        )

    def save(
        self, network: nn.Module, directory: Path, about: Mapping[str, Any] | None = None
    ) -> None:
        """Keep the network as a predictor of rows as they stand in tables.

        Args:
            network: trained.
            directory: to write to.
            about: what else `model.json` is to say.
        """
        # Of timm's networks only the part on their features: a file's name downloads nothing.
        is_ours = self.backbone is not None and not is_timm(self.backbone.name)
        self.make_predictor(network).save(directory, self.backbone if is_ours else None, about)

    def test_network(self, network: nn.Module, inputs: Inputs) -> Tests:
        """Classify the rows of TEST and those held back."""
        predictor, held_back = self.make_predictor(network), self.plan.held_back
        rows = {"test": inputs.test, "held_back": take_rows(inputs.clean, held_back)}
        return {
            name: None if each is None else Tested(predictor.answer(each), each.labels)
            for name, each in rows.items()
        }

    def make_predictor(self, network: nn.Module) -> Predictor:
        """What classifies new rows by a network of the audit."""
        assert isinstance(network, TabularNetwork | UserNetwork)
        return Predictor(network, self.encoding, self.schema)


def plan_table(request: Request, inputs: Inputs, prepared: Prepared | None) -> TableTask:
    """Plan the audit of a table, and try a network of the user's own.

    Args:
        request: what is asked for.
        inputs: what was read.
        prepared: the part of it that is done.

    Raises:
        InputError: nothing is left to train on.
        SettingsError: the device asked for is not there.
        UserCodeError: the user's factory is not found, or it or its network fails.
        ModelError: its network cannot be trained on these rows.
    """
    settings, schema = request.settings, inputs.data.schema
    if settings.model == RESIDUAL:
        raise SettingsError(
            f"--model is {settings.model!r}, which is a network for images; DATA is a table.",
            slug="model-not-for-tables",
            hint="Leave --model out.",
        )
    device = choose_device(settings.device)
    plan = plan_rows(inputs, settings) if prepared is None else prepared.plan
    text_model = _choose_text_model(settings, schema)
    encoding = (
        learn_encoding(inputs.data, plan, text_model) if prepared is None else prepared.encoding
    )
    identity = identify_request(request, inputs, device)
    if text_model is not None:
        identity |= {"the text model": f"{text_model.name} {text_model.release}"}
    is_users = request.module is not None or is_user_code(settings.model)
    seed, n_outputs = settings.seed, count_outputs(inputs.data)
    objective = choose_objective(inputs.data)
    build: Callable[[], nn.Module] = partial(build_network, encoding, n_outputs, seed=seed)
    if is_users:
        name = settings.model
        factory = request.module or find_factory(name)
        build = partial(build_user_network, factory, encoding, n_outputs, seed=seed, name=name)
        network, probe = build(), make_probe_rows(encoding)
        try_training(network, build, probe, f"The network of {name}", objective=objective)
        identity |= {NETWORK: digest_layers(network)}
    defaults = TABLES if objective is CLASSES else NUMBER_TABLES
    schedule = choose_schedule(settings, int(plan.is_trained.sum()), defaults)
    rule = choose_rule(settings, plan)
    lesson = Lesson(build, is_users, rule, schedule, seed, objective=objective)
    return TableTask(
        settings,
        request.command,
        plan,
        device,
        identity,
        lesson,
        encoding,
        schema,
        None if inputs.features is None else inputs.features.backbone,
        prepared,
    )


def _choose_text_model(settings: Settings, schema: Schema) -> UsedTextModel | None:
    """Choose what reads texts beside their counts, where there are some.

    Raises:
        SettingsError: a model is asked for that is not there, or that has nothing to read.
    """
    if any(column.kind == "text" for column in schema.columns):
        return choose_text_model(settings.text_model)
    if settings.text_model not in (None, NO_TEXT_MODEL):
        raise SettingsError(
            f"--text-model is {settings.text_model!r}, and no column of DATA is text.",
            slug="settings-contradict",
            hint="Leave --text-model out, or name a column that is to be read as text: --text COL.",
        )
    return None
