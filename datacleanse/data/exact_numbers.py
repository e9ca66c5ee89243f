"""Numbers without rounding: which spellings mean the same one, whatever type they were read as."""

from __future__ import annotations

import decimal
import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.columns import (
    A_SECOND,
    find_distinct,
    is_text,
    parse_flag,
    parse_number,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE = 15
"""Signs up to which a text and its float tell the same numbers apart: so many digits survive."""
_FULL, _MOST = 17, 800
"""Digits from which on a rounded float is told from all others, and that a float can have."""
_TINY = 1e-300
"""Floats nearer to 0 have fewer digits."""
_WHOLE_LIMIT = 2**63
"""Whole numbers below it are told apart as int64."""
_EXACT = 2.0**53
"""Floats from which on not every whole number is one."""
_WHOLE_SALT = np.uint64(0xD1B54A32D192ED03)
"""Keeps whole numbers apart from the bits of floats."""


def is_float_of(number: decimal.Decimal, value: float) -> bool:
    """Whether a number is a spelling of its nearest float: none of its digits is lost.

    Spellings are the float's shortest text and its value rounded to 17 digits or more, so that a
    number read as a float and the same read as text agree, however the file was written.
    """
    if not math.isfinite(value):
        return False
    if number == decimal.Decimal(repr(value)):
        return True
    digits = len(number.as_tuple().digits)
    return _FULL <= digits <= _MOST and number == decimal.Decimal(f"{value:.{digits - 1}e}")


def find_lost_digits(text: str, value: float) -> decimal.Decimal | None:
    """The number that a text spells where its float is another one; None where it is that one.

    Args:
        text: what a float can be made of, without blanks around it.
        value: the float of it.
    """
    if len(text) <= SURE and _TINY < abs(value) < math.inf:
        return None
    number = _read_decimal(text)
    return None if number is None or is_float_of(number, value) else number


def convert_exactly(cells: pa.Array) -> pa.Array | None:
    """Cells of text as float64; None where some are no numbers, or would lose digits."""
    texts = pc.ascii_trim_whitespace(cells)
    try:
        floats = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    is_short = pc.less_equal(pc.binary_length(texts), SURE)
    if pc.all(is_short).as_py() is not False and are_ordinary(floats):
        return floats
    # Most long texts are the shortest that give the float back: programs write them so.
    is_asked = pc.fill_null(pc.not_equal(floats.cast(pa.string()), texts), False)
    asked = texts.filter(is_asked).to_pylist()
    values = floats.filter(is_asked).to_pylist()
    for text, value in zip(asked, values, strict=True):
        if find_lost_digits(text, value) is not None:
            return None
    return floats


def are_ordinary(floats: pa.Array | pa.ChunkedArray) -> bool:
    """Whether none overflowed or is as small that digits get lost, as in 1e400 or 1e-400."""
    size = pc.abs(floats)
    extremes = pc.or_(pc.greater(size, 1e300), pc.less(size, 1e-300))
    return pc.any(extremes).as_py() is not True


def _read_decimal(text: str) -> decimal.Decimal | None:
    """The number that a text spells, None where it is none or not finite."""
    try:
        number = decimal.Decimal(text)
    except decimal.InvalidOperation:
        return None
    return number if number.is_finite() else None


def spell_exactly(number: decimal.Decimal) -> str:
    """The digits and the exponent of a number, the same for all ways to write it."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    power = int(exponent) + len(text) - len(kept)
    return f"{'-' if sign else ''}{kept or '0'}e{power}"


def hash_floats(values: NDArray[np.float64], absent: np.uint64) -> NDArray[np.uint64]:
    """A hash of each float; whole ones have that of the integer, NaN has ``absent``."""
    is_whole = (values == np.rint(values)) & (np.abs(values) < float(_WHOLE_LIMIT))
    whole = np.where(is_whole, values, 0.0).astype(np.int64)
    hashes = np.where(is_whole, _hash_whole(whole), mix(values.view(np.uint64)))
    return np.where(np.isnan(values), absent, hashes)


def hash_cells_as_numbers(
    cells: pa.ChunkedArray, absent: np.uint64, *, flags: bool
) -> NDArray[np.uint64]:
    """A hash of each cell, (N,): the same for the same number of any type, another for any other.

    Text that is no number is hashed as it stands; ``flags`` reads true and false as 1 and 0.
    """
    kind = cells.type
    if is_text(kind):
        found = find_distinct(cells)
        known = _hash_texts(found.values.to_pylist(), absent, flags=flags)
        return np.append(known, absent)[found.codes]
    if pa.types.is_dictionary(kind):
        cells = cells.cast(kind.value_type)
        kind = cells.type
    if pa.types.is_null(kind):
        return np.full(len(cells), absent)
    if pa.types.is_boolean(kind):
        cells = cells.cast(pa.int64())
        kind = cells.type
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        whole = cells.cast(pa.int64()).fill_null(0).to_numpy().astype(np.int64)
        return np.where(_find_nulls(cells), absent, _hash_whole(whole))
    if pa.types.is_floating(kind):
        return hash_floats(widen_floats(cells), absent)
    return _hash_distinct(cells, absent, flags=flags)


def _hash_distinct(cells: pa.ChunkedArray, absent: np.uint64, *, flags: bool) -> NDArray[np.uint64]:
    """Hash numbers of the rarer types, and cells of types that hold none, by distinct values."""
    kind = cells.type
    if pa.types.is_duration(kind):
        found = find_distinct(cells.cast(pa.int64()))
        scale = decimal.Decimal(A_SECOND[kind.unit])
        numbers = [decimal.Decimal(ticks) / scale for ticks in found.values.to_pylist()]
    elif pa.types.is_decimal(kind) or pa.types.is_integer(kind):
        found = find_distinct(cells)
        numbers = [decimal.Decimal(number) for number in found.values.to_pylist()]
    else:
        texts = [None if cell is None else str(cell) for cell in cells.to_pylist()]
        spelled = pa.chunked_array([pa.array(texts, pa.string())])
        return hash_cells_as_numbers(spelled, absent, flags=flags)
    values = np.array([float(number) for number in numbers], np.float64)
    known = hash_floats(values, absent)
    for at, (number, value) in enumerate(zip(numbers, values.tolist(), strict=True)):
        if abs(value) >= _EXACT or not is_float_of(number, value):
            known[at] = _hash_decimal(number)
    return np.append(known, absent)[found.codes]


def _hash_texts(texts: list[str], absent: np.uint64, *, flags: bool) -> NDArray[np.uint64]:
    """The hash of each text, by the number that it spells; of its signs where it spells none."""
    parse = parse_flag if flags else parse_number
    numbers = [parse(text) for text in texts]
    values = np.array([math.nan if each is None else each for each in numbers], np.float64)
    hashes = hash_floats(values, absent)
    for at, (text, number) in enumerate(zip(texts, numbers, strict=True)):
        if number is None:
            hashes[at] = hash_words(f"text {text}")
        elif len(text) > SURE or not _TINY < abs(number) < math.inf:
            exact = _read_decimal(text.strip())
            # With an exponent it is how a float is written, however large.
            is_float = "e" in text.casefold() and exact is not None and is_float_of(exact, number)
            if exact is not None and not is_float:
                hashes[at] = _hash_decimal(exact)
    return hashes


def widen_floats(cells: pa.ChunkedArray) -> NDArray[np.float64]:
    """Cells of floats as float64, (N,); a narrow one becomes its shortest text: 0.1 stays 0.1."""
    if pa.types.is_float16(cells.type):
        halves = cells.to_numpy()
        return np.array([float(str(value)) for value in halves], np.float64)
    if pa.types.is_float32(cells.type):
        cells = cells.cast(pa.string()).cast(pa.float64())
    floats: NDArray[np.float64] = cells.fill_null(np.nan).to_numpy()
    return floats


def _find_nulls(cells: pa.ChunkedArray) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = cells.is_null().to_numpy()
    return result


def _hash_decimal(number: decimal.Decimal) -> np.uint64:
    if -_WHOLE_LIMIT <= number < _WHOLE_LIMIT and number == int(number):
        return np.uint64(_hash_whole(np.array([int(number)], np.int64))[0])
    value = float(number)
    if not is_float_of(number, value):
        return hash_words(spell_exactly(number))
    return np.uint64(hash_floats(np.array([value], np.float64), np.uint64(0))[0])


def hash_words(text: str) -> np.uint64:
    """The hash of a text as it stands."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _hash_whole(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    return mix(values.view(np.uint64) ^ _WHOLE_SALT)


def mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64: every input bit reaches every output bit."""
    mixed = bits + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return result
