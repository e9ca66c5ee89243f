"""A column of a table as numbers, categories or moments, whatever type the file gave it.

Everything works on the distinct values of text and dictionary columns, so that the cost of parsing
grows with them and not with the rows.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MISSING_TEXTS = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"}
    | {"<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
)
"""Texts that stand for a missing value in features: those of pandas, in every format."""
NO_MOMENT = np.iinfo(np.int64).min
"""Stands for a missing date/time (pandas' NaT)."""

_INTEGRAL = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0*)?")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:.*)?")
_TIME_OF_DAY = re.compile(
    r"(?P<hour>[01]?\d|2[0-3]):(?P<rest>[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?)|24:00(?::00)?", re.ASCII
)
"""Of 24 hours; the last one ends the day."""
_PLAIN_NUMBER = r"^-?[0-9]{1,300}(?:\.[0-9]+)?(?:e-[23])?$"
"""Texts that Arrow reads as `float` does, in a twentieth of the time."""
A_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""Arrow's units of time in a second."""


@dataclass(frozen=True)
class Distinct:
    """A column by its distinct values.

    Attributes:
        codes: (N,) int32 index into ``values``, -1 where the cell is null.
        values: (V,) the distinct values that occur, in order of first appearance or dictionary.
    """

    codes: NDArray[np.int32]
    values: pa.Array

    def count_rows(self) -> NDArray[np.int64]:
        """Number of rows with each value, (V,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def spread(self, per_value: NDArray[np.float64], *, missing: float) -> NDArray[np.float64]:
        """The number of each row's value, (N,); ``missing`` where the cell is null."""
        return np.append(per_value, missing)[self.codes]


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are text (dictionaries of text too)."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_numeric(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are numbers or lengths of time, not booleans."""
    types = pa.types
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_duration(kind)
    )


def is_list(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are lists."""
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are bytes (dictionaries of bytes too)."""
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )


def is_vector(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are lists of numbers (empty lists have no number type)."""
    return is_list(kind) and (
        pa.types.is_integer(kind.value_type)
        or pa.types.is_floating(kind.value_type)
        or pa.types.is_decimal(kind.value_type)
    )


def find_distinct(column: pa.ChunkedArray) -> Distinct:
    """Number the values of a column; nulls get -1."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    if column.num_chunks == 0:
        return Distinct(np.empty(0, np.int32), pa.array([], column.type.value_type))
    values = column.chunk(0).dictionary
    codes = np.concatenate([_read_indices(chunk) for chunk in column.chunks])
    if values.null_count or len(values.unique()) < len(values):
        # Dictionaries from elsewhere may hold null or the same value twice.
        encoded = values.dictionary_encode()
        codes = np.append(_read_indices(encoded), np.int32(-1))[codes]
        values = encoded.dictionary
    return _keep_used(codes, values)


def _read_indices(chunk: pa.DictionaryArray) -> NDArray[np.int32]:
    indices = pc.fill_null(chunk.indices.cast(pa.int32()), -1)
    result: NDArray[np.int32] = indices.to_numpy(zero_copy_only=False)
    return result


def _keep_used(codes: NDArray[np.int32], values: pa.Array) -> Distinct:
    used = np.bincount(codes[codes >= 0], minlength=len(values)) > 0
    if used.all():
        return Distinct(codes, values)
    renumbered = np.append(np.cumsum(used, dtype=np.int32) - np.int32(1), np.int32(-1))
    return Distinct(renumbered[codes], values.filter(pa.array(used)))


def spell_values(values: pa.Array) -> list[str]:
    """The text of scalar values; ``True``/``False``, ``1`` and ``1.0`` as in Python."""
    if is_text(values.type):
        return [str(value) for value in values.to_pylist()]
    kind = values.type
    if is_bytes(kind):
        return [str(value) for value in values.to_pylist()]
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if pa.types.is_float32(kind) or pa.types.is_float16(kind):
            # The shortest text of the narrow type: 0.1, not 0.10000000149011612.
            return [str(value) for value in values.to_numpy(zero_copy_only=False)]
        return [str(value) for value in values.to_pylist()]
    return [str(value) for value in values.cast(pa.string()).to_pylist()]


def normalise_text(text: str) -> str:
    """The spelling under which files agree: ``1.0`` -> ``1``, ``True`` -> ``true``."""
    integral = _INTEGRAL.fullmatch(text)
    if integral is not None:
        return "0" if integral[1] == "-0" else integral[1]
    folded = text.casefold()
    return folded if folded in ("true", "false") else text


def parse_number(text: str) -> float | None:
    """The number that a text stands for, NaN for a missing value, None if it is none."""
    stripped = text.strip()
    if stripped in MISSING_TEXTS:
        return math.nan
    if "_" in stripped or not stripped.isascii():
        return None
    try:
        return float(stripped)
    except ValueError:
        return None


def parse_flag(text: str) -> float | None:
    """1 for true and 0 for false, in any case; else the number that the text stands for."""
    return {"true": 1.0, "false": 0.0}.get(text.strip().casefold(), parse_number(text))


@dataclass(frozen=True)
class Parsed:
    """A column read as a kind, and where that failed.

    Attributes:
        values: (N,) float64 with NaN for missing, or int64 with ``NO_MOMENT``.
        failed: (N,) True where a value is there that cannot be read as the kind.
    """

    values: NDArray[np.float64] | NDArray[np.int64]
    failed: NDArray[np.bool_]

    def read_floats(self) -> NDArray[np.float64]:
        """The values as float64, where they are numbers."""
        return self.values.astype(np.float64, copy=False)

    def find_missing(self) -> NDArray[np.bool_]:
        """Whether no value was read in each row, (N,); failed ones are included."""
        is_moment = self.values.dtype.kind == "i"
        absent: NDArray[np.bool_] = self.values == NO_MOMENT if is_moment else np.isnan(self.values)
        return absent


def parse_numbers(column: pa.ChunkedArray, *, flags: bool = False) -> Parsed:
    """Read scalar cells as numbers (durations in seconds); ``flags`` reads true/false too."""
    kind = column.type
    nothing = np.zeros(len(column), dtype=bool)
    if is_text(kind):
        return _parse_texts(column, flags=flags)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_duration(kind):
        return Parsed(_read_floats(column.cast(pa.int64())) / A_SECOND[kind.unit], nothing)
    if pa.types.is_boolean(kind):
        return Parsed(_read_floats(column.cast(pa.uint8())), nothing)
    if is_numeric(kind) or pa.types.is_null(kind):
        return Parsed(_read_floats(column), nothing)
    failed = ~_read_flags(column.is_null())
    return Parsed(np.full(len(column), np.nan), failed)


def _parse_texts(column: pa.ChunkedArray, *, flags: bool) -> Parsed:
    parse = parse_flag if flags else parse_number
    found = find_distinct(column)
    if pc.all(pc.match_substring_regex(found.values, _PLAIN_NUMBER)).as_py():
        plain = found.values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return Parsed(found.spread(plain, missing=np.nan), np.zeros(len(column), dtype=bool))
    numbers = [parse(text) for text in found.values.to_pylist()]
    failed = np.array([number is None for number in numbers] + [False])
    values = np.array([math.nan if number is None else number for number in numbers], np.float64)
    return Parsed(found.spread(values, missing=np.nan), failed[found.codes])


def _read_floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    # Not safe: integers beyond 2^53 lose digits, which no feature needs.
    floats = column.cast(pa.float64(), safe=False)
    result = np.empty(len(column), np.float64)
    start = 0
    for chunk in floats.chunks:
        result[start : start + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
        start += len(chunk)
    return result


def _read_flags(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    flags: NDArray[np.bool_] = column.to_numpy()
    return flags


def parse_moments(column: pa.ChunkedArray) -> Parsed:
    """Read cells as microseconds since 1970-01-01 UTC; times of day lie on that day."""
    kind = column.type
    nothing = np.zeros(len(column), dtype=bool)
    if is_text(kind):
        return _parse_moment_texts(column)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_time(kind):
        column = column.cast(pa.time64("us"), safe=False).cast(pa.int64())
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        zone = kind.tz if pa.types.is_timestamp(kind) else None
        column = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    else:
        failed = ~_read_flags(column.is_null())
        return Parsed(np.full(len(column), NO_MOMENT), failed)
    return Parsed(pc.fill_null(column, NO_MOMENT).to_numpy().astype(np.int64), nothing)


def _parse_moment_texts(column: pa.ChunkedArray) -> Parsed:
    import pandas as pd

    found = find_distinct(column)
    spellings = [_add_day(str(text).strip()) for text in found.values.to_pylist()]
    is_date = np.array([_ISO_DATE.fullmatch(text) is not None for text in spellings], dtype=bool)
    candidates = [text if ok else None for text, ok in zip(spellings, is_date, strict=True)]
    stamps = pd.to_datetime(
        pd.Series(candidates, dtype=object), format="ISO8601", errors="coerce", utc=True
    )
    moments = stamps.dt.as_unit("us").astype("int64").to_numpy()
    missing = np.array([text in MISSING_TEXTS for text in spellings], dtype=bool)
    failed = (moments == NO_MOMENT) & ~missing
    return Parsed(np.append(moments, NO_MOMENT)[found.codes], np.append(failed, False)[found.codes])


def _add_day(text: str) -> str:
    """A time of day as a moment of 1970-01-01; other text as it is."""
    found = _TIME_OF_DAY.fullmatch(text)
    if found is None:
        return text
    if found["hour"] is None:
        return "1970-01-02"
    return f"1970-01-01T{found['hour']:0>2}:{found['rest'].replace(',', '.')}"


def parse_categories(
    column: pa.ChunkedArray, missing: frozenset[str] = MISSING_TEXTS
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Codes (N,) int32 into the sorted distinct normalised texts; -1 where missing.

    Args:
        column: the cells; what is null, empty or NaN is missing.
        missing: further texts that are.
    """
    if pa.types.is_null(column.type):
        return np.full(len(column), -1, np.int32), ()
    if is_list(column.type) or pa.types.is_nested(column.type):
        texts = [None if cell is None else str(cell) for cell in column.to_pylist()]
        column = pa.chunked_array([pa.array(texts, pa.string())])
    found = find_distinct(column)
    spellings = [normalise_text(text) for text in spell_values(found.values)]
    absent = {"", *missing, *map(normalise_text, missing)}
    if pa.types.is_floating(found.values.type):
        absent.add("nan")
    names = sorted({text for text in spellings if text not in absent})
    index = {name: code for code, name in enumerate(names)}
    recoded = np.array([index.get(text, -1) for text in spellings] + [-1], np.int32)
    return recoded[found.codes], tuple(names)


def measure_vectors(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """The length of each list, (N,); -1 where the cell is null."""
    lengths = pc.fill_null(pc.list_value_length(column).cast(pa.int64()), -1)
    result: NDArray[np.int64] = lengths.to_numpy().astype(np.int64)
    return result


def parse_vectors(column: pa.ChunkedArray, *, width: int) -> NDArray[np.float64]:
    """Read lists of numbers, (N, width); a null cell is NaN throughout, text is read as JSON."""
    if is_text(column.type):
        column = parse_vector_texts(column)
    result = np.full((len(column), width), np.nan)
    start = 0
    for chunk in column.chunks if is_list(column.type) else ():
        rows = np.flatnonzero(chunk.is_valid().to_numpy(zero_copy_only=False)) + start
        flat = chunk.drop_null().flatten().cast(pa.float64(), safe=False)
        result[rows] = flat.to_numpy(zero_copy_only=False).reshape(-1, width)
        start += len(chunk)
    return result


def parse_vector_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of numbers from their JSON text (how a CSV holds them); other text becomes null."""
    return pa.chunked_array(
        [pa.array(map(_parse_vector, column.to_pylist()), pa.list_(pa.float64()))]
    )


def _parse_vector(text: str | None) -> Sequence[float | None] | None:
    try:
        vector = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(vector, list):
        return None
    if not all(item is None or isinstance(item, int | float) for item in vector):
        return None
    return vector
