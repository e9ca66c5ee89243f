"""A model that `datacleanse export --format onnx` wrote, run by onnxruntime without torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from datacleanse.data import KnownValues
from datacleanse.errors import InputError, RunFolderError, is_shortage
from datacleanse.models.optional_packages import check_installed
from datacleanse.serving.onnx_parameters import find_not_finite
from datacleanse.serving.raw_columns import read_raw_columns
from datacleanse.storage.damage import say_on_one_line
from datacleanse.storage.schema_checks import read_schema
from datacleanse.storage.typed_json import Number, UnexpectedValueError, from_json, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnxruntime
    from numpy.typing import NDArray

    from datacleanse.records import Dataset, Schema

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

_TYPES = {"datetime": "tensor(int64)", "categorical": "tensor(string)"}
"""Inputs by kind of column, in onnxruntime's words; the others are doubles."""

_EXPORTED = "The exported model"

_ROUNDING = 1e-3
"""By how much the sum of a row's probabilities, which are float32, may differ from 1."""


@dataclass(frozen=True)
class _Version:
    """What is read of the metadata of any version."""

    format_version: Number


@dataclass(frozen=True)
class _Column:
    """What the metadata say of a column beside the schema."""

    name: str
    input: str


@dataclass(frozen=True)
class _Images:
    """What the metadata of a model of images say of them."""

    size: tuple[Number, ...]


@dataclass(frozen=True)
class _About:
    """The metadata that are read, beside version and schema."""

    run_id: str
    output: str
    columns: tuple[_Column, ...] = ()
    known: tuple[KnownValues, ...] = ()
    images: _Images | None = None
    task: Literal["regression"] | None = None
    """None: labels are classes."""


@dataclass(frozen=True)
class OnnxPredictor:
    """Answers about new rows."""

    session: onnxruntime.InferenceSession
    schema: Schema
    """Without classes it predicts numbers."""
    inputs: dict[str, str]
    """Column name to the name of its input."""
    output: str
    """Name of the probabilities, or of the numbers."""
    run_id: str
    """Of the run that the model comes from."""
    known: tuple[KnownValues, ...]
    """What was learned of each column's values; none in files of earlier versions."""

    def answer(self, data: Dataset) -> NDArray[np.float64]:
        """Class probabilities of each row, (n, C); or its number in the label's unit, (n,)."""
        feed = {self.inputs[name]: values for name, values in read_raw_columns(data).items()}
        return _run(self.session, self.output, feed, (data.n_rows, *_shape_answer(self.schema)))


@dataclass(frozen=True)
class OnnxImagePredictor:
    """Answers about new images."""

    session: onnxruntime.InferenceSession
    schema: Schema
    """Without classes it predicts numbers."""
    size: tuple[int, int, int]
    """(C, H, W) that images must have."""
    output: str
    """Name of the probabilities, or of the numbers."""
    run_id: str
    """Of the run that the model comes from."""

    def answer(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Class probabilities of images (n, C, H, W), (n, K); or their numbers, (n,).

        Raises:
            InputError: they are of another size or type, or the network fails.
        """
        if images.dtype != np.uint8 or images.shape[1:] != self.size:
            raise InputError(
                f"The images are an array of {images.dtype}, {images.shape}; the network takes "
                f"uint8 (n, {', '.join(map(str, self.size))}).",
                slug="images-size",
                hint="Scale them to that many channels, rows and columns, 0 (black) to 255.",
            )
        shape = _shape_answer(self.schema)
        result = np.empty((len(images), *shape))
        for start in range(0, len(images), IMAGES_AT_ONCE):
            part = np.ascontiguousarray(images[start : start + IMAGES_AT_ONCE])
            told = _run(self.session, self.output, {IMAGES: part}, (len(part), *shape))
            result[start : start + len(part)] = told
        return result


AnyOnnxPredictor: TypeAlias = OnnxPredictor | OnnxImagePredictor


def _shape_answer(schema: Schema) -> tuple[int, ...]:
    """The shape of what is said of one row or image: a probability for each class, or a number."""
    return (len(schema.classes),) if schema.classes else ()


def load_onnx(source: Path | bytes) -> AnyOnnxPredictor:
    """Read an exported model, from a file or from its bytes; executes nothing but its operators.

    Raises:
        InputError: the file is missing, damaged, not one of this package's, or of a later version.
        SettingsError: onnxruntime is not installed.
    """
    check_installed("onnxruntime", extra="onnx", what="An ONNX file")
    import onnxruntime

    name = str(source) if isinstance(source, Path) else "The exported model"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is said once, by the error
    # A place that is none, so that the file cannot make the runtime read others as parameters.
    options.add_session_config_entry(_OTHER_FILES, os.devnull)
    content = _read_content(source) if isinstance(source, Path) else source
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises its own kinds, all derived from Exception
        raise InputError(
            f"{name} is no readable ONNX model ({say_on_one_line(error)}).",
            slug="onnx-damaged",
            hint="The file is cut off or not what its ending says; export it again.",
        ) from error
    weird = find_not_finite(content)
    if weird is not None:
        raise InputError(
            f"{name} holds NaN or infinity in {say_on_one_line(weird)}: its predictions would mean "
            "nothing.",
            slug="model-not-finite",
            hint="Export it again, or copy it again from where it was made.",
        )
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


def _read_description(session: onnxruntime.InferenceSession, name: str) -> AnyOnnxPredictor:
    try:
        return _read_model(session, name)
    except UnexpectedValueError as error:
        raise _make_damage_error(name, str(error)) from error


def _read_model(session: onnxruntime.InferenceSession, name: str) -> AnyOnnxPredictor:
    try:
        told = session.get_modelmeta().custom_metadata_map
    except UnicodeDecodeError as error:
        raise UnexpectedValueError("its metadata are no UTF-8") from error
    if f"{KEY}format_version" not in told:
        raise InputError(
            f"{name} is an ONNX model of another program: it lacks the description that "
            "datacleanse writes into its own.",
            slug="onnx-foreign",
            hint="Give a file that `datacleanse export --format onnx` wrote, or run this one with "
            "onnxruntime yourself.",
        )
    plain = {
        key.removeprefix(KEY): _parse_entry(key, value)
        for key, value in told.items()
        if key.startswith(KEY)
    }
    version = from_json(_Version, plain).format_version
    if version > FORMAT_VERSION:
        raise RunFolderError(
            f"{name} has format {version}; this program reads up to {FORMAT_VERSION}.",
            slug="model-newer",
            hint="Update datacleanse: pip install -U datacleanse.",
        )
    about = from_json(_About, plain)
    schema = read_schema(plain.get("schema"), "schema", has_classes=about.task is None)
    _check_output(session, about.output, None if about.task else len(schema.classes))
    if about.images is not None:
        size = _read_size(session, about.images)
        return OnnxImagePredictor(session, schema, size, about.output, about.run_id)
    inputs = {column.name: column.input for column in about.columns}
    _check_inputs(session, schema, inputs)
    return OnnxPredictor(session, schema, inputs, about.output, about.run_id, about.known)


def _parse_entry(key: str, value: str) -> object:
    try:
        return parse_json(value.encode("utf-8", "surrogatepass"))
    except UnexpectedValueError as error:
        raise UnexpectedValueError(f"of its entry {say_on_one_line(key)}: {error}") from error


def _check_output(session: onnxruntime.InferenceSession, name: str, width: int | None) -> None:
    """See that an output is (rows, ``width``), or (rows,) where that is None."""
    wanted = [] if width is None else [width]
    shapes = {output.name: list(output.shape) for output in session.get_outputs()}
    if not shapes.get(name) or shapes[name][1:] != wanted:
        said = "a number a row" if width is None else f"{width} columns"
        raise UnexpectedValueError(
            f"output is {name!a}, which is no output of the network with {said}"
        )


def _read_size(session: onnxruntime.InferenceSession, images: _Images) -> tuple[int, int, int]:
    shapes = {given.name: tuple(given.shape) for given in session.get_inputs()}
    if len(images.size) != 3 or shapes.get(IMAGES, ())[1:] != images.size:
        raise UnexpectedValueError(
            f"images.size is {list(images.size)[:4]}, where the network's input has other sides"
        )
    channels, height, width = images.size
    return channels, height, width


def _check_inputs(
    session: onnxruntime.InferenceSession, schema: Schema, inputs: Mapping[str, str]
) -> None:
    """See that each column has an input of its own, of the kind that its cells are given as."""
    if list(inputs) != [column.name for column in schema.columns]:
        raise UnexpectedValueError("columns are not those that schema names")
    found = {given.name: (given.type, tuple(given.shape)[1:]) for given in session.get_inputs()}
    for column in schema.columns:
        dims = (column.width,) if column.kind == "embedding" else ()
        wanted = (_TYPES.get(column.kind, "tensor(double)"), dims)
        if found.pop(inputs[column.name], None) != wanted:
            raise UnexpectedValueError(
                f"the input of column {column.name!a} is missing from the network, or is no "
                f"{wanted[0]}"
            )
    if found:
        raise UnexpectedValueError(f"the network has an input {min(found)!a} of no column")


def _run(
    session: onnxruntime.InferenceSession,
    output: str,
    feed: dict[str, NDArray[Any]],
    shape: tuple[int, ...],
) -> NDArray[np.float64]:
    """What the network gives: of ``shape`` (n, C) class probabilities, of (n,) numbers.

    Raises:
        InputError: the network fails, or gives something else.
    """
    try:
        (found,) = session.run([output], feed)
    except Exception as error:  # the runtime raises its own kinds, all derived from Exception
        if is_shortage(error):
            raise
        raise _make_damage_error(_EXPORTED, f"it fails ({say_on_one_line(error)})") from error
    result: NDArray[np.float64] = np.asarray(found, np.float64)
    if result.shape != shape or not _are_possible(result):
        said = "numbers" if len(shape) == 1 else "probabilities"
        raise _make_damage_error(_EXPORTED, f"what it gives are no {said}")
    return result


def _are_possible(given: NDArray[np.float64]) -> bool:
    """Whether (n,) are finite numbers, or (n, C) probabilities of classes."""
    if given.ndim == 1:
        return bool(np.isfinite(given).all())
    return bool((np.abs(given.sum(axis=1) - 1) < _ROUNDING).all() and (given >= 0).all())


def _make_damage_error(name: str, said: str) -> InputError:
    return InputError(
        f"{name} is damaged: {said}.",
        slug="onnx-damaged",
        hint="Export it again, or copy it again from where it was made.",
    )
