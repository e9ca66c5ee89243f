"""CLEAN against DATA: which rows stand in both, and whether CLEAN can speak for DATA."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from datacleanse.data.drift import note_class_shares, note_features
from datacleanse.data.identity import find_narrow_columns, hash_rows, read_ids
from datacleanse.data.messages import format_count, format_list, quote_value
from datacleanse.data.sources import is_same_file
from datacleanse.errors import InputError
from datacleanse.records import Comparison, Notice, Overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.records import Dataset

_SMALL = 50
"""Rows of CLEAN below which a warning is due."""
_SMALL_CLASS = 5
"""Rows of a class in CLEAN below which a warning is due."""
_MATCHES = {
    "id": "the same id",
    "values": "the same feature values",
    "pictures": "the same picture, or a copy of it",
    "verdicts": "its own rows, with a verdict each",
}
"""What rows that stand in both have in common."""
_TELLING = 0.5
"""Share of distinct rows from which equal feature values mean the same row."""


def compare(data: Dataset, clean: Dataset) -> Comparison:
    """Find the rows that CLEAN shares with DATA and what makes CLEAN a doubtful judge.

    Args:
        data: DATA.
        clean: the clean set, held to DATA's schema.

    Raises:
        InputError: nothing of DATA is left beside CLEAN, so the two are the same.
    """
    if is_same_file(data.source, clean.source):
        raise _make_same_error(data, clean, "the two are the same file")
    overlap, notices = _find_overlap(data, clean)
    return compare_with_overlap(data, clean, overlap, notices)


def compare_with_overlap(
    data: Dataset, clean: Dataset, overlap: Overlap, notices: Sequence[Notice]
) -> Comparison:
    """Compare CLEAN with DATA where the rows in both are known; ``notices`` come first.

    Raises:
        InputError: nothing of DATA is left beside CLEAN, so the two are the same.
    """
    if len(overlap.data_rows) == data.n_rows:
        raise _make_same_error(data, clean, f"all {data.n_rows:,} rows of DATA stand in it")
    notices = [
        *notices,
        *_note_overlap(data, clean, overlap),
        *_note_sizes(data, clean),
        *note_class_shares(data, clean),
        *note_features(data, clean),
    ]
    return Comparison(overlap, tuple(notices))


def compare_labels(data: Dataset, clean: Dataset) -> Comparison:
    """Compare sets without feature columns: sizes and class shares alone."""
    nothing = np.empty(0, np.int64)
    notices = (*_note_sizes(data, clean), *note_class_shares(data, clean))
    return Comparison(Overlap(nothing, nothing, "values"), notices)


def _make_same_error(data: Dataset, clean: Dataset, why: str) -> InputError:
    return InputError(
        f"CLEAN ({clean.source}) is DATA ({data.source}) itself: {why}, so nothing is left to "
        "audit.",
        slug="clean-is-data",
        hint="Give rows that a person has verified; `datacleanse sample` draws some to verify.",
    )


def _find_overlap(data: Dataset, clean: Dataset) -> tuple[Overlap, list[Notice]]:
    name = data.schema.id
    if name is not None and name in clean.table.column_names:
        rows = _find_ids(read_ids(clean), read_ids(data))
        found = np.flatnonzero(rows.is_valid().to_numpy(zero_copy_only=False))
        if len(found):
            keys = rows.drop_null().to_numpy().astype(np.int64)
            data_rows, first, counts = np.unique(keys, return_index=True, return_counts=True)
            return Overlap(data_rows, np.where(counts == 1, found[first], -1), "id"), []
    narrow = find_narrow_columns(data, clean)
    hashes, clean_hashes = hash_rows(data, narrow=narrow), hash_rows(clean, narrow=narrow)
    distinct = len(np.unique(hashes))
    if distinct >= _TELLING * data.n_rows or _holds_all(hashes, clean_hashes):
        return _match_by_values(hashes, clean_hashes), []
    nothing = np.empty(0, np.int64)
    message = (
        f"Rows of DATA are not told apart by their feature values ({distinct:,} different sets of "
        f"values in {data.n_rows:,} rows), so that rows which stand in CLEAN too are not looked "
        "for; name a column of ids with --id to have them found."
    )
    notices = [Notice("overlap-unknown", message)] if np.isin(clean_hashes, hashes).any() else []
    return Overlap(nothing, nothing, "values"), notices


def _find_ids(wanted: pa.Array, ids: pa.Array) -> pa.Array:
    """Where each wanted id stands among ``ids``: as it is, else the only one that is alike.

    Alike are ``1`` and ``1.0``: some formats and programs write whole numbers so.
    """
    rows = pc.index_in(wanted, value_set=ids)
    if not rows.null_count:
        return rows
    plain, plain_wanted = (
        pc.replace_substring_regex(each, r"^(-?(?:0|[1-9][0-9]*))\.0*$", r"\1")
        for each in (ids, wanted)
    )
    alike = pc.index_in(plain_wanted, value_set=plain)
    repeated = plain.filter(pc.is_in(plain, value_set=plain_wanted)).value_counts()
    twice = repeated.field("values").filter(pc.greater(repeated.field("counts"), 1))
    alike = pc.if_else(pc.is_in(plain_wanted, value_set=twice), None, alike)
    return pc.coalesce(rows, alike)


def _holds_all(data: NDArray[np.uint64], clean: NDArray[np.uint64]) -> bool:
    """Whether every row of DATA stands in CLEAN, and as often."""
    values, times = np.unique(data, return_counts=True)
    clean_values, clean_times = np.unique(clean, return_counts=True)
    shared = np.isin(clean_values, values)
    return int(shared.sum()) == len(values) and bool((clean_times[shared] >= times).all())


def _match_by_values(data: NDArray[np.uint64], clean: NDArray[np.uint64]) -> Overlap:
    values, first, counts = np.unique(clean, return_index=True, return_counts=True)
    place = np.minimum(np.searchsorted(values, data), len(values) - 1)
    rows = np.flatnonzero(values[place] == data)
    matched = place[rows]
    times = np.bincount(matched, minlength=len(values))
    one_to_one = (times[matched] == 1) & (counts[matched] == 1)
    return Overlap(rows, np.where(one_to_one, first[matched], -1), "values")


def _note_overlap(data: Dataset, clean: Dataset, overlap: Overlap) -> list[Notice]:
    if not len(overlap.data_rows):
        return []
    how = _MATCHES[overlap.matched_by]
    message = (
        f"{format_count(len(overlap.data_rows), 'row')} of DATA {_choose_verb(overlap)} in CLEAN "
        f"too ({how}); left out of training."
    )
    single = overlap.clean_rows >= 0
    given = data.labels[overlap.data_rows[single]]
    trusted = clean.labels[overlap.clean_rows[single]]
    differing = int((given != trusted).sum())
    if differing:
        share = differing / len(given)
        message += (
            f" Their labels differ in {format_count(differing, 'row')} ({share:.0%} of the "
            f"{len(given):,} that match one to one)."
        )
    return [Notice("overlap", message)]


def _choose_verb(overlap: Overlap) -> str:
    return "stands" if len(overlap.data_rows) == 1 else "stand"


def _note_sizes(data: Dataset, clean: Dataset) -> list[Notice]:
    counts = np.bincount(clean.labels, minlength=len(data.schema.classes))
    in_data = np.bincount(data.labels, minlength=len(data.schema.classes))
    notices = []
    lacking = [
        quote_value(data.schema.classes[at]) for at in np.flatnonzero((counts == 0) & (in_data > 0))
    ]
    if lacking:
        noun = "class" if len(lacking) == 1 else "classes"
        message = (
            f"CLEAN ({clean.source}) has no row of {len(lacking)} {noun} of DATA: "
            f"{format_list(lacking)}; labels of such rows cannot be judged well."
        )
        notices.append(Notice("clean-lacks-class", message, is_warning=True))
    few = np.flatnonzero((counts > 0) & (counts < _SMALL_CLASS))
    if clean.n_rows < _SMALL or len(few):
        named = [f"{quote_value(data.schema.classes[at])} ({counts[at]})" for at in few]
        where = f", fewer than {_SMALL_CLASS} of {format_list(named)}" if named else ""
        message = (
            f"CLEAN ({clean.source}) is small: {format_count(clean.n_rows, 'row')}{where}; "
            "verify more rows for a surer result."
        )
        notices.append(Notice("clean-small", message, is_warning=True))
    return notices
