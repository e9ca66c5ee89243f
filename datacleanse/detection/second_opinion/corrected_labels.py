"""Which classes rows may truly have, by an opinion on them and by how labels go wrong.

A model that is learned from these shares in place of the labels takes one step of EM, with the true
class as what is not observed (Lawrence, Schoelkopf 2001, "Estimating a Kernel Fisher Discriminant
in the Presence of Label Noise", section 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.deconvolution import (
    USUAL_RATE,
    deconvolve,
    make_one_rate_matrix,
    raise_to_floor,
)
from datacleanse.detection.error_kinds import fit_spread, posterior
from datacleanse.sampling import draw_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

LEAST_SHARE = 0.01
"""Of a row that a class gets: below it, hundreds of classes would have a part in each row."""

MAX_FITTED = 20_000
"""Rows whose labels tell how errors spread."""

PORTION = 4_096
"""Rows that are judged at a time."""


def share_out(
    opinion: NDArray[np.float32], labels: NDArray[np.int64], rows: NDArray[np.int64]
) -> sparse.csr_array:
    """Part each row among the classes that it may truly have.

    Args:
        opinion: (M, C) P(given label | x) by what did not see the row's own label, rows sum to 1.
        labels: (M,) as given.
        rows: (n,) positions of the rows to part.

    Returns:
        (n, C) float64 P(true class | x, given label), shares below `LEAST_SHARE` left out but for
        the largest; rows sum to 1.
    """
    from scipy import sparse

    matrix = make_one_rate_matrix(opinion.shape[1], USUAL_RATE)

    def correct(some: NDArray[np.int64]) -> NDArray[np.float64]:
        return deconvolve(raise_to_floor(opinion[some].astype(np.float64)), matrix)

    fitted = rows[draw_spread(len(rows), MAX_FITTED)]
    spread = fit_spread(correct(fitted), labels[fitted])
    parts = []
    for start in range(0, len(rows), PORTION):
        some = rows[start : start + PORTION]
        found = posterior(correct(some), labels[some], spread)
        # Of hundreds of classes none may reach it: a row is then of its likeliest.
        found[found < np.minimum(LEAST_SHARE, found.max(axis=1, keepdims=True))] = 0.0
        parts.append(sparse.csr_array(found / found.sum(axis=1, keepdims=True)))
    return sparse.csr_array(sparse.vstack(parts))
