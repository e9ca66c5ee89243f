"""Rows of DATA that are equal in every column read, but for their labels.

Where the columns determine the label, all but one label of such a group are wrong. Where they do
not, the group shows how far apart equal rows can be: a person has to say which it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import hash_rows
from datacleanse.storage.schemas import CONFLICTS_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Dataset

STORED_GROUPS = 200
"""Groups that are told, those with the most suspicious rows first."""

STORED_ROWS = 20
"""Rows that are told of a group, the most suspicious."""


def conflicts(
    data: Dataset, rank: NDArray[np.int64], keys: NDArray[np.uint64] | None = None
) -> pa.Table:
    """Groups of equal rows with more than one label.

    Args:
        data: DATA, with one column to read at least, or with keys.
        rank: (N,) 1 = most suspicious.
        keys: (N,) the same for equal pictures; None: rows are equal by their columns.

    Returns:
        One line a row, with the columns of `CONFLICTS_COLUMNS`. The schema's metadata have the
        number of all groups and of their rows, and whether they are equal ``by`` their ``values``
        or as ``pictures``.
    """
    position, group = _conflicting(hash_rows(data) if keys is None else keys, data.labels)
    n_groups = int(group.max()) + 1 if len(group) else 0
    sizes = np.bincount(group, minlength=n_groups)
    first = np.full(n_groups, len(rank) + 1)
    np.minimum.at(first, group, rank[position])
    # Groups are numbered by their most suspicious row.
    number = np.argsort(np.argsort(first))[group]
    order = np.lexsort((rank[position], number))
    position, group, number = position[order], group[order], number[order]
    within = np.arange(len(number)) - np.searchsorted(number, number)
    kept = (number < STORED_GROUPS) & (within < STORED_ROWS)
    position, group, number = position[kept], group[kept], number[kept]
    table = pa.table(
        {
            "group": pa.array(number),
            "group_rows": pa.array(sizes[group]),
            "row": pa.array(position),
            "rank": pa.array(rank[position]),
            "label": pa.array(data.given_labels, pa.string()).take(pa.array(data.labels[position])),
        },
        schema=CONFLICTS_SCHEMA,
    )
    by = "values" if keys is None else "pictures"
    told = {"groups": str(n_groups), "rows": str(sizes.sum()), "by": by}
    return table.replace_schema_metadata({**CONFLICTS_SCHEMA.metadata, **told})


def _conflicting(
    hashes: NDArray[np.uint64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(K,) positions of the rows in such groups, and (K,) the group of each, from 0."""
    order = np.lexsort((labels, hashes))
    is_first = np.append(True, np.diff(hashes[order]) != 0)
    group = np.cumsum(is_first) - 1
    is_other_label = ~is_first & np.append(False, np.diff(labels[order]) != 0)
    has_conflict = np.zeros(int(group[-1]) + 1, dtype=np.bool_)
    has_conflict[group[is_other_label]] = True
    kept = has_conflict[group]
    renumbered = np.cumsum(has_conflict) - 1
    return order[kept], renumbered[group[kept]]
