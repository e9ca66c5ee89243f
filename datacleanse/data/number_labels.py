"""Labels that are numbers: what each label of a file is worth, and which files have none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pyarrow as pa

from datacleanse.data.column_evidence import Doubt, Evidence
from datacleanse.data.columns import is_text, parse_number
from datacleanse.data.labels import (
    Labels,
    check_complete,
    learn_labels,
    match_labels,
    read_spellings,
)
from datacleanse.data.messages import format_count, format_list, format_rows, quote_value
from datacleanse.data.written_numbers import (
    SHARES,
    describe_numbers,
    find_number_convention,
    rewrite_numbers,
)
from datacleanse.errors import InputError
from datacleanse.records import Notice, NumberLabels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.data.interface import DecimalOption, LabelReading
    from datacleanse.data.labels import Spellings
    from datacleanse.records import Convention, Schema

LEAST_DISTINCT = 5
"""Distinct numbers below which labels look like classes."""

FEW_ROWS = 20
"""Rows below which few distinct numbers mean nothing."""

MOSTLY = 0.5
"""Share of rows without a number from which the column holds names."""


def learn_labels_for(
    reading: LabelReading, column: pa.ChunkedArray, *, name: str, source: str, are_names: bool
) -> Labels:
    """Read the labels of DATA: classes, or numbers where these are asked for.

    Args:
        reading: what a person says about them.
        column: the labels.
        name: of the column.
        source: how messages name DATA.
        are_names: see `learn_labels`.

    Raises:
        InputError: as `learn_labels` or `learn_numbers`.
    """
    if reading.task != "regression":
        return learn_labels(column, name=name, source=source, are_names=are_names)
    found = learn_numbers(column, name=name, source=source, decimal=reading.decimal)
    notices = () if found.convention is None else (_note_convention(found, name, source),)
    return Labels(found.codes, (), found.given, notices, found.numbers, found.convention)


def match_labels_like(
    column: pa.ChunkedArray, schema: Schema, *, name: str, source: str, role: str
) -> Labels | None:
    """Read the labels of another file as DATA's are read: by its classes, or as numbers.

    Args:
        column: the labels.
        schema: DATA's.
        name: of the column.
        source: how messages name the file.
        role: what they call it.

    Returns:
        None for NEW where labels are numbers: they may be missing, or anything.

    Raises:
        InputError: as `match_labels` or `read_numbers`.
    """
    if schema.classes:
        return match_labels(column, schema.classes, name=name, source=source, role=role)
    if role == "NEW":
        return None
    # What leaves it open how it is written is written as DATA is.
    known = schema.label_convention
    decimal = None if known is None else known.decimal
    found = read_numbers(column, name=name, source=f"{source} ({role})", decimal=decimal)
    return Labels(found.codes, (), found.given, (), found.numbers)


def _note_convention(found: NumberLabels, name: str, source: str) -> Notice:
    assert found.convention is not None
    message = (
        f"{source}: the labels in column '{name}' are read as "
        f"{describe_numbers(found.convention)}. Here they are written with a point."
    )
    return Notice("label-convention", message, column=name)


def learn_numbers(
    column: pa.ChunkedArray, *, name: str, source: str, decimal: DecimalOption | None = None
) -> NumberLabels:
    """Read the labels of DATA as numbers.

    Args:
        column: the labels.
        name: of the column.
        source: how messages name DATA.
        decimal: what begins decimals where the labels leave it open.

    Raises:
        InputError: a label is missing, no number or infinite, or there are too few distinct ones.
    """
    labels = read_numbers(column, name=name, source=source, decimal=decimal)
    distinct = np.unique(labels.numbers)
    if len(distinct) == 1:
        raise InputError(
            f"{source}: column '{name}' holds a single number, {labels.given[0]}, in all "
            f"{format_count(len(column), 'row')}.",
            slug="label-one-number",
            hint="Name the right column with --label.",
        )
    if len(distinct) < LEAST_DISTINCT and len(column) >= FEW_ROWS:
        raise InputError(
            f"{source}: column '{name}' holds {len(distinct)} distinct numbers, "
            f"{format_list([f'{number:g}' for number in distinct])}, in "
            f"{format_count(len(column), 'row')}: they look like classes.",
            slug="label-few-numbers",
            hint="Leave out --task regression to audit them as classes.",
        )
    return labels


def read_numbers(
    column: pa.ChunkedArray, *, name: str, source: str, decimal: DecimalOption | None
) -> NumberLabels:
    """Read the labels of any file as numbers; arguments as for `learn_numbers`.

    Raises:
        InputError: a label is missing, no number, or infinite; or it is not plain how they are
            written.
    """
    spellings = read_spellings(column, name=name, source=source)
    check_complete(spellings.codes, name=name, source=source)
    used = np.unique(spellings.codes)
    spellings, convention = _write_plainly(column, spellings, used, decimal, f"{source}: {name}")
    is_word = not is_text(column.type) and "bool" in str(column.type)
    found = [None if is_word else parse_number(spellings.found[code]) for code in used]
    texts = [code for code, number in zip(used, found, strict=True) if number is None]
    if texts:
        _refuse_texts(spellings.codes, spellings.found, texts, name=name, source=source)
    numbers = np.array(found, dtype=np.float64)
    # Text such as "nan" is no missing cell where other texts count as missing.
    odd = used[~np.isfinite(numbers)]
    if len(odd):
        rows = np.flatnonzero(np.isin(spellings.codes, odd))
        raise InputError(
            f"{source}: column '{name}' holds {quote_value(spellings.found[odd[0]])}, which is no "
            f"finite number, in {_tell_rows(rows)}.",
            slug="label-infinite",
            hint="Correct or remove these rows.",
        )
    distinct, first, place = np.unique(numbers, return_index=True, return_inverse=True)
    codes = place[np.searchsorted(used, spellings.codes)]
    given = tuple(spellings.found[used[at]] for at in first)
    return NumberLabels(codes.astype(np.int64), given, distinct, convention)


def _write_plainly(
    column: pa.ChunkedArray,
    spellings: Spellings,
    used: NDArray[np.int32],
    decimal: DecimalOption | None,
    place: str,
) -> tuple[Spellings, Convention | None]:
    """The spellings as programs write numbers, and how the file writes them where it does not so.

    Args:
        column: the labels.
        spellings: of them.
        used: (U,) codes that rows have.
        decimal: see `learn_numbers`.
        place: source and column, for messages.

    Raises:
        InputError: the labels leave open what begins decimals, or each means a share.
    """
    if not is_text(column.type):
        return spellings, None
    counts = np.bincount(spellings.codes, minlength=len(spellings.found))[used]
    texts = pa.array([spellings.found[code] for code in used], pa.string())
    convention = find_number_convention(Evidence(texts, counts), decimal)
    if convention is None:
        return spellings, None
    if isinstance(convention, Doubt) or convention.unit in SHARES:
        what = convention.what if isinstance(convention, Doubt) else f"shares such as {texts[0]}"
        raise InputError(
            f"{place} holds {what}.",
            slug="label-convention",
            hint=convention.cure if isinstance(convention, Doubt) else "Write plain numbers.",
        )
    found = list(spellings.found)
    for code, text in zip(used, rewrite_numbers(texts, convention).to_pylist(), strict=True):
        found[code] = text
    return replace(spellings, found=tuple(found)), convention


def spell_as_written(label: str, convention: Convention | None) -> str:
    """A number as a file of that convention writes it, without signs between thousands."""
    if convention is None or convention.decimal != ",":
        return label
    return label.replace(".", ",")


def _refuse_texts(
    codes: NDArray[np.int32],
    found: tuple[str, ...],
    texts: list[int],
    *,
    name: str,
    source: str,
) -> NoReturn:
    """Refuse a column in which some labels are no numbers."""
    rows = np.flatnonzero(np.isin(codes, texts))
    examples = format_list([quote_value(found[code]) for code in texts[:3]])
    if len(rows) > MOSTLY * len(codes):
        raise InputError(
            f"{source}: column '{name}' holds names, not numbers, e.g. {examples}.",
            slug="label-not-a-number",
            hint="Leave out --task regression to audit classes, or name the column of numbers "
            "with --label.",
        )
    raise InputError(
        f"{source}: column '{name}' holds text where --task regression needs numbers: {examples} "
        f"in {_tell_rows(rows)}.",
        slug="label-not-a-number",
        hint="Correct or remove these rows.",
    )


def _tell_rows(rows: NDArray[np.int64]) -> str:
    said = format_rows([int(row) for row in rows[:5]], total=len(rows))
    return f"{format_count(len(rows), 'row')}: {said}"


def count_decimals(numbers: NDArray[np.float64]) -> int | None:
    """Decimals that nearly all numbers of a column have at most; None: more than any keeps to.

    Args:
        numbers: (N,) finite.
    """
    for decimals in range(MOST_DECIMALS + 1):
        if np.mean(is_on_grid(numbers, decimals)) > ON_GRID:
            return decimals
    return None


MOST_DECIMALS = 6
"""Decimals that a column may have and still keep to them."""

ON_GRID = 0.95
"""Share of numbers with so many decimals at most that make them the column's."""


def is_on_grid(numbers: NDArray[np.float64], decimals: int) -> NDArray[np.bool_]:
    """(N,) whether a number has so many decimals at most."""
    result: NDArray[np.bool_] = np.abs(np.round(numbers, decimals) - numbers) <= 1e-9 * np.maximum(
        1.0, np.abs(numbers)
    )
    return result


def spell_fully(number: float, decimals: int | None) -> str:
    """Spell a number so that it is read as the same again, with the column's decimals at least."""
    if decimals is not None and round(number, decimals) == number:
        return spell_number(number, decimals)
    return repr(number).removesuffix(".0")


def spell_number(number: float, decimals: int | None, *, digits: int = 6) -> str:
    """Spell a number as the column does: with its decimals, else so many significant digits."""
    if decimals is None:
        return f"{number:.{digits}g}"
    rounded = round(number, decimals)
    text = f"{rounded:.{decimals}f}"
    return text.lstrip("-") if math.isclose(rounded, 0.0, abs_tol=0.0) else text


QUARTILES = 1.349
"""Quartile distance of the standard normal distribution."""


def measure_scale(numbers: NDArray[np.float64]) -> tuple[float, float]:
    """Median, and the quartile distance as a standard deviation; where that is 0, the deviation.

    Args:
        numbers: (N,) not all equal.
    """
    low, centre, high = np.quantile(numbers, (0.25, 0.5, 0.75))
    scale = (high - low) / QUARTILES
    return float(centre), float(scale if scale > 0 else numbers.std())


GROUPS = 10
"""Groups of like numbers, which stand for classes where only these will do."""


def group_by_size(
    numbers: NDArray[np.int64] | NDArray[np.float64],
    others: NDArray[np.float64] | None = None,
) -> NDArray[np.int64]:
    """The group of each number among `GROUPS` of as many rows each, in ascending order.

    Args:
        numbers: (N,) of all rows, or their codes, which ascend with them.
        others: (K,) of which the groups are asked for; None: of ``numbers`` themselves.
    """
    edges = np.quantile(numbers, np.linspace(0, 1, GROUPS + 1)[1:-1])
    found: NDArray[np.int64] = np.searchsorted(edges, numbers if others is None else others)
    return found
