"""Rows that are equal in all that the networks see: what their labels say of each other.

Models smooth over single rows, so of two equal rows with different labels they believe the label
that rows like them have. Here the labels of equal rows are taken for draws from one distribution,
which is drawn around the opinion p on them by Dirichlet(s p). Given the labels of the n others, n_c
of them c, the opinion on a row becomes

    (n_c + s p_c) / (n + s):

MacKay, Peto 1995, "A Hierarchical Dirichlet Language Model", eq. 19. The strength s is the one
under which the labels of such rows are likeliest: small where equal rows have one truth, such as
copies, infinite where their labels tell nothing beyond p.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.storage.mapped_files import release_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRENGTHS = tuple(float(s) for s in np.geomspace(0.01, 1000, 26))
"""Rows that p counts as; beside them infinitely many."""

PORTION = 65_536
"""Rows that are looked at together."""


@dataclass(frozen=True)
class EqualRows:
    """Rows with others that are equal to them and whose labels may be learned."""

    rows: NDArray[np.int64]
    """(D,) positions, ascending."""
    counts: NDArray[np.float64]
    """(D, C) of the others by label; each row sums to 1 at least."""
    labels: NDArray[np.int64]
    """(D,) as given."""
    is_learned: NDArray[np.bool_]
    """(D,) whether the row's own label may be learned."""


def find_equal(
    matrix: NDArray[np.float32],
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
) -> EqualRows | None:
    """Look for them among (M, F) encoded rows, NaN where missing; None where there are none."""
    order, group = _groups(matrix)
    counts = np.zeros((int(group[-1]) + 1 if len(group) else 0, n_classes))
    is_counted = is_learned[order]
    np.add.at(counts, (group[is_counted], labels[order[is_counted]]), 1.0)
    others = counts[group]
    others[is_counted, labels[order[is_counted]]] -= 1.0
    has_others = others.any(axis=1)
    if not has_others.any():
        return None
    rows = order[has_others]
    ascending = np.argsort(rows)
    rows = rows[ascending]
    return EqualRows(rows, others[has_others][ascending], labels[rows], is_learned[rows])


def likeliest_strength(opinion: NDArray[np.float32], equal: EqualRows) -> float:
    """The likeliest s; infinite where p alone is as good.

    Args:
        opinion: (M, C) P(given label | x) that depends little on the row's own label.
        equal: see `find_equal`.
    """
    own = np.flatnonzero(equal.is_learned), equal.labels[equal.is_learned]
    p, n = opinion[equal.rows].astype(np.float64)[own], equal.counts[own]
    total = equal.counts.sum(axis=1)[equal.is_learned]
    found = {s: float(np.log((n + s * p) / (total + s)).sum()) for s in STRENGTHS}
    best = max(found, key=found.__getitem__)
    return best if found[best] > np.log(p).sum() else np.inf


def informed(opinion: NDArray[np.float32], equal: EqualRows, s: float) -> NDArray[np.float32]:
    """The opinion, (M, C), knowing what the other equal rows are labelled; a copy, s finite."""
    total = equal.counts.sum(axis=1, keepdims=True)
    result = opinion.copy()
    result[equal.rows] = (equal.counts + s * opinion[equal.rows]) / (total + s)
    return result


def _groups(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(K,) positions of rows that equal another one, group by group, and the number of each."""
    keys = np.empty(len(matrix), dtype=np.int64)
    for start in range(0, len(matrix), PORTION):
        part = matrix[start : start + PORTION] + np.float32(0.0)  # -0.0 becomes 0.0
        part[np.isnan(part)] = np.nan  # of the same bits
        keys[start : start + PORTION] = [hash(row.tobytes()) for row in part]
        release_mapped()
    order = np.argsort(keys, kind="stable")
    is_new = np.append(True, np.diff(keys[order]) != 0)
    # A row stands in a group of several where it or the next one is no first.
    is_several = ~is_new | ~np.append(is_new[1:], True)
    return order[is_several], (np.cumsum(is_new[is_several]) - 1)
