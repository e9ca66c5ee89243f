"""A model that `datacleanse export --format onnx` wrote, run by onnxruntime without torch."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datacleanse.data import KnownValues
from datacleanse.errors import InputError, RunFolderError
from datacleanse.optional_packages import check_installed
from datacleanse.records import Dataset, Schema
from datacleanse.serving.raw_columns import read_raw_columns

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

FORMAT_VERSION = 1
"""Of the metadata in the file.

1: first version.
"""

SUFFIX = ".onnx"
IMAGES = "images"
"""Name of the input of a model of images."""
IMAGES_AT_ONCE = 256
_OTHER_FILES = "session.model_external_initializers_file_folder_path"
"""onnxruntime's name of the folder in which a model given as bytes may keep parameters."""

KEY = "datacleanse."
"""Begins the names of the metadata that this package writes; each value is JSON."""


@dataclass(frozen=True)
class OnnxPredictor:
    """Classifies new rows."""

    session: onnxruntime.InferenceSession
    schema: Schema
    inputs: dict[str, str]
    """Column name to the name of its input."""
    output: str
    """Name of the probabilities."""
    run_id: str
    """Of the run that the model comes from."""
    known: tuple[KnownValues, ...]
    """What was learned of each column's values; none in files of earlier versions."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities' columns."""
        return self.schema.classes

    def probabilities(self, data: Dataset) -> NDArray[np.float64]:
        """Class probabilities of each row, (n, C)."""
        feed = {self.inputs[name]: values for name, values in read_raw_columns(data).items()}
        (found,) = self.session.run([self.output], feed)
        result: NDArray[np.float64] = np.asarray(found, np.float64)
        return result


@dataclass(frozen=True)
class OnnxImagePredictor:
    """Classifies new images."""

    session: onnxruntime.InferenceSession
    schema: Schema
    size: tuple[int, int, int]
    """(C, H, W) that images must have."""
    output: str
    """Name of the probabilities."""
    run_id: str
    """Of the run that the model comes from."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities' columns."""
        return self.schema.classes

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Class probabilities of images (n, C, H, W): (n, K), rows sum to 1.

        Raises:
            InputError: they are of another size or type.
        """
        if images.dtype != np.uint8 or images.shape[1:] != self.size:
            raise InputError(
                f"The images are an array of {images.dtype}, {images.shape}; the network takes "
                f"uint8 (n, {', '.join(map(str, self.size))}).",
                slug="images-size",
                hint="Scale them to that many channels, rows and columns, 0 (black) to 255.",
            )
        result = np.empty((len(images), len(self.classes)))
        for start in range(0, len(images), IMAGES_AT_ONCE):
            part = np.ascontiguousarray(images[start : start + IMAGES_AT_ONCE])
            (found,) = self.session.run([self.output], {IMAGES: part})
            result[start : start + len(part)] = found
        return result


def load_onnx(source: Path | bytes) -> OnnxPredictor | OnnxImagePredictor:
    """Read an exported model, from a file or from its bytes; executes nothing but its operators.

    Raises:
        InputError: the file is missing, damaged, not one of this package's, or of a later version.
        SettingsError: onnxruntime is not installed.
    """
    check_installed("onnxruntime", extra="onnx", what="An ONNX file")
    import onnxruntime

    name = str(source) if isinstance(source, Path) else "The exported model"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # A place that is none, so that the file cannot make the runtime read others as parameters.
    options.add_session_config_entry(_OTHER_FILES, os.devnull)
    content = _read_content(source) if isinstance(source, Path) else source
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises its own kinds, all derived from Exception
        raise InputError(
            f"{name} is no readable ONNX model ({' '.join(str(error).split())[:200]}).",
            slug="onnx-damaged",
            hint="The file is cut off or not what its ending says; export it again.",
        ) from error
    return _read_description(session, name)


def _read_content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}.",
            slug="file-missing",
            hint="Give the file that `datacleanse export --format onnx` wrote.",
        ) from error


def _read_description(
    session: onnxruntime.InferenceSession, name: str
) -> OnnxPredictor | OnnxImagePredictor:
    found = session.get_modelmeta().custom_metadata_map
    if f"{KEY}format_version" not in found:
        raise InputError(
            f"{name} is an ONNX model of another program: it lacks the description that "
            "datacleanse writes into its own.",
            slug="onnx-foreign",
            hint="Give a file that `datacleanse export --format onnx` wrote, or run this one with "
            "onnxruntime yourself.",
        )
    try:
        about: dict[str, Any] = {
            key.removeprefix(KEY): json.loads(value)
            for key, value in found.items()
            if key.startswith(KEY)
        }
        _check_version(about["format_version"], name)
        schema, output, run_id = Schema.from_json(about["schema"]), about["output"], about["run_id"]
        if "images" in about:
            channels, height, width = about["images"]["size"]
            size = (int(channels), int(height), int(width))
            return OnnxImagePredictor(session, schema, size, output, run_id)
        inputs = {column["name"]: column["input"] for column in about["columns"]}
        known = tuple(
            KnownValues(**{**each, "categories": each["categories"] and tuple(each["categories"])})
            for each in about.get("known", ())
        )
        return OnnxPredictor(session, schema, inputs, output, run_id, known)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{name} is damaged: its description cannot be read ({type(error).__name__}: {error}).",
            slug="onnx-damaged",
            hint="Export it again.",
        ) from error


def _check_version(version: int, name: str) -> None:
    if version > FORMAT_VERSION:
        raise RunFolderError(
            f"{name} has format {version}; this program reads up to {FORMAT_VERSION}.",
            slug="model-newer",
            hint="Update datacleanse: pip install -U datacleanse.",
        )
