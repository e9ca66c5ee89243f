"""Moments without rounding: what is finer than a microsecond tells them apart, too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data.columns import find_distinct, is_text, parse_moments
from datacleanse.data.exact_numbers import hash_words, mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FINER = re.compile(r"(:\d\d\.\d{6})(\d+)")
"""The fraction of a second up to microseconds, and the digits behind."""
_SHORTEST = len("00:00:00.0000000")
_A_MICROSECOND = 1000
"""Nanoseconds."""


def hash_moments(cells: pa.ChunkedArray, absent: np.uint64) -> NDArray[np.uint64]:
    """A hash of each moment, (N,): the same for the same one of any type, another for any other.

    Cells that hold no moment are hashed as they stand, missing ones as ``absent``.
    """
    kind = cells.type
    if pa.types.is_dictionary(kind) and not is_text(kind):
        cells = cells.cast(kind.value_type)
        kind = cells.type
    if is_text(kind):
        found = find_distinct(cells)
        known = _hash_texts([str(text) for text in found.values.to_pylist()], absent)
        return np.append(known, absent)[found.codes]
    if (pa.types.is_timestamp(kind) or pa.types.is_time64(kind)) and kind.unit == "ns":
        ticks = cells.cast(pa.int64()).fill_null(0).to_numpy().astype(np.int64)
        micros = ticks // _A_MICROSECOND
        hashes = _add_finer(mix(micros.view(np.uint64)), ticks - micros * _A_MICROSECOND)
        return np.where(cells.is_null().to_numpy(), absent, hashes)
    parsed = parse_moments(cells)
    if parsed.failed.any():
        texts = [None if cell is None else str(cell) for cell in cells.to_pylist()]
        return hash_moments(pa.chunked_array([pa.array(texts, pa.string())]), absent)
    return np.where(parsed.find_missing(), absent, mix(parsed.values.view(np.uint64)))


def _add_finer(hashes: NDArray[np.uint64], nanoseconds: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The hashes, changed where a moment lies between two microseconds."""
    return np.where(nanoseconds == 0, hashes, mix(hashes ^ mix(nanoseconds.view(np.uint64))))


def _hash_texts(texts: list[str], absent: np.uint64) -> NDArray[np.uint64]:
    finer = [_FINER.search(text) if len(text) >= _SHORTEST else None for text in texts]
    cut = [
        text if each is None else text[: each.start(2)] + text[each.end(2) :]
        for text, each in zip(texts, finer, strict=True)
    ]
    parsed = parse_moments(pa.chunked_array([pa.array(cut, pa.string())]))
    hashes = np.where(parsed.find_missing(), absent, mix(parsed.values.view(np.uint64)))
    for at in np.flatnonzero(parsed.failed).tolist():
        hashes[at] = hash_words(f"text {texts[at]}")
    for at, each in enumerate(finer):
        digits = each[2].rstrip("0") if each is not None and not parsed.failed[at] else ""
        if len(digits) > len("000"):  # finer than any type can hold
            hashes[at] = mix(hashes[at : at + 1] ^ hash_words(digits))[0]
        elif digits:
            nanoseconds = np.array([int(digits.ljust(3, "0"))])
            hashes[at] = _add_finer(hashes[at : at + 1], nanoseconds)[0]
    return hashes
