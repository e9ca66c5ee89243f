"""A finished model from wherever it lies: a run folder, or a file exported from one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from datacleanse.errors import SettingsError
from datacleanse.serving.onnx_model import SUFFIX, load_onnx
from datacleanse.storage.manifest.numbers import NumberManifest
from datacleanse.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.data import KnownValues
    from datacleanse.models.user_network import ModuleFactory
    from datacleanse.records import Dataset, Schema
    from datacleanse.storage.manifest.numbers import AnyManifest


class ServedModel(Protocol):
    """Answers about rows that are read already."""

    @property
    def schema(self) -> Schema:
        """What the columns of new rows must be; without classes it predicts numbers."""

    @property
    def known(self) -> tuple[KnownValues, ...]:
        """What was learned of each column's values."""

    def answer(self, data: Dataset) -> NDArray[np.float64]:
        """Class probabilities of each row, (n, C), rows sum to 1; or its number, (n,)."""


@runtime_checkable
class ServedImageModel(Protocol):
    """Answers about images that are decoded and scaled already."""

    @property
    def schema(self) -> Schema:
        """Has no columns; without classes it predicts numbers."""

    @property
    def size(self) -> tuple[int, int, int]:
        """(C, H, W) that images must have."""

    def answer(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The same of images, (n, C, H, W)."""


AnyServedModel: TypeAlias = ServedModel | ServedImageModel
"""What a run or an exported file holds."""


def open_model(source: Path, *, model: str | ModuleFactory | None = None) -> AnyServedModel:
    """The model of a run folder or of an exported ONNX file; executes nothing from the files.

    Args:
        source: the run folder or the file.
        model: for a run folder, an ONNX file exported from that very run, which is used in place
            of the run's network; or the factory of a network of the user's own.

    Raises:
        RunFolderError: the run is missing, unfinished, damaged, tampered with or of a later
            version, or its network needs ``model``.
        InputError: the ONNX file is missing, damaged or of another program.
        SettingsError: the ONNX file comes from another run, or onnxruntime is not installed.
        UserCodeError: ``model`` cannot be imported or fails.
    """
    if is_onnx(source):
        if model is not None:
            raise SettingsError(
                f"{source} holds its network; --model has nothing to add.",
                slug="settings-contradict",
                hint="Leave --model out.",
            )
        return load_onnx(source)
    folder = RunFolder(source)
    manifest = folder.any_manifest()
    if isinstance(model, str) and model.endswith(SUFFIX):
        return _open_onnx_of_run(folder, manifest, model)
    # Loads torch, which takes seconds: what is wrong above should not have to wait for it.
    from datacleanse.models.loading import load_number_predictor, load_predictor

    if isinstance(manifest, NumberManifest):
        return load_number_predictor(folder.model_dir, manifest, model=model)
    return load_predictor(folder.model_dir, model=model, manifest=manifest)


def is_onnx(source: Path) -> bool:
    """Whether this names an exported file and no run folder."""
    return source.suffix == SUFFIX and not os.path.isdir(source)  # noqa: PTH112 - says no where it may not be looked


def _open_onnx_of_run(folder: RunFolder, manifest: AnyManifest, file: str) -> AnyServedModel:
    from pathlib import Path

    from datacleanse.models.run_agreement import check_agreement

    found = load_onnx(Path(file))
    if found.run_id != manifest.run_id:
        raise SettingsError(
            f"{file} was exported from run {found.run_id}, not from {folder.path}, which is run "
            f"{manifest.run_id}.",
            slug="onnx-other-run",
            hint=f"Export it again from {folder.path}, or give {file} in place of the run folder.",
        )
    check_agreement(found.schema, manifest, Path(file))
    return found
