"""Numbers of JSON whose digits a float has no room for, found without parsing a line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data.exact_numbers import SURE, convert_exactly

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_SIGNS = np.isin(np.arange(256), np.frombuffer(b"0123456789.eE+-", np.uint8))
"""(256,) the bytes that a number is made of."""
_COLON, _BLANK = b": "
_NUMBER = rb"\s*:\s*(-?\d[\d.eE+-]*)"
_DIGITS = np.isin(np.arange(256), np.frombuffer(b"0123456789", np.uint8))
"""(256,) the bytes that are digits."""


def lose_digits(names: Sequence[str], blocks: Iterable[bytes]) -> bool:
    """Whether a number of these keys, read as a float, is another one than the lines have.

    Args:
        names: keys whose numbers were read as floats.
        blocks: whole lines.
    """
    spelled = {json.dumps(name, ensure_ascii=each) for name in names for each in (True, False)}
    either = b"|".join(re.escape(key.encode()) for key in sorted(spelled))
    number = re.compile(b"(?:" + either + b")" + _NUMBER)
    for block in blocks if names else ():
        # Keys are looked at only where digits are lost: whole numbers of 64 bits keep theirs.
        signs = np.frombuffer(block, np.uint8)
        if not _hold_large_exponent(signs) and _are_kept(_find_long_numbers(signs)):
            continue
        if not _are_kept(pa.array(number.findall(block), pa.binary()).cast(pa.string())):
            return True
    return False


def _are_kept(numbers: pa.Array) -> bool:
    return convert_exactly(numbers) is not None


def _hold_large_exponent(signs: NDArray[np.uint8]) -> bool:
    """Whether three digits stand behind an ``e`` behind a digit: such a number may be no float."""
    places = np.flatnonzero((signs | 0x20) == ord("e"))
    places = places[(places > 0) & (places < len(signs) - 4)]
    places = places[_DIGITS[signs[places - 1]]]
    places = places + np.isin(signs[places + 1], np.frombuffer(b"+-", np.uint8))
    places = places[places < len(signs) - 3]
    is_digit = [_DIGITS[signs[places + step]] for step in (1, 2, 3)]
    return bool(np.logical_and.reduce(is_digit).any())


def _find_long_numbers(signs: NDArray[np.uint8]) -> pa.Array:
    """The numbers behind a key that have more signs than every float keeps, as text."""
    edges = np.flatnonzero(np.diff(_SIGNS[signs], prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    is_long = (ends - starts > SURE) & (starts > 1)
    starts, ends = starts[is_long], ends[is_long]
    before = np.where(signs[starts - 1] == _BLANK, signs[starts - 2], signs[starts - 1])
    starts, ends = starts[before == _COLON], ends[before == _COLON]
    offsets = np.concatenate([[0], np.cumsum(ends - starts)])
    places = np.repeat(starts - offsets[:-1], ends - starts) + np.arange(offsets[-1])
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(signs[places])]
    return pa.Array.from_buffers(pa.string(), len(starts), buffers)
