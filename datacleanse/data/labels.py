"""The labels of a table: what its classes are, and the same classes in other files."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pyarrow as pa

from datacleanse.data.columns import find_distinct, is_bytes, is_text, normalise_text, spell_values
from datacleanse.data.look_alikes import find_look_alike, note_look_alikes, spell_apart
from datacleanse.data.messages import (
    LISTED,
    find_nearest,
    format_count,
    format_list,
    format_rows,
    quote_value,
)
from datacleanse.errors import InputError
from datacleanse.records import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.records import Convention

_FLAGS = frozenset({"true", "false"})
_MANY_CLASSES = 1000
_MANY_NUMBERS = 50
"""Labels, all of them numbers, from which on they look like a quantity."""
_MIDNIGHT = " 00:00:00"
_FRACTION = re.compile(r"\.(\d+)")


@dataclass(frozen=True)
class Spellings:
    """A label column before its classes are numbered.

    Attributes:
        codes: (N,) index into the two lists, -1 where the label is missing.
        found: how each distinct value stands in the file.
        keys: under which spelling it agrees with other files.
    """

    codes: NDArray[np.int32]
    found: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Labels:
    """A label column with its classes numbered, as in `datacleanse.records.Dataset`."""

    codes: NDArray[np.int64]
    classes: tuple[str, ...]
    given: tuple[str, ...]
    notices: tuple[Notice, ...]
    numbers: NDArray[np.float64] | None = None
    convention: Convention | None = None
    """How numbers are written; None: as programs write them."""


def learn_labels(column: pa.ChunkedArray, *, name: str, source: str, are_names: bool) -> Labels:
    """Number the classes of DATA.

    Args:
        column: the labels.
        name: of the column.
        source: how messages name DATA.
        are_names: text in the column is names, such as of folders, even where it looks like
            numbers: ``1.0`` and ``1`` are two classes, and ``0.5`` is one. Elsewhere ``1.0`` and
            ``1`` are one class where all labels are numbers; beside a word they are names, too.

    Raises:
        InputError: a label is missing, there is one class only, or the values are no classes.
    """
    spellings = read_spellings(column, name=name, source=source)
    are_numbers = all(_parse_number(text) is not None for text in spellings.found)
    if is_text(column.type) and (are_names or not are_numbers):
        spellings = replace(spellings, keys=spellings.found)
    elif are_numbers:
        _check_whole(spellings, name=name, source=source)
    check_complete(spellings.codes, name=name, source=source)
    _check_classes(spellings, name=name, source=source)
    classes = _sort_classes(_find_class_names(spellings))
    if len(classes) == 1:
        raise InputError(
            f"{source}: column '{name}' holds a single class, {quote_value(classes[0])}, in all "
            f"{format_count(len(column), 'row')}.",
            slug="label-one-class",
            hint="Name the right column with --label, or give rows of at least two classes.",
        )
    codes, given = _number_labels(spellings, classes)
    counts = np.bincount(codes, minlength=len(classes)).tolist()
    notices = [
        *(_note_numbers(classes, name, source) if are_numbers and not are_names else ()),
        *_note_rare_classes(counts, classes, source),
        *_note_merged(spellings, codes, source),
        *note_look_alikes(dict(zip(given, counts, strict=True)), source),
    ]
    return Labels(codes, classes, given, tuple(notices))


def match_labels(
    column: pa.ChunkedArray, classes: tuple[str, ...], *, name: str, source: str, role: str
) -> Labels:
    """Number the labels of another file by DATA's classes; NEW may lack or invent labels.

    Raises:
        InputError: a label is missing or unknown to DATA.
    """
    spellings = read_spellings(column, name=name, source=source)
    codes, given = _number_labels(spellings, classes)
    if role != "NEW":
        check_complete(spellings.codes, name=name, source=source)
        unknown = spellings.codes[codes < 0]
        if len(unknown):
            at = int(unknown.min())
            rows = np.flatnonzero(spellings.codes == at)
            found = spellings.found[at]
            _refuse_unknown(found, rows, classes, name=name, source=source, role=role)
    return Labels(codes, classes, given, ())


def read_spellings(column: pa.ChunkedArray, *, name: str, source: str) -> Spellings:
    """Read the distinct labels of a column, and which of them each row has.

    Raises:
        InputError: the column's type holds no labels.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind) or is_bytes(kind):
        raise InputError(
            f"{source}: column '{name}' holds {kind}, which is no label.",
            slug="label-type",
            hint="Name a column of text, whole numbers or booleans with --label.",
        )
    if pa.types.is_null(kind):
        return Spellings(np.full(len(column), -1, np.int32), (), ())
    values = find_distinct(column)
    found = _spell_labels(values.values)
    is_missing = np.array([_is_missing(text, kind) for text in found] + [True])
    codes = np.where(is_missing[values.codes], np.int32(-1), values.codes)
    keys = tuple(_normalise_label(text) for text in found)
    return Spellings(codes, tuple(found), keys)


def _spell_labels(values: pa.Array) -> list[str]:
    """The names that people see: days without a clock where it says midnight throughout."""
    found = spell_values(values)
    if not pa.types.is_timestamp(values.type):
        return found
    # Zeros at the end of a fraction say no more than how it is stored.
    found = [
        _FRACTION.sub(lambda digits: f".{digits[1]}".rstrip("0").rstrip("."), text)
        for text in found
    ]
    is_day = all(text.endswith(_MIDNIGHT) for text in found)
    return [text.removesuffix(_MIDNIGHT) for text in found] if is_day else found


def _is_missing(text: str, kind: pa.DataType) -> bool:
    return not text if is_text(kind) else text in ("nan", "NaT")


def _normalise_label(text: str) -> str:
    """Only numbers are respelled here: a class named ``true`` among others stays as it is."""
    return text if text.casefold() in _FLAGS else normalise_text(text)


def _make_key(text: str, classes: Sequence[str]) -> str:
    """Booleans agree in any case, but only where DATA's classes are just the two of them."""
    if all(known.casefold() in _FLAGS for known in classes):
        return text.casefold()
    return text


def _find_class_names(spellings: Spellings) -> list[str]:
    """Distinct names; ``True`` and ``true`` are one where there is nothing but booleans."""
    used = [spellings.keys[code] for code in np.unique(spellings.codes[spellings.codes >= 0])]
    if not all(text.casefold() in _FLAGS for text in used):
        return list(dict.fromkeys(used))
    return list({text.casefold(): text for text in reversed(used)}.values())


def _sort_classes(names: list[str]) -> tuple[str, ...]:
    try:
        return tuple(sorted(names, key=lambda text: (int(text), text)))
    except ValueError:
        return tuple(sorted(names))


def _number_labels(
    spellings: Spellings, classes: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    find = ClassFinder(classes)
    given = list(classes)
    class_of = np.full(len(spellings.found) + 1, -1, np.int64)
    for at in reversed(range(len(spellings.found))):
        code = find(spellings.found[at], spellings.keys[at])
        if code is not None:
            class_of[at] = code
            given[code] = spellings.found[at]
    return class_of[spellings.codes], tuple(given)


class ClassFinder:
    """Finds the class that a name is of: the one called so, else the only one spelled alike."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = classes
        self._exact = {text: code for code, text in enumerate(classes)}
        self._alike: dict[str, int | None] = {}
        for code, text in enumerate(classes):
            key = _make_key(_normalise_label(text), classes)
            self._alike[key] = None if key in self._alike else code

    def __call__(self, found: str, key: str | None = None) -> int | None:
        """The number of the class, None where there is none or more than one is alike.

        Args:
            found: the name as it stands.
            key: the spelling under which files agree, where it is known.
        """
        exact = self._exact.get(found)
        if exact is not None:
            return exact
        key = _normalise_label(found) if key is None else key
        return self._alike.get(_make_key(key, self._classes))


def check_complete(codes: NDArray[np.int32], *, name: str, source: str) -> None:
    """See that each row has a label, a code of 0 or more.

    Raises:
        InputError: one has none.
    """
    rows = np.flatnonzero(codes < 0)
    if len(rows):
        raise InputError(
            f"{source}: the label (column '{name}') is missing in "
            f"{format_count(len(rows), 'row')}: "
            f"{format_rows([int(row) for row in rows[:5]], total=len(rows))}.",
            slug="label-missing",
            hint="Fill in or remove these rows. In a CSV, empty cells count as missing, and so do "
            'texts such as NA, null or None; if one is the name of a class, write "NA" in quotes. '
            "In files of Hugging Face, -1 does.",
        )


def _check_whole(spellings: Spellings, *, name: str, source: str) -> None:
    for at, text in enumerate(spellings.found):
        number = _parse_number(text)
        if number is not None and not number.is_integer() and not math.isnan(number):
            row = int(np.argmax(spellings.codes == at))
            raise InputError(
                f"{source}: column '{name}' looks like a number to predict, not a class: "
                f"{text[:60]} in "
                f"{format_rows([row])}, {format_count(len(spellings.found), 'distinct value')}.",
                slug="label-not-a-class",
                hint="To audit numbers, add --task regression; else name the label column with "
                "--label, or write classes as words.",
            )


def _parse_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_classes(spellings: Spellings, *, name: str, source: str) -> None:
    classes, rows = len(set(spellings.keys)), len(spellings.codes)
    too_many = classes > _MANY_CLASSES and classes > 0.5 * rows
    if too_many or (rows >= 20 and classes > 0.95 * rows):
        raise InputError(
            f"{source}: column '{name}' looks like an id or a number to predict, not a class: "
            f"{classes:,} distinct values in {rows:,} rows, for example "
            f"{format_list([quote_value(text) for text in spellings.found[:3]])}.",
            slug="label-not-a-class",
            hint="Name the label column with --label, or add --task regression if it holds numbers "
            "to predict.",
        )


def _note_numbers(classes: tuple[str, ...], name: str, source: str) -> list[Notice]:
    """Warn of labels that look like a number to predict; numbered classes are rarely so many."""
    if len(classes) < _MANY_NUMBERS:
        return []
    message = (
        f"{source}: column '{name}' looks like a number to predict: it holds {len(classes)} "
        f"distinct numbers, e.g. {format_list([quote_value(each) for each in classes[:3]])}. "
        "Each is taken for a class of its own; --task regression audits them as numbers, --label "
        "names another column."
    )
    return [Notice("label-many-numbers", message, is_warning=True, column=name, option="--label")]


def _note_rare_classes(
    counts: Sequence[int], classes: tuple[str, ...], source: str
) -> list[Notice]:
    single = [text for text, count in zip(classes, counts, strict=True) if count == 1]
    if not single:
        return []
    verb = "has" if len(single) == 1 else "have"
    message = (
        f"{_format_classes(single)} {verb} a single row in {source}; no other row can tell whether "
        "that label is right."
    )
    return [Notice("class-single-row", message, is_warning=True)]


def _note_merged(spellings: Spellings, codes: NDArray[np.int64], source: str) -> list[Notice]:
    """Tell of classes that DATA spells in several ways, with the rows of each spelling."""
    rows = np.bincount(spellings.codes, minlength=len(spellings.found)).tolist()
    spelled: dict[int, list[int]] = {}
    used, first = np.unique(spellings.codes, return_index=True)
    for at, code in zip(used.tolist(), codes[first].tolist(), strict=True):
        spelled.setdefault(code, []).append(at)
    merged = {code: places for code, places in spelled.items() if len(places) > 1}
    if not merged:
        return []
    kinds = [
        format_list(
            [f"{quote_value(spellings.found[at])} ({format_count(rows[at], 'row')})" for at in each]
        )
        for each in list(merged.values())[:LISTED]
    ]
    more = f"; and {len(merged) - LISTED} more such classes" if len(merged) > LISTED else ""
    message = (
        f"Labels of {source} are the same class in several spellings: {'; '.join(kinds)}{more}. "
        "They are read as numbers or truth values, since all labels are. If they are different "
        "classes, write their names as words, such as 'v1.0'."
    )
    return [Notice("labels-merged", message)]


def _format_classes(names: Sequence[str]) -> str:
    noun = "Class" if len(names) == 1 else "Classes"
    return f"{noun} {format_list([quote_value(name) for name in names])}"


def _refuse_unknown(
    found: str,
    rows: NDArray[np.int64],
    classes: tuple[str, ...],
    *,
    name: str,
    source: str,
    role: str,
) -> NoReturn:
    known = find_look_alike(found, classes)
    spelling = quote_value(found)
    if known is not None:
        spelling, wanted = spell_apart([found, known])
        cure = f"DATA spells it {wanted}; write it the same way."
    else:
        close = find_nearest(found, classes)
        cure = f"Did you mean {quote_value(close)}? " if close is not None else ""
        cure += f"DATA's classes are {format_list([quote_value(text) for text in classes])}."
    raise InputError(
        f"{source}: the label {spelling} of {role} is unknown to DATA: column '{name}', "
        f"{format_rows([int(row) for row in rows[:5]], total=len(rows))}.",
        slug="label-unknown",
        hint=cure,
    )
