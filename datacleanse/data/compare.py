"""CLEAN against DATA: which rows stand in both, and whether CLEAN can speak for DATA."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.column_kinds import is_frame_index
from datacleanse.data.columns import MISSING_TEXTS
from datacleanse.data.drift import note_class_shares, note_features
from datacleanse.data.exact_numbers import mix
from datacleanse.data.id_column import find_unnamed
from datacleanse.data.identity import (
    find_narrow_columns,
    hash_rows,
    hash_texts,
    read_ids,
    spell_ids,
)
from datacleanse.data.messages import format_count, format_list, quote_value
from datacleanse.data.sample import take_rows
from datacleanse.data.sources import is_same_file
from datacleanse.errors import InputError
from datacleanse.records import Comparison, Notice, Overlap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    "verdicts": "drawn from it and verified",
}
"""What rows that stand in both have in common."""
_CHANGED = 0.5
"""Share of rows with one id but other feature values above which the ids name other rows."""
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
    data: Dataset,
    clean: Dataset,
    overlap: Overlap,
    notices: Sequence[Notice],
    *,
    chosen: NDArray[np.int64] | None = None,
) -> Comparison:
    """Compare CLEAN with DATA where the rows in both are known; ``notices`` come first.

    Args:
        data: DATA.
        clean: CLEAN.
        overlap: rows that stand in both.
        notices: what was said before.
        chosen: rows of CLEAN of which it is not known that they are a random draw of DATA, so that
            they may be distributed unlike it; None: all.

    Raises:
        InputError: nothing of DATA is left beside CLEAN, so the two are the same.
    """
    if len(overlap.data_rows) == data.n_rows:
        raise _make_same_error(data, clean, f"all {data.n_rows:,} rows of DATA stand in it")
    notices = [*notices, *_note_overlap(data, clean, overlap), *_note_sizes(data, clean)]
    compared = clean if chosen is None else take_rows(clean, chosen)
    if compared is not None:
        if data.numbers is None:
            notices += note_class_shares(data, compared)
        notices += note_features(data, compared)
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
    if data.schema.id_is_found:
        return _match_by_found_id(data, clean)
    name = data.schema.id
    if name is not None and name in clean.table.column_names:
        return _match_by_id(data, clean)
    return _match_by_content(data, clean)


def _match_by_found_id(data: Dataset, clean: Dataset) -> tuple[Overlap, list[Notice]]:
    """Rows of one id, where the ids of CLEAN name its rows and are DATA's; else equal rows."""
    name = data.schema.id or ""
    why = _find_id_fault(name, clean)
    if why is None:
        overlap, notices = _match_by_id(data, clean)
        is_whole = len(overlap.data_rows) == data.n_rows  # nothing would be left to audit
        if not is_whole and all(notice.slug != "ids-of-other-rows" for notice in notices):
            return overlap, notices
        why = f"has ids of DATA (column '{name}') on rows with other feature values"
    overlap, notices = _match_by_content(data, clean)
    message = (
        f"CLEAN ({clean.source}) {why}. So rows that stand in DATA too are found by their values, "
        "not by ids."
    )
    return overlap, [Notice("id-not-matched", message, column=name), *notices]


def _find_id_fault(name: str, clean: Dataset) -> str | None:
    """Why a column of CLEAN cannot name its rows, what CLEAN does; None: it can."""
    if name not in clean.table.column_names:
        return f"has no column '{name}', the id of DATA"
    cells = clean.table.column(name)
    unnamed = len(find_unnamed(cells))
    if unnamed:
        return f"has no id (column '{name}') in {format_count(unnamed, 'row')}"
    repeated = len(cells) - pc.count_distinct(spell_ids(cells)).as_py()
    return f"has {format_count(repeated, 'repeated id')} (column '{name}')" if repeated else None


def _match_by_content(data: Dataset, clean: Dataset) -> tuple[Overlap, list[Notice]]:
    """Rows with equal feature values, and equal cells in columns that name rows."""
    hashes, clean_hashes = hash_content(data, clean)
    distinct = _count_distinct(hashes)
    if are_told_apart(hashes) or _holds_all(hashes, clean_hashes):
        return _match_by_values(hashes, clean_hashes), []
    message = (
        f"Rows of DATA are not told apart by their feature values ({distinct:,} different sets of "
        f"values in {data.n_rows:,} rows). So rows that stand in CLEAN too are not looked for. "
        "Name a column of ids with --id to have them found."
    )
    notices = [Notice("overlap-unknown", message)] if np.isin(clean_hashes, hashes).any() else []
    return _make_empty("values"), notices


def hash_content(data: Dataset, clean: Dataset) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The hash of each row of both, by feature values and the columns in both that name rows."""
    narrow = find_narrow_columns(data, clean)
    hashes, clean_hashes = hash_rows(data, narrow=narrow), hash_rows(clean, narrow=narrow)
    for marks, clean_marks in _hash_identifiers(data, clean):
        hashes, clean_hashes = mix(hashes ^ marks), mix(clean_hashes ^ clean_marks)
    return hashes, clean_hashes


def are_told_apart(hashes: NDArray[np.uint64]) -> bool:
    """Whether so many rows of DATA differ that equal ones are one row."""
    return _count_distinct(hashes) >= _TELLING * len(hashes)


def _count_distinct(hashes: NDArray[np.uint64]) -> int:
    """By sorting: NumPy's own way keeps a table of all that it met, larger than the rows."""
    ordered = np.sort(hashes)
    return 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def _make_empty(matched_by: Literal["id", "values"]) -> Overlap:
    nothing = np.empty(0, np.int64)
    return Overlap(nothing, nothing, matched_by)


def _match_by_id(data: Dataset, clean: Dataset) -> tuple[Overlap, list[Notice]]:
    """Rows of one id. A row with equal cells and another id is another row."""
    rows = _find_ids(read_ids(clean), read_ids(data))
    found = np.flatnonzero(rows.is_valid().to_numpy(zero_copy_only=False))
    if not len(found):
        return _make_empty("id"), []
    keys = rows.drop_null().to_numpy().astype(np.int64)
    narrow = find_narrow_columns(data, clean)
    mine, theirs = (
        hash_rows(
            replace(each, table=each.table.take(pa.array(at)), labels=each.labels[at]),
            narrow=narrow,
        )
        for each, at in ((data, keys), (clean, found))
    )
    is_other = mine != theirs
    if not is_other.any():
        return _keep_single(keys, found), []
    n, n_other = len(keys), int(is_other.sum())
    said = f"{format_count(n, 'row')} of CLEAN ({clean.source}) have an id that DATA has too"
    if n_other > _CHANGED * n:
        message = (
            f"{said}, but other feature values in {n_other:,} of them: they are taken for other "
            "rows, and the ids for numbers that both files count anew."
        )
        return _make_empty("id"), [Notice("ids-of-other-rows", message, is_warning=True)]
    at = int(keys[is_other][0])
    message = (
        f"{said}; in {n_other:,} of them the feature values differ (the first: row "
        f"{at + data.first_row:,} of DATA). They are taken for the same rows, as they stand in "
        "DATA."
    )
    return _keep_single(keys, found), [Notice("overlap-changed", message, is_warning=True)]


def _keep_single(keys: NDArray[np.int64], found: NDArray[np.int64]) -> Overlap:
    """Rows ``keys`` of DATA that rows ``found`` of CLEAN match, one to one where it is one row."""
    data_rows, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return Overlap(data_rows, np.where(counts == 1, found[first], -1), "id")


def _hash_identifiers(
    data: Dataset, clean: Dataset
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint64]]]:
    """Hashes of the cells of each column in both that names rows without being read."""
    schema = data.schema
    names = [each.name for each in schema.set_aside if each.kind == "identifier"]
    if schema.id_is_found and schema.id is not None:
        names.append(schema.id)
    for name in names:
        if name in clean.table.column_names and not is_frame_index(name):
            first, second = (spell_ids(each.table.column(name)) for each in (data, clean))
            # A row called NA has no name in a CSV, and has one in JSON Lines.
            no_names = pa.array(sorted(MISSING_TEXTS), pa.string())
            first, second = (
                pc.if_else(pc.is_in(each, value_set=no_names), None, each)
                for each in (first, second)
            )
            second = pc.if_else(pc.is_in(second, value_set=first), second, None)
            yield hash_texts(first), hash_texts(second)


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
    """Say which rows of DATA are verified, and how many of them are wrong."""
    how = _MATCHES[overlap.matched_by]
    single = overlap.clean_rows >= 0
    # Numbers have no codes in common.
    mine, theirs = (each.labels if each.numbers is None else each.targets for each in (data, clean))
    given = mine[overlap.data_rows[single]]
    verified = theirs[overlap.clean_rows[single]]
    notices = []
    n, n_wrong = len(given), int((given != verified).sum())
    if n:
        found = (
            f"{'is' if n_wrong == 1 else 'are'} mislabelled there ({n_wrong / n:.0%}); `apply` "
            "corrects them"
        )
        message = (
            f"{format_count(n, 'row')} of CLEAN {'is a row' if n == 1 else 'are rows'} of DATA "
            f"({how}): {f'{n_wrong:,} {found}' if n_wrong else 'their labels agree'}."
        )
        notices.append(Notice("verified", message))
    left = len(single) - n
    if left:
        message = (
            f"{format_count(left, 'row')} of DATA {'matches' if left == 1 else 'match'} rows of "
            f"CLEAN ({how}), but not one to one; left out of training."
        )
        notices.append(Notice("overlap", message))
    return notices


def _note_sizes(data: Dataset, clean: Dataset) -> list[Notice]:
    if data.numbers is not None:
        return [_make_small_notice(clean, "")] if clean.n_rows < _SMALL else []
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
            f"{format_list(lacking)}; labels of such rows cannot be judged well. Where DATA has "
            "many, they are not flagged."
        )
        notices.append(Notice("clean-lacks-class", message, is_warning=True))
    few = np.flatnonzero((counts > 0) & (counts < _SMALL_CLASS))
    if clean.n_rows < _SMALL or len(few):
        named = [f"{quote_value(data.schema.classes[at])} ({counts[at]})" for at in few]
        where = f", fewer than {_SMALL_CLASS} of {format_list(named)}" if named else ""
        notices.append(_make_small_notice(clean, where))
    return notices


def _make_small_notice(clean: Dataset, where: str) -> Notice:
    message = (
        f"CLEAN ({clean.source}) is small: {format_count(clean.n_rows, 'row')}{where}; "
        "verify more rows for a surer result."
    )
    return Notice("clean-small", message, is_warning=True)
