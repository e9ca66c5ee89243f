"""Numbers that count as missing, such as -999: in whatever spelling a file has them.

They are compared digit by digit and not as floats, so that no other number is taken for one.
"""

from __future__ import annotations

import re
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.exact_numbers import is_float_of

_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
"""With zeros in front it is a name, such as a postal code."""
_WHOLE_LIMIT = 2**63


def is_plain_number(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are numbers as a reader of text makes them."""
    return bool(pa.types.is_integer(kind) or pa.types.is_float64(kind))


def find_missing_numbers(cells: pa.Array, missing: frozenset[str]) -> pa.Array:
    """Which numbers, (n,), are one of the texts that stand for a missing value.

    Args:
        cells: whole numbers or float64.
        missing: the texts.
    """
    numbers = [Decimal(text) for text in sorted(missing) if re.match(_NUMBER, text)]
    if pa.types.is_integer(cells.type):
        known = {int(n) for n in numbers if n == int(n) and abs(n) < _WHOLE_LIMIT}
        return pc.is_in(cells, value_set=pa.array(sorted(known), pa.int64()).cast(cells.type))
    floats = {float(n) for n in numbers if is_float_of(n, float(n))}
    return pc.is_in(cells, value_set=pa.array(sorted(floats), cells.type))


def find_missing_number_texts(cells: pa.Array, missing: frozenset[str]) -> pa.Array:
    """Which texts, (n,), spell a number that is one of the texts that stand for a missing value."""
    known = [text for text in sorted(missing) if re.match(_NUMBER, text)]
    if not known:
        return pc.is_in(cells, value_set=pa.array([], pa.string()))
    wanted = _shorten(pa.array(known, pa.string()))
    is_number = pc.match_substring_regex(cells, _NUMBER)
    return pc.and_(is_number, pc.is_in(_shorten(cells), value_set=wanted))


def _shorten(numbers: pa.Array) -> pa.Array:
    """Numbers without zeros behind their last digit."""
    ended = pc.replace_substring_regex(numbers, r"(\.[0-9]*[1-9])0+$", r"\1")
    return pc.replace_substring_regex(ended, r"\.0+$", "")
