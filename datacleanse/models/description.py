"""`model.json`: what a saved model is, every value checked once, before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from datacleanse.errors import RunFolderError
from datacleanse.models import calendar_parts
from datacleanse.models.encoding import VECTORS, Encoding
from datacleanse.models.feature_column import FEATURES
from datacleanse.models.frozen_network import Backbone, check_side
from datacleanse.models.model_files import DESCRIPTION, FORMAT_VERSION, LOOSE, name_damage
from datacleanse.models.residual import ARCHITECTURE as RESIDUAL
from datacleanse.models.residual import ResidualShape, check_geometry
from datacleanse.models.tabular import ARCHITECTURE as TABULAR
from datacleanse.models.tabular import TabularShape, make_tabular_shape
from datacleanse.models.user_network import ARCHITECTURE as OWN
from datacleanse.storage.schema_checks import check_unique, read_schema
from datacleanse.storage.typed_json import (
    Count,
    Limit,
    Number,
    Positive,
    UnexpectedValueError,
    from_json,
    parse_json,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from datacleanse.records import Column, Schema

REGRESSION = "regression"
"""What ``task`` says in `model.json` of a model that predicts numbers."""

_LONGEST_NAME = 500
"""Signs of a factory's name."""

FactoryName = Annotated[
    str,
    Limit(
        lambda name: name.isprintable() and 0 < len(name) <= _LONGEST_NAME, "the name of a factory"
    ),
]


@dataclass(frozen=True)
class _Version:
    """What is read of the description of any version."""

    format_version: Number


@dataclass(frozen=True)
class _Architecture:
    """What is read of any architecture."""

    name: Literal["tabular", "residual", "own", "own dataset"]


@dataclass(frozen=True)
class Factory:
    """What made a network of the user's own."""

    factory: FactoryName
    """``package.module:factory``."""
    n_features: Count
    """Numbers a row that it was called with."""


@dataclass(frozen=True)
class TableModel:
    """The package's network for tables."""

    shape: TabularShape
    encoding: Encoding
    schema: Schema
    backbone: Backbone | None = None
    """The pretrained network whose features of pictures the columns are; None: rows are a
    table's."""


@dataclass(frozen=True)
class ImageModel:
    """The package's network for images."""

    shape: ResidualShape
    schema: Schema


@dataclass(frozen=True)
class OwnModel:
    """A network of the user's own, for tables."""

    factory: Factory
    encoding: Encoding
    schema: Schema
    probe: tuple[tuple[float, ...], ...]
    """(2, C) logits of the rows of `make_probe_rows`."""


@dataclass(frozen=True)
class NumberScale:
    """From a network's outputs to numbers in the label's unit."""

    centre: float
    """Of the label: the network's 0."""
    scale: Positive
    """Of the label: the network's 1."""


@dataclass(frozen=True)
class LooseModel:
    """A network for a dataset of the user's own, which only its parameters tell of."""


@dataclass(frozen=True)
class _NumberTask:
    task: Literal["regression"]


@dataclass(frozen=True)
class _Probe:
    probe: tuple[tuple[float, ...], ...]


Model = TableModel | ImageModel | OwnModel | LooseModel


@dataclass(frozen=True)
class NumberModel:
    """A network that predicts numbers."""

    network: TableModel | ImageModel | OwnModel
    """Of one output."""
    label: NumberScale


def read_plain_description(directory: Path) -> dict[str, Any]:
    """Read `model.json` as plain values, all of which JSON can write again.

    Raises:
        RunFolderError: it is missing, damaged or of a later version.
    """
    file = directory / DESCRIPTION
    try:
        plain = parse_json(file.read_bytes(), is_strict=True)
        version = from_json(_Version, plain).format_version
    except (OSError, UnexpectedValueError) as error:
        raise name_damage(file, error) from error
    if version > FORMAT_VERSION:
        raise RunFolderError(
            f"The model in {directory} has format {version}; this program reads up to "
            f"{FORMAT_VERSION}.",
            slug="model-newer",
            hint="Update datacleanse: pip install -U datacleanse.",
        )
    found: dict[str, Any] = plain
    return found


def read_description(directory: Path) -> Model:
    """Read `model.json`, and see that its parts agree.

    Raises:
        RunFolderError: it is missing, damaged or of a later version.
    """
    plain = read_plain_description(directory)
    if plain.get("task") == REGRESSION:
        raise RunFolderError(
            f"The model in {directory} predicts numbers (--task regression), not classes.",
            slug="model-of-numbers",
            hint="Predict with it by `datacleanse predict RUN NEW`.",
        )
    try:
        return _read_model(plain, has_classes=True)
    except UnexpectedValueError as error:
        raise name_damage(directory / DESCRIPTION, error) from error


def read_number_description(directory: Path) -> NumberModel:
    """Read `model.json` of a model that predicts numbers, and see that its parts agree.

    Raises:
        RunFolderError: it is missing, damaged, of a later version, or of classes.
    """
    plain = read_plain_description(directory)
    try:
        from_json(_NumberTask, plain)
        network = _read_model(plain, has_classes=False)
        if isinstance(network, LooseModel):
            raise UnexpectedValueError("architecture.name is that of a dataset of the user's own")
        return NumberModel(network, from_json(NumberScale, plain.get("label"), "label"))
    except UnexpectedValueError as error:
        raise name_damage(directory / DESCRIPTION, error) from error


def _read_model(plain: dict[str, Any], *, has_classes: bool) -> Model:
    architecture = plain.get("architecture")
    name = from_json(_Architecture, architecture, "architecture").name
    if name == LOOSE:
        return LooseModel()
    schema = read_schema(plain.get("schema"), "schema", has_classes=has_classes)
    n_outputs = len(schema.classes) if has_classes else 1
    if name == RESIDUAL:
        shape = from_json(ResidualShape, architecture, "architecture")
        check_geometry(shape)
        _check_equal("architecture.n_classes", shape.n_classes, n_outputs)
        return ImageModel(shape, schema)
    encoding = from_json(Encoding, plain.get("encoding"), "encoding")
    _check_encoding(encoding, schema.columns)
    if name == OWN:
        factory = from_json(Factory, architecture, "architecture")
        probe = from_json(_Probe, plain).probe
        _check_equal("the length of probe", len(probe), 2)
        for number, logits in enumerate(probe):
            _check_equal(f"the length of probe[{number}]", len(logits), n_outputs)
        return OwnModel(factory, encoding, schema, probe)
    assert name == TABULAR
    found = from_json(TabularShape, architecture, "architecture")
    checked = _check_shape(found, encoding, n_outputs)
    return TableModel(checked, encoding, schema, _read_backbone(plain, schema))


def _read_backbone(plain: dict[str, Any], schema: Schema) -> Backbone | None:
    """The pretrained network below a model; None where there is none."""
    if plain.get("backbone") is None:
        return None
    backbone = from_json(Backbone, plain["backbone"], "backbone")
    check_side(backbone)
    if [column.name for column in schema.columns] != [FEATURES]:
        raise UnexpectedValueError("schema.columns are not the features of backbone")
    return backbone


def _check_shape(shape: TabularShape, encoding: Encoding, n_outputs: int) -> TabularShape:
    """The shape, which is that of a network for this encoding."""
    expected = make_tabular_shape(
        encoding,
        n_outputs,
        width=shape.width,
        n_hidden=shape.n_hidden,
        dropout=shape.dropout,
    )
    if shape != expected:
        found, wanted = shape.to_json(), expected.to_json()
        name = next(name for name, value in found.items() if value != wanted[name])
        raise UnexpectedValueError(
            f"architecture.{name} is not what encoding and schema.classes ask for"
        )
    return shape


def _check_equal(place: str, found: int, expected: int) -> None:
    if found != expected:
        raise UnexpectedValueError(f"{place} is {found:,}, where {expected:,} was expected")


def _check_encoding(encoding: Encoding, columns: Sequence[Column]) -> None:
    """See that an encoding is one of these columns.

    Raises:
        UnexpectedValueError: it has other features than they yield, or values in a wrong order.
    """
    coded = [column.name for column in columns if column.kind == "categorical"]
    embedded = 0 if encoding.text_model is None else encoding.text_model.width
    widths = {feature.column: feature.width + embedded for feature in encoding.texts}
    if list(widths) != [column.name for column in columns if column.kind == "text"]:
        raise UnexpectedValueError("encoding.texts is not of the columns that schema names")
    numbers = [
        (column.name, part)
        for column in columns
        if column.kind != "categorical"
        for part in _name_parts(column, widths.get(column.name, column.width))
    ]
    if [(feature.column, feature.part) for feature in encoding.numeric] != numbers:
        raise UnexpectedValueError("encoding.numeric is not of the columns that schema names")
    if [feature.column for feature in encoding.categorical] != coded:
        raise UnexpectedValueError("encoding.categorical is not of the columns that schema names")
    for number, feature in enumerate(encoding.numeric):
        if any(first >= second for first, second in pairwise(feature.edges)):
            raise UnexpectedValueError(f"encoding.numeric[{number}].edges do not increase")
    for number, coding in enumerate(encoding.categorical):
        check_unique(coding.categories, f"encoding.categorical[{number}].categories")
    for number, text in enumerate(encoding.texts):
        check_unique(text.words, f"encoding.texts[{number}].words")
        check_unique(text.grams, f"encoding.texts[{number}].grams")


def _name_parts(column: Column, width: int) -> list[str]:
    """The parts of the numbers that a column yields, ``width`` of a vector, in their order."""
    if column.kind == "datetime":
        return [part for part, _ in calendar_parts.split_moments(np.zeros(1, np.int64))]
    if column.kind in VECTORS:
        return [f"[{index}]" for index in range(width)]
    return [""]
