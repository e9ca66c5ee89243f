"""The ways out. One a file; this registry is the only place that names them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse.serving.export.hub_folder import HubFolderFormat
from datacleanse.serving.export.onnx_file import OnnxFormat
from datacleanse.serving.export.pt2 import Pt2Format
from datacleanse.serving.export.safetensors_file import SafetensorsFormat
from datacleanse.serving.export.weights import WeightsFormat

if TYPE_CHECKING:
    from datacleanse.serving.export.interface import ExportFormat

FORMATS: tuple[ExportFormat, ...] = (
    OnnxFormat(),
    Pt2Format(),
    SafetensorsFormat(),
    HubFolderFormat(),
    WeightsFormat(),
)


def find_format(name: str) -> ExportFormat:
    """The format that ``--format`` asks for.

    Raises:
        SettingsError: there is none of that name.
    """
    for each in FORMATS:
        if each.name == name:
            return each
    raise SettingsError(
        f"--format is {name!r}.",
        slug="setting-out-of-range",
        hint=f"Give one of {', '.join(each.name for each in FORMATS)}.",
    )
