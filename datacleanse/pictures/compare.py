"""CLEAN's pictures against DATA's, and DATA's against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import compare_with_overlap, read_ids
from datacleanse.data.messages import format_count
from datacleanse.data.repeats import GivenRows, choose_rows, make_keys
from datacleanse.pictures.duplicates import find_shared, find_within, make_prints
from datacleanse.pictures.read import take_pictures
from datacleanse.records import Notice, Overlap
from datacleanse.storage.schemas import DUPLICATES_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.pictures.duplicates import Pairs
    from datacleanse.pictures.read import PictureSet
    from datacleanse.records import Comparison, Dataset


@dataclass(frozen=True)
class Groups:
    """Pictures of DATA that show the same as another one, K in all."""

    rows: NDArray[np.int64]
    """(K,) sorted by group, then by row."""
    group: NDArray[np.int64]
    """(K,) from 0; the groups with more than one label come first."""
    is_exact: NDArray[np.bool_]
    """(K,) whether another picture of the group has the same bytes."""
    n_conflicting: int
    """Groups with more than one label."""

    @property
    def n_groups(self) -> int:
        """Number of groups of pictures that show the same."""
        return int(self.group.max()) + 1 if len(self.group) else 0


def compare_pictures(
    data: Dataset, clean: Dataset, pictures: PictureSet, clean_pictures: PictureSet
) -> tuple[Comparison, Groups]:
    """Find the pictures that CLEAN shares with DATA, and those that stand in DATA more than once.

    Raises:
        InputError: nothing of DATA is left beside CLEAN, so the two are the same.
    """
    prints = make_prints(pictures.values, pictures.sha256)
    both = find_shared(prints, make_prints(clean_pictures.values, clean_pictures.sha256))
    groups = group_pairs(find_within(prints), data.labels)
    notices = _note_groups(data, groups)
    return compare_with_overlap(data, clean, find_overlap(both), notices), groups


def drop_repeated_pictures(
    pictures: PictureSet, clean: Dataset, own: PictureSet
) -> tuple[Dataset, PictureSet, GivenRows]:
    """CLEAN without copies of its files, and without files that have several labels.

    Args:
        pictures: DATA's.
        clean: CLEAN.
        own: its pictures.

    Raises:
        InputError: nothing is left.
    """
    if not clean.n_rows:
        return clean, own, GivenRows(np.arange(0), 0)
    theirs, its = (np.ascontiguousarray(each.sha256).view("S32")[:, 0] for each in (pictures, own))
    counted, rows = choose_rows(clean, make_keys(theirs, its, "bytes"))
    given = GivenRows(rows, clean.n_rows)
    if len(rows) == clean.n_rows:
        return clean, own, given
    kept = take_pictures(own, rows)
    # What the source is, and what of it cannot be read, stays as it is.
    return counted, replace(kept, unreadable=own.unreadable, fingerprint=own.fingerprint), given


def find_copies(data: Dataset, pictures: PictureSet) -> tuple[Groups, tuple[Notice, ...]]:
    """Find the pictures that stand in DATA more than once, and what there is to say of them."""
    prints = make_prints(pictures.values, pictures.sha256)
    groups = group_pairs(find_within(prints), data.labels)
    return groups, tuple(_note_groups(data, groups))


def find_overlap(pairs: Pairs) -> Overlap:
    """Turn pairs of a picture of DATA (first) with one of CLEAN into rows that stand in both."""
    rows, first, times = np.unique(pairs.first, return_index=True, return_counts=True)
    partners = pairs.second[first]
    _, at, clean_times = np.unique(pairs.second, return_inverse=True, return_counts=True)
    is_single = (times == 1) & (clean_times[at][first] == 1)
    return Overlap(rows, np.where(is_single, partners, -1), "pictures")


def group_pairs(pairs: Pairs, labels: NDArray[np.int64]) -> Groups:
    """Join pairs of pictures of DATA, with its labels (N,), to groups that show the same."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = np.unique(np.concatenate([pairs.first, pairs.second]))
    first, second = np.searchsorted(rows, pairs.first), np.searchsorted(rows, pairs.second)
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(rows), len(rows)))
    n_groups, group = connected_components(links, directed=False) if len(rows) else (0, rows)
    is_exact = np.zeros(len(rows), np.bool_)
    is_exact[first[pairs.is_exact]] = is_exact[second[pairs.is_exact]] = True
    low = np.full(n_groups, labels.max(initial=0))
    high = np.zeros(n_groups, np.int64)
    np.minimum.at(low, group, labels[rows])
    np.maximum.at(high, group, labels[rows])
    order = np.argsort(low == high, kind="stable")  # the conflicting ones first
    renumbered = np.empty(n_groups, np.int64)
    renumbered[order] = np.arange(n_groups)
    group = renumbered[group] if n_groups else group
    by_group = np.argsort(group, kind="stable")
    return Groups(rows[by_group], group[by_group], is_exact[by_group], int((low != high).sum()))


def _note_groups(data: Dataset, groups: Groups) -> list[Notice]:
    if not groups.n_groups:
        return []
    message = (
        f"{format_count(len(groups.rows), 'picture')} of {data.source} show the same as another "
        f"one ({format_count(groups.n_groups, 'group')})"
    )
    if not groups.n_conflicting:
        return [Notice("pictures-duplicate", f"{message}, each with the same label.")]
    message += (
        f"; in {format_count(groups.n_conflicting, 'group')} the labels differ, so that one of "
        "them is wrong or both are right."
    )
    return [Notice("pictures-duplicate", message, is_warning=True)]


def tabulate_duplicates(groups: Groups, data: Dataset) -> pa.Table:
    """The duplicates with the columns of `DUPLICATES_COLUMNS`."""
    rows = groups.rows
    names = read_ids(data).take(pa.array(rows))
    labels = [data.given_labels[code] for code in data.labels[rows].tolist()]
    columns = [
        pa.array(groups.group),
        pa.array(rows),
        names,
        pa.array(labels, pa.string()),
        pa.array(np.where(groups.is_exact, "exact", "near")),
        pa.array(groups.group < groups.n_conflicting),
    ]
    return pa.Table.from_arrays(columns, schema=DUPLICATES_SCHEMA)
