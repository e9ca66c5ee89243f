"""The audit of images: which network, how they vary, and who gives the second opinion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from datacleanse.auditing.layout import lay_out
from datacleanse.auditing.plan import choose_rule
from datacleanse.auditing.prepared import plan_rows
from datacleanse.auditing.tasks.interface import (
    Planned,
    choose_objective,
    count_outputs,
    identify_request,
)
from datacleanse.data.number_labels import group_by_size
from datacleanse.detection.second_opinion.question import Question
from datacleanse.errors import SettingsError
from datacleanse.models.image_statistics import keeps_label_mirrored, measure_channels
from datacleanse.models.metrics import Tested
from datacleanse.models.predictor import ImagePredictor
from datacleanse.models.residual import ResidualNetwork, build_residual, choose_residual_shape
from datacleanse.pictures.joined import Joined
from datacleanse.settings import IMAGE_MODELS
from datacleanse.training.device import choose_device
from datacleanse.training.placement import find_images, place_images
from datacleanse.training.schedule import IMAGES, choose_schedule
from datacleanse.training.trainer import Lesson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.models.frozen_network import PictureFeatures
    from datacleanse.models.metrics import Tests
    from datacleanse.records import PictureInputs, Schema
    from datacleanse.training.examples import Examples


@dataclass(frozen=True)
class ImageTask(Planned):
    """A `Task`: the audit of images with the package's residual network."""

    schema: Schema
    features: PictureFeatures | None = None
    """What a pretrained network made of the pictures, for the second opinion; None: it did not see
    them."""

    def make_examples(self, inputs: Inputs) -> Examples:
        """Lay out the pixels as bytes, which the network itself normalises."""
        rows = place_images(_join(_get_pictures(inputs)), self.device)
        return lay_out(rows, self.plan, n_classes=len(self.schema.classes), device=self.device)

    def pose_question(self, examples: Examples, plan: Plan, seed: int) -> Question:
        """Ask for regressions on patches of the images, and on features where there are any."""
        return Question(
            "images",
            find_images(examples.inputs),
            plan.labels,
            plan.is_learned,
            examples.n_classes,
            seed,
            features=self.seen,
        )

    @property
    def seen(self) -> NDArray[np.float32] | None:
        """(M, F) features of DATA's pictures, then CLEAN's; None: no network made any."""
        features = self.features
        return None if features is None else np.concatenate([features.data, features.clean])

    def describe(self, network: nn.Module) -> str:
        """Describe the residual network: its layers, and how it was fitted to the images."""
        said = self.make_predictor(network).network.describe()
        if self.features is None:
            return said
        return f"{said} {self.features.backbone.describe()} Its features are a second opinion."

    def save(
        self, network: nn.Module, directory: Path, about: Mapping[str, Any] | None = None
    ) -> None:
        """Keep the network as a predictor of images; see `TableTask.save`."""
        self.make_predictor(network).save(directory, about)

    def test_network(self, network: nn.Module, inputs: Inputs) -> Tests:
        """Classify TEST and the images held back."""
        pictures, classify = _get_pictures(inputs), self.make_predictor(network).predict_proba
        found: Tests = {"test": None, "held_back": None}
        if inputs.test is not None and pictures.test is not None:
            found["test"] = Tested(classify(pictures.test), inputs.test.labels)
        held_back = self.plan.held_back
        if len(held_back):
            labels = inputs.clean.labels[held_back]
            found["held_back"] = Tested(classify(pictures.clean[held_back]), labels)
        return found

    def make_predictor(self, network: nn.Module) -> ImagePredictor:
        """What classifies new images by a network of the audit."""
        assert isinstance(network, ResidualNetwork)
        return ImagePredictor(network, self.schema)


def plan_images(request: Request, inputs: Inputs) -> ImageTask:
    """Plan the audit of images.

    Raises:
        InputError: nothing is left to train on.
        SettingsError: the device asked for is not there, or the network is none for images.
    """
    settings, schema = request.settings, inputs.data.schema
    if request.module is not None or settings.model not in ("auto", *IMAGE_MODELS):
        raise _make_no_network_error(settings.model, of_numbers=inputs.data.numbers is not None)
    device = choose_device(settings.device)
    plan = plan_rows(inputs, settings)
    n_trained = int(plan.is_trained.sum())
    labels = plan.labels if inputs.data.numbers is None else group_by_size(plan.labels)
    build = _choose_network(
        _get_pictures(inputs), plan, labels, count_outputs(inputs.data), settings.seed
    )
    schedule = choose_schedule(settings, n_trained, IMAGES)
    rule, objective = choose_rule(settings, plan), choose_objective(inputs.data)
    lesson = Lesson(build, False, rule, schedule, settings.seed, objective=objective)
    identity = identify_request(request, inputs, device)
    return ImageTask(
        settings, request.command, plan, device, identity, lesson, schema, inputs.features
    )


def _choose_network(
    pictures: PictureInputs, plan: Plan, labels: NDArray[np.int64], n_outputs: int, seed: int
) -> Callable[[], nn.Module]:
    """What makes the network, with what the training images, (M,) labels, say about views."""
    images, trained = _join(pictures), np.flatnonzero(plan.is_trained)
    is_mirrored = keeps_label_mirrored(images, labels, trained, seed=seed)
    channels, height, width = images.shape[1:]
    shape = choose_residual_shape(
        (channels, height, width), len(trained), n_outputs, is_mirrored=is_mirrored
    )
    mean, deviation = measure_channels(images, trained)
    return partial(build_residual, shape, mean, deviation, seed=seed)


def _get_pictures(inputs: Inputs) -> PictureInputs:
    assert inputs.pictures is not None
    return inputs.pictures


def _join(pictures: PictureInputs) -> Joined:
    """DATA's, then CLEAN's."""
    return Joined(pictures.data, pictures.clean)


def _make_no_network_error(name: str, *, of_numbers: bool) -> SettingsError:
    elsewhere = "; a network of your own is audited with datacleanse.audit_dataset in Python"
    return SettingsError(
        f"--model is {name!r}, which is no network for images.",
        slug="model-not-for-images",
        hint=f"Give auto or {', '.join(IMAGE_MODELS)}{'' if of_numbers else elsewhere}.",
    )
