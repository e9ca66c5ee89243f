"""Labels that a row may get: classes by their names, or any number, spelled as DATA spells it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Container
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from datacleanse.data.columns import parse_number
from datacleanse.data.labels import ClassFinder
from datacleanse.data.messages import quote_value
from datacleanse.data.number_labels import spell_fully
from datacleanse.storage.manifest.numbers import NumberDataSection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.records import Dataset
    from datacleanse.storage.manifest.numbers import AnyManifest

LONGEST = 60
"""Characters of a text that is taken for a number."""


@dataclass(frozen=True)
class AnyNumber(Container[str]):
    """Every number that a label column can hold; texts that stand for one are in it."""

    decimals: int | None = None
    """Decimals that DATA's labels keep to, with which numbers are spelled; None: they keep to
    none."""
    is_whole: bool = False
    """Whether the column is of a type that holds whole numbers alone."""

    def __contains__(self, label: object) -> bool:
        number = read_number(label) if isinstance(label, str) else None
        return number is not None and (number.is_integer() or not self.is_whole)

    def spell(self, label: str) -> str:
        """The number as DATA spells it; what is no number stays as it is."""
        number = read_number(label)
        return label if number is None else spell_fully(number, self.decimals)


def read_number(text: str) -> float | None:
    """The finite number that a text stands for; None: it stands for none."""
    number = parse_number(text) if len(text) <= LONGEST else None
    return number if number is not None and math.isfinite(number) else None


def choose_numbers(label_type: str | None, decimals: int | None) -> AnyNumber:
    """Choose the numbers that a column can hold.

    Args:
        label_type: Arrow's name of its type; None: text without a type.
        decimals: that its labels keep to; None: they keep to none.
    """
    return AnyNumber(decimals, (label_type or "").startswith(("int", "uint")))


def find_labels(manifest: AnyManifest) -> Collection[str] | AnyNumber:
    """The labels that a row of a finished run may get."""
    if manifest.classes is not None:
        return tuple(manifest.classes)
    data = manifest.data
    assert isinstance(data, NumberDataSection)
    return choose_numbers(data.label_type, data.decimals)


def say_unknown(label: str, labels: Container[str]) -> str:
    """That a label is none of those that may be given, as a clause."""
    if not isinstance(labels, AnyNumber):
        return f"the data has no class {quote_value(label)}"
    if labels.is_whole and read_number(label) is not None:
        return f"{quote_value(label)} is no whole number, and the column holds whole numbers alone"
    return f"{quote_value(label)} is no number"


Label = TypeVar("Label", str, str | None)


def spell_among(label: Label, labels: Container[str] | None) -> Label:
    """The label as DATA spells it: a number with its decimals, a class as it is."""
    if label is None or not isinstance(labels, AnyNumber):
        return label
    return labels.spell(label)


def is_one_label(label: str, other: str, labels: Container[str]) -> bool:
    """Whether two texts are the same label: one text, or one number however it is spelled.

    Args:
        label: one.
        other: the other.
        labels: those that may be given.
    """
    return label == other or (isinstance(labels, AnyNumber) and is_one_number(label, other))


def is_one_number(label: str, other: str) -> bool:
    """Whether two texts stand for the same number, however they are spelled."""
    if label == other:
        return True
    number = read_number(label)
    return number is not None and number == read_number(other)


class NumberFinder:
    """Finds the code of a number among those of a data set."""

    def __init__(self, numbers: NDArray[np.float64]) -> None:
        self._codes = {number: code for code, number in enumerate(numbers.tolist())}

    def __call__(self, found: str) -> int | None:
        """The code of the number that a text stands for; None where there is none."""
        number = read_number(found)
        return None if number is None else self._codes.get(number)


def make_label_finder(data: Dataset) -> Callable[[str], int | None]:
    """Make what finds the code of a label of a data set by a text; None: it has none."""
    return ClassFinder(data.given_labels) if data.numbers is None else NumberFinder(data.numbers)
