"""`--format hub-folder`: a folder that `huggingface_hub` uploads as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.errors import DatacleanseError, OutputError
from datacleanse.models.model_card import CARD, write_card
from datacleanse.models.number_card import write_number_card
from datacleanse.serving.export.interface import NOT_HELD
from datacleanse.serving.export.onnx_file import OnnxFormat
from datacleanse.serving.export.safetensors_file import SafetensorsFormat
from datacleanse.storage.atomic_files import check_place, make_unwritable_error, write_folder_aside
from datacleanse.storage.manifest.numbers import NumberManifest

if TYPE_CHECKING:
    from pathlib import Path

    from datacleanse.serving.export.interface import FinishedRun
    from datacleanse.storage.manifest.numbers import AnyManifest


@dataclass(frozen=True)
class HubFolderFormat:
    """The model card, `model.safetensors` with `model.json`, and `model.onnx` where possible."""

    name: str = "hub-folder"
    default_target: str = "hub"

    def check(self, target: Path) -> None:
        """Refuse a folder that holds something, and a place where none can be made."""
        try:
            if target.is_dir() and not any(target.iterdir()):
                return
            is_taken = target.exists()
        except OSError as error:
            raise make_unwritable_error(target, error) from error
        if is_taken:
            raise OutputError(
                f"{target} exists and is no empty folder.",
                slug="output-in-the-way",
                hint="Choose another name with -o; nothing was changed there.",
            )
        check_place(target)

    def list_beside(self, target: Path) -> tuple[Path, ...]:
        """Nothing."""
        del target
        return ()

    def write(self, run: FinishedRun, target: Path) -> tuple[str, ...]:
        """Write the folder whole or not at all; say how to publish it, and what is missing."""
        with write_folder_aside(target) as folder:
            SafetensorsFormat().write(run, folder / SafetensorsFormat().default_target)
            missing = _add_onnx(run, folder)
            text = _write_card(run.manifest, has_onnx=not missing)
            (folder / CARD).write_text(text, encoding="utf-8")
        upload = f"hf upload USER/NAME {target}"
        return (*missing, f"To publish it: {upload}")


def _write_card(manifest: AnyManifest, *, has_onnx: bool) -> str:
    if isinstance(manifest, NumberManifest):
        return write_number_card(manifest, has_onnx=has_onnx)
    return write_card(manifest, has_onnx=has_onnx)


def _add_onnx(run: FinishedRun, folder: Path) -> tuple[str, ...]:
    """Add the ONNX file; say why it is missing where it cannot be made."""
    onnx, target = OnnxFormat(), folder / OnnxFormat().default_target
    try:
        onnx.check(target)
        onnx.write(run, target)
    except DatacleanseError as error:
        # Of what no ONNX file can hold, the hint names this very format.
        hint = "" if error.slug in NOT_HELD else f" {error.hint}"
        return (f"Without model.onnx: {error.message}{hint}",)
    return ()
