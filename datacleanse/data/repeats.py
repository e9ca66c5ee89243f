"""Rows that stand in CLEAN more than once: copies count once, and contradictions not at all.

Where a row steers, its copy would calibrate: right rows would look surer than they are, and all of
DATA's worse beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from datacleanse.data.compare import are_told_apart, hash_content
from datacleanse.data.exact_numbers import mix
from datacleanse.data.identity import hash_rows, hash_texts, read_ids
from datacleanse.data.messages import format_count, format_list
from datacleanse.data.sample import take_rows
from datacleanse.errors import InputError
from datacleanse.records import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.records import Dataset


@dataclass(frozen=True)
class Keys:
    """What is the same for rows of CLEAN that are one row."""

    place: NDArray[np.int64]
    """(n,) number of the key of each row of CLEAN, V in all."""
    room: NDArray[np.int64]
    """(V,) rows that may have it and be different ones, at least 1."""
    is_known: NDArray[np.bool_]
    """(V,) whether it tells one row of DATA."""
    what: str
    """For messages."""


@dataclass(frozen=True)
class GivenRows:
    """Where rows of CLEAN stood in the tables or sets that were given as CLEAN, one after another.

    Files that hold CLEAN's rows behind DATA's are in that order, and hold the rows that go, too.
    """

    place: NDArray[np.int64]
    """(V,) position of each row of CLEAN; -1 where it is a row of DATA that has a verdict."""
    count: int
    """Rows that were given."""


def drop_repeats(data: Dataset, clean: Dataset) -> tuple[Dataset, GivenRows]:
    """CLEAN without copies, and without rows that give one row of DATA several labels.

    Args:
        data: DATA.
        clean: a table held to its schema.

    Raises:
        InputError: nothing is left.
    """
    keys = _find_keys(data, clean)
    if keys is None:
        return clean, GivenRows(np.arange(clean.n_rows), clean.n_rows)
    kept, rows = choose_rows(clean, keys)
    return kept, GivenRows(rows, clean.n_rows)


def choose_rows(clean: Dataset, keys: Keys) -> tuple[Dataset, NDArray[np.int64]]:
    """The rows of CLEAN that count, with what there is to say of the others, and their positions.

    Raises:
        InputError: there is none.
    """
    times, labels = np.bincount(keys.place), clean.labels
    least, most = np.full(len(times), labels.max()), np.zeros(len(times), np.int64)
    np.minimum.at(least, keys.place, labels)
    np.maximum.at(most, keys.place, labels)
    is_over, differs = times > keys.room, least != most
    is_copy = (is_over & ~differs)[keys.place]
    is_copy &= _number_within(keys.place) >= keys.room[keys.place]
    is_disputed = (is_over & differs & keys.is_known)[keys.place]
    rows = np.flatnonzero(~(is_copy | is_disputed))
    kept = clean if len(rows) == clean.n_rows else take_rows(clean, rows)
    if kept is None:
        raise InputError(
            f"CLEAN ({clean.source}) gives every row of DATA that it names several labels.",
            slug="clean-contradicts",
            hint="Leave one row of each in it, with the right label.",
        )
    notices = _note(clean, np.flatnonzero(is_copy), np.flatnonzero(is_disputed), keys.what)
    return replace(kept, notices=(*clean.notices, *notices)), rows


def _find_keys(data: Dataset, clean: Dataset) -> Keys | None:
    """Ids where they are named, else the rows' content; None where no two rows share any."""
    name = data.schema.id
    if name is not None and not data.schema.id_is_found:
        ids = read_ids(clean) if name in clean.table.column_names else None
        if ids is None or ids.null_count:
            return None
        values, place = np.unique(hash_texts(ids), return_inverse=True)
        one = np.ones(len(values), np.int64)
        return None if len(values) == len(place) else Keys(place, one, one > 0, "id")
    if not clean.schema.columns or len(np.unique(hash_rows(clean))) == clean.n_rows:
        return None  # DATA, which may be long, need not be hashed
    own, hashes = hash_content(data, clean)
    if not are_told_apart(own):
        return None
    return make_keys(own, hashes, "feature values")


def find_copies_between(
    data: Dataset, tables: Sequence[tuple[Dataset, bool]]
) -> list[NDArray[np.bool_]]:
    """Of several sets of rows held to DATA's schema, those with values and label of an earlier one.

    Args:
        data: DATA. Where its rows are not told apart by their values, there are none.
        tables: each with whether its rows are told by their values.
    """
    seen, found = np.empty(0, np.uint64), []
    for table, is_told in tables:
        hashes = np.empty(0, np.uint64)
        if is_told and table.schema.columns:
            hashes = mix(hash_rows(table) ^ mix(table.labels.astype(np.uint64)))
        found.append(np.isin(hashes, seen) if len(hashes) else np.zeros(table.n_rows, np.bool_))
        seen = np.concatenate([seen, hashes])
    if any(each.any() for each in found) and not are_told_apart(hash_rows(data)):
        return [np.zeros_like(each) for each in found]
    return found


def make_keys(own: NDArray[Any], hashes: NDArray[Any], what: str) -> Keys:
    """Keys by what rows hold: (N,) of DATA, and (n,) of CLEAN, n >= 1."""
    values, place = np.unique(hashes, return_inverse=True)
    at = np.minimum(np.searchsorted(values, own), len(values) - 1)
    times = np.bincount(at[values[at] == own], minlength=len(values))
    return Keys(place, np.maximum(times, 1), times == 1, what)


def _number_within(place: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) how many rows before each one have its key."""
    order = np.argsort(place, kind="stable")
    number = np.empty(len(place), np.int64)
    number[order] = np.arange(len(place)) - np.searchsorted(place[order], place[order])
    return number


def _note(
    clean: Dataset, copies: NDArray[np.int64], disputed: NDArray[np.int64], what: str
) -> list[Notice]:
    notices, first = [], clean.first_row
    if n := len(copies):
        message = (
            f"{format_count(n, 'row')} of CLEAN ({clean.source}) "
            f"{'repeats' if n == 1 else 'repeat'} another one (the same {what} and label): row "
            f"{format_list((copies + first).tolist())}. Each row counts once."
        )
        notices.append(Notice("clean-repeats", message))
    if n := len(disputed):
        message = (
            f"{format_count(n, 'row')} of CLEAN ({clean.source}) {'has' if n == 1 else 'have'} the "
            f"{what} of one row and other labels than each other: row "
            f"{format_list((disputed + first).tolist())}. They count as not verified. Leave one of "
            "each in CLEAN, with the right label."
        )
        notices.append(Notice("clean-contradicts", message, is_warning=True))
    return notices
