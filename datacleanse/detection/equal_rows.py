"""Rows that are equal in all that the networks see: what their labels say of each other.

Models smooth over single rows, so of two equal rows with different labels they believe the label
that rows like them have. Here the labels of equal rows are taken for draws from one distribution,
which is drawn around the opinion p on them by Dirichlet(s p). Given the labels of the n others, n_c
of them c, the opinion on a row becomes

    (n_c + s p_c) / (n + s):

MacKay, Peto 1995, "A Hierarchical Dirichlet Language Model", eq. 19. The strength s is the one
under which the labels of such rows are likeliest: small where equal rows have one truth, such as
copies, infinite where their labels tell nothing beyond p.

Equal means equal as encoded, in float32, which is coarser than the cells, and rightly so: a network
gives such rows one opinion whatever their further digits are, and that opinion is what is informed
here. Nobody is told that they are copies. What people are told of equal rows, and what counts as a
row that CLEAN holds too, goes by the cells: `datacleanse.data.hash_rows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from datacleanse.storage.mapped_files import copy_rows, release_mapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

STRENGTHS = tuple(float(s) for s in np.geomspace(0.01, 1000, 26))
"""Rows that p counts as; beside them infinitely many."""

PORTION = 2**20
"""Values of the matrix, about, that are looked at together."""


@dataclass(frozen=True)
class EqualRows:
    """Rows with others that are equal to them and whose labels may be learned.

    The others are counted by group, not by row: where most rows are copies and classes are many,
    numbers of rows times classes would be larger than the opinions.
    """

    rows: NDArray[np.int64]
    """(D,) positions, ascending."""
    group: NDArray[np.int64]
    """(D,) of rows that are equal, in [0, G)."""
    learned: sparse.csr_array
    """(G, C) float64, indices sorted: the group's rows by label, whose label may be learned."""
    labels: NDArray[np.int64]
    """(D,) as given."""
    is_learned: NDArray[np.bool_]
    """(D,) whether the row's own label may be learned."""

    def count_others(self, part: slice = slice(None)) -> NDArray[np.float64]:
        """(d, C) the others of some rows by label; each row sums to 1 at least."""
        others: NDArray[np.float64] = self.learned[self.group[part]].toarray()
        own = self.is_learned[part]
        others[np.flatnonzero(own), self.labels[part][own]] -= 1.0
        return others

    def count_agreeing(self) -> NDArray[np.float64]:
        """(K,) the others with the row's own label, of rows whose label may be learned."""
        n_classes, counted = self.learned.shape[1], self.learned.tocoo()
        places = counted.row.astype(np.int64) * n_classes + counted.col
        wanted = (self.group * n_classes + self.labels)[self.is_learned]
        found: NDArray[np.float64] = counted.data[np.searchsorted(places, wanted)] - 1.0
        return found

    def count_all(self) -> NDArray[np.float64]:
        """(D,) the others, whatever their labels."""
        of_group = np.asarray(self.learned.sum(axis=1)).ravel()
        result: NDArray[np.float64] = of_group[self.group] - self.is_learned
        return result


def find_equal(
    matrix: NDArray[np.float32],
    labels: NDArray[np.int64],
    is_learned: NDArray[np.bool_],
    *,
    n_classes: int,
    portion_read: Callable[[], None] = lambda: None,
) -> EqualRows | None:
    """Look for rows that others equal; None where no such other's label may be learned.

    Args:
        matrix: (M, F) encoded rows, NaN where missing; 0 and -0 are equal, as are all NaN.
        labels: (M,) as given.
        is_learned: (M,) whether the row's label may be learned.
        n_classes: C.
        portion_read: called whenever a portion of the matrix was read, for callers whose matrix
            lies on disk.
    """
    first = find_first_equal(matrix, portion_read)
    has_equal = first != np.arange(len(first))
    has_equal[first[has_equal]] = True
    rows = np.flatnonzero(has_equal)
    _, group = np.unique(first[rows], return_inverse=True)
    n_groups = int(group.max(initial=-1)) + 1
    own = is_learned[rows]
    places = group[own], labels[rows[own]]
    learned = sparse.csr_array((np.ones(len(places[0])), places), (n_groups, n_classes))
    learned.sum_duplicates()
    found = EqualRows(rows, group, learned, labels[rows], own)
    has_others = found.count_all() > 0
    if not has_others.any():
        return None
    return EqualRows(
        rows[has_others], group[has_others], learned, found.labels[has_others], own[has_others]
    )


def fit_strength(opinion: NDArray[np.float32], equal: EqualRows) -> float:
    """The likeliest s; infinite where p alone is as good.

    Args:
        opinion: (M, C) P(given label | x) that depends little on the row's own label.
        equal: see `find_equal`.
    """
    # A network may rule a class out: whatever is rounded to 0 is no impossible label.
    given = opinion[equal.rows[equal.is_learned], equal.labels[equal.is_learned]]
    p = np.maximum(given.astype(np.float64), np.finfo(np.float32).tiny)
    n, total = equal.count_agreeing(), equal.count_all()[equal.is_learned]
    found = {s: float(np.log((n + s * p) / (total + s)).sum()) for s in STRENGTHS}
    best = max(found, key=found.__getitem__)
    return best if found[best] > np.log(p).sum() else np.inf


def inform_equal_rows(
    opinion: NDArray[np.float32], equal: EqualRows, s: float
) -> NDArray[np.float32]:
    """The opinion, (M, C), knowing what the other equal rows are labelled; a copy, s finite."""
    total = equal.count_all()[:, None]
    result: NDArray[np.float32] = copy_rows(opinion)
    step = _take_portion(opinion.shape[1])
    for start in range(0, len(equal.rows), step):
        part = slice(start, start + step)
        rows = equal.rows[part]
        result[rows] = (equal.count_others(part) + s * opinion[rows]) / (total[part] + s)
        release_mapped()
    return result


def find_first_equal(
    matrix: NDArray[np.float32], portion_read: Callable[[], None] = lambda: None
) -> NDArray[np.int64]:
    """(M,) position of the first row that equals each one, bit for bit; its own where it is first.

    Digests say which rows may be equal, the rows themselves whether they are: of the rows with one
    digest those that equal the first are settled, the others, if there are any, are asked again.
    """
    digest = _digest_rows(matrix, portion_read)
    first = np.arange(len(matrix))
    # Stable: the earliest of the rows with one digest comes first.
    asked = np.argsort(digest, kind="stable")
    while len(asked):
        # Where a row begins a run of rows with one digest, those that follow are compared with it.
        is_start = np.append(True, digest[asked[1:]] != digest[asked[:-1]])
        followers = np.flatnonzero(~is_start)
        starts = np.flatnonzero(is_start)
        leader = asked[starts[np.searchsorted(starts, followers) - 1]]
        asked = asked[followers]
        is_same = _are_equal(matrix, asked, leader, portion_read)
        first[asked[is_same]] = leader[is_same]
        asked = asked[~is_same]
    return first


def _digest_rows(
    matrix: NDArray[np.float32], portion_read: Callable[[], None]
) -> NDArray[np.uint64]:
    """(M,) sum_k m_k b_k mod 2^64 over the bits b_k of each row's values, the m_k drawn once.

    Multilinear hashing (Carter, Wegman 1979, "Universal Classes of Hash Functions").
    """
    n_columns = matrix.shape[1]
    factors = np.random.default_rng(0).integers(0, 2**64, n_columns, dtype=np.uint64)
    digest = np.empty(len(matrix), dtype=np.uint64)
    step = _take_portion(n_columns)
    for start in range(0, len(matrix), step):
        rows = slice(start, start + step)
        digest[rows] = _read_bits(matrix[rows]) @ factors
        portion_read()
    return digest


def _are_equal(
    matrix: NDArray[np.float32],
    some: NDArray[np.int64],
    others: NDArray[np.int64],
    portion_read: Callable[[], None],
) -> NDArray[np.bool_]:
    """(n,) whether the rows at two lists of positions are equal, pair by pair."""
    equal = np.empty(len(some), dtype=np.bool_)
    step = _take_portion(matrix.shape[1])
    for start in range(0, len(some), step):
        pairs = slice(start, start + step)
        here, there = _read_bits(matrix[some[pairs]]), _read_bits(matrix[others[pairs]])
        equal[pairs] = (here == there).all(axis=1)
        portion_read()
    return equal


def _take_portion(n_columns: int) -> int:
    return max(1, PORTION // max(1, n_columns))


def _read_bits(rows: NDArray[np.float32]) -> NDArray[np.uint32]:
    """(n, F) the values' bits, the same for equal values."""
    values = rows + np.float32(0.0)  # -0.0 becomes 0.0
    values[np.isnan(values)] = np.nan
    return values.view(np.uint32)
