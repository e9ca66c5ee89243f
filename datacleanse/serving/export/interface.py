"""What an export format is, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias

from datacleanse.errors import SettingsError
from datacleanse.models.loading import load_number_predictor, load_predictor
from datacleanse.models.number_predictor import (
    NumberImagePredictor,
    NumberPredictor,
    NumberPretrainedPredictor,
)
from datacleanse.models.predictor import ImagePredictor, Predictor
from datacleanse.models.pretrained_predictor import PretrainedPredictor
from datacleanse.storage.manifest.numbers import NumberManifest

if TYPE_CHECKING:
    from pathlib import Path

    from datacleanse.models.user_network import ModuleFactory
    from datacleanse.records import Schema
    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.run_folder import RunFolder

Exported: TypeAlias = Predictor | ImagePredictor | NumberPredictor | NumberImagePredictor
"""A model that is whole without a pretrained network."""

Served: TypeAlias = Exported | PretrainedPredictor | NumberPretrainedPredictor
"""The model of a run."""


@dataclass(frozen=True)
class FinishedRun:
    """A finished run that is to be exported."""

    folder: RunFolder
    manifest: AnyManifest
    own: str | ModuleFactory | None = field(default=None, repr=False)
    """Factory of a network of the user's own, or its name; see `load_predictor`."""

    @cached_property
    def predictor(self) -> Served:
        """The model, checked against the manifest; read when it is first asked for.

        Raises:
            RunFolderError: as `load_predictor`.
        """
        if isinstance(self.manifest, NumberManifest):
            return load_number_predictor(self.folder.model_dir, self.manifest, model=self.own)
        return load_predictor(self.folder.model_dir, model=self.own, manifest=self.manifest)

    @property
    def run_id(self) -> str:
        """The run's id, as in `run.json`."""
        return self.manifest.run_id


NOT_HELD = ("export-pretrained", "export-text")
"""Slugs of what is said of models that some formats cannot hold at all."""


def refuse_pretrained(name: str, predictor: Served) -> Exported:
    """Refuse a model on top of a pretrained network, for a format that would have to hold it.

    Raises:
        SettingsError: it is one.
    """
    if isinstance(predictor, PretrainedPredictor | NumberPretrainedPredictor):
        raise SettingsError(
            f"The model reads pictures through {predictor.backbone.title}, which --format {name} "
            "cannot hold.",
            slug="export-pretrained",
            hint="Use `datacleanse predict`, datacleanse.load, or --format safetensors or "
            "hub-folder; --model residual audits without it.",
        )
    return predictor


def refuse_text(name: str, schema: Schema) -> None:
    """Refuse a model that reads text, for a format that can hold numbers and names only.

    Raises:
        SettingsError: it has a column of text.
    """
    texts = [column.name for column in schema.columns if column.kind == "text"]
    if texts:
        raise SettingsError(
            f"The model reads column '{texts[0]}' as text, which --format {name} cannot hold.",
            slug="export-text",
            hint="Use `datacleanse predict`, datacleanse.load, or --format safetensors or "
            "hub-folder.",
        )


class ExportFormat(Protocol):
    """One way out. A new one is a file in this folder and a line in its registry."""

    @property
    def name(self) -> str:
        """What ``--format`` calls it."""

    @property
    def default_target(self) -> str:
        """File or folder that is written where ``-o`` is not given."""

    def check(self, target: Path) -> None:
        """Refuse, before any work, what is sure to fail: a package missing, a place in the way."""

    def list_beside(self, target: Path) -> tuple[Path, ...]:
        """What else is written."""

    def write(self, run: FinishedRun, target: Path) -> tuple[str, ...]:
        """Write the target whole or not at all; return sentences worth telling a person.

        Raises:
            DatacleanseError: the run is damaged, or the export would not do what the run does.
        """
