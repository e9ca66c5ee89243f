"""One order of the rows, from suspicion and verdicts, and the score that is written of it.

Probability, verdict and order are three things. The probability is used wherever a probability is
meant; the order is made here, once, at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.storage.mapped_files import make_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROVEN_WRONG, UNVERIFIED, PROVEN_RIGHT = 1, 0, -1
"""Verdicts that CLEAN gives on a row of DATA."""


def rank_rows(
    suspicion: NDArray[np.float64],
    verdict: NDArray[np.int8],
    loss: NDArray[np.float32],
    *,
    tie: NDArray[np.float64] | None = None,
) -> NDArray[np.int64]:
    """(N,) distinct ranks, 1 = most suspicious.

    Unverified rows come first: nobody need look for what is known. Behind them stand the rows that
    are proven wrong, then those proven right. Within each of the three kinds the more suspicious
    row comes first, then that of the higher loss, then the earlier.

    Args:
        suspicion: (N,) in [0, 1].
        verdict: (N,) `PROVEN_WRONG`, `UNVERIFIED` or `PROVEN_RIGHT`.
        loss: (N,) in nats, of the given label.
        tie: (N,) what parts rows of equal suspicion before their losses do, higher ones first.
    """
    ties = (-loss,) if tie is None else (-loss, -tie)
    # Stable: the earlier of equal rows comes first.
    order = np.lexsort((*ties, -suspicion, _place(verdict)))
    rank: NDArray[np.int64] = make_rows((len(order),), np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return rank


def list_first(
    flagged: NDArray[np.bool_], rank: NDArray[np.int64], may_be: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(N,) as many rows as are flagged, the first of the ranking: of equal suspicion not any ones.

    Args:
        flagged: (N,) the most suspicious of those that may be.
        rank: (N,) see `rank_rows`.
        may_be: (N,) rows that may be flagged.
    """
    n = int(np.count_nonzero(flagged))
    listed = np.zeros_like(flagged)
    if n:
        # Few rows: none behind the last flagged one.
        rows = np.flatnonzero(may_be & (rank <= rank[flagged].max()))
        listed[rows[np.argpartition(rank[rows], n - 1)[:n]]] = True
    return listed


def score_ranks(
    suspicion: NDArray[np.float64], verdict: NDArray[np.int8], rank: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(N,) the audit table's ``suspicion``: it falls with the rank, and no two rows share a value.

    Unverified rows stand in [0, 1]; those proven wrong below 0, at least at -1; those proven right
    below -1, at least at -2. Equal values are parted by the smallest steps that floats can take, so
    that the score is the suspicion, less 1 or 2, to some 1e-10 even among a million equal rows.
    """
    order = np.argsort(rank)
    place = _place(verdict)[order]
    score: NDArray[np.float64] = make_rows((len(order),), np.float64)
    unverified = order[place == 0]
    score[unverified] = _part_equal(suspicion[unverified], least=0.0)
    for below, least in ((1, np.finfo(np.float64).tiny), (2, np.nextafter(1.0, 2.0))):
        # Mirrored: what falls below 0 rises in size.
        rows = order[place == below][::-1]
        score[rows] = -_part_equal(below - suspicion[rows], least=least)
    return score


def _place(verdict: NDArray[np.int8]) -> NDArray[np.int8]:
    """(N,) place of a row's kind in the order: 0 unverified, 1 proven wrong, 2 proven right."""
    places: NDArray[np.int8] = np.choose(verdict + 1, (2, 0, 1)).astype(np.int8)
    return places


def _part_equal(values: NDArray[np.float64], *, least: float) -> NDArray[np.float64]:
    """The values, (n,) >= 0 and not rising, moved so little that they fall strictly to ``least``.

    The bits of floats >= 0, read as whole numbers, are in the floats' own order, one step apart
    where the floats are neighbours.
    """
    places = np.arange(len(values))
    # In place: of very many rows these arrays are large.
    falling = values.view(np.int64) + places
    np.minimum.accumulate(falling, out=falling)
    falling -= places
    np.subtract(len(places) - 1, places, out=places)
    places += np.float64(least).view(np.int64)
    np.maximum(falling, places, out=falling)
    return falling.view(np.float64)
