"""An encoding from `model.json`, held against the columns that it is of."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.models import calendar_parts
from datacleanse.models.encoding import VECTORS
from datacleanse.storage.schema_checks import check_unique
from datacleanse.storage.typed_json import UnexpectedValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.models.encoding import Encoding
    from datacleanse.records import Column


def check_encoding(encoding: Encoding, columns: Sequence[Column]) -> None:
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
