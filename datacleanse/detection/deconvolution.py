"""P(true class | x) from P(given label | x), where it is known how labels go wrong.

T[c, g] = P(given label g | true class c). A classifier trained on given labels estimates
S(g | x) = sum_c p(c | x) T[c, g]; `deconvolve` solves that for p (Richardson 1972, "Bayesian-Based
Iterative Method of Image Restoration", eq. 13; Lucy 1974, "An iterative technique for the
rectification of observed distributions": the EM iteration for a mixture of known components).

Opinions are formed before torch is loaded, and so nothing here loads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Matrix = NDArray[np.float64]

    Values = TypeVar("Values", Matrix, Tensor)

USUAL_RATE = 0.1
"""Share of wrong labels that opinions are corrected for where no verified row tells it."""

ITERATIONS = 8
"""To stop early regularises: run to the end it would amplify S's errors. How early matters little:
on breast cancer and digits with planted errors, 4 to 12 iterations moved the average precision of a
table by .0013 at most and the mean suspicion by .007."""

MANY_CLASSES = 40
"""Above it no full matrix is fitted: of its thousands of entries a clean row tells one. For 77
classes and 150 clean rows it was believed at odds of hundreds to one, and the ranking lost .1 to .3
of average precision (`docs/decisions`). And fitting it takes time that grows with C^2 for each
clean row: a quarter of a minute for 77 classes, minutes for 300. And products with a one-rate
matrix are formed from the sums of rows, in time that grows with C; up to here they are matrix
products, whose last digits differ."""

LEAST = 1e-3
"""Floor under what any model says of a class, since none has seen a thousand rows like this one. So
no opinion rules a class out by itself, and in the comparison of matrices one row of a class that a
fit has not met does not outweigh all others. It also keeps the deconvolution defined: see there."""


def raise_to_floor(probability: Matrix, least: float = LEAST) -> Matrix:
    """(n, C) with every entry at least ``least`` before rows are made to sum to 1 again."""
    raised = np.maximum(probability, least)
    result: Matrix = raised / raised.sum(axis=1, keepdims=True)
    return result


def deconvolve(given: Values, matrix: Values, iterations: int = ITERATIONS) -> Values:
    """P(true class | x) from P(given label | x) and the noise matrix, as arrays or as tensors.

    p_c <- p_c sum_g T[c, g] S_g / (p T)_g, from p = S: Richardson 1972, eq. 13. The sum of p stays
    1 by itself. Nothing is divided by 0: a step multiplies p_c by T[c, c] S_c at least, so that all
    p_c, and with them (p T)_c >= p_c T[c, c], stay above 0.

    Args:
        given: (n, C) S, positive, rows sum to 1.
        matrix: (C, C) T with a positive diagonal, or (K, C, C), several.
        iterations: of EM.

    Returns:
        (n, C), or (K, n, C).
    """
    p = given
    if isinstance(matrix, np.ndarray) and _has_one_rate(matrix):
        return _deconvolve_one_rate(given, matrix, iterations)
    for _ in range(iterations):
        p = p * ((given / (p @ matrix)) @ matrix.swapaxes(-1, -2))
    return p


def _has_one_rate(matrix: Matrix) -> bool:
    """Whether it is a matrix of many classes by `make_one_rate_matrix`."""
    if matrix.ndim != 2 or len(matrix) <= MANY_CLASSES:
        return False
    even = np.full_like(matrix, matrix[0, 1])
    np.fill_diagonal(even, matrix[0, 0])
    return np.array_equal(matrix, even)


def _deconvolve_one_rate(given: Matrix, matrix: Matrix, iterations: int) -> Matrix:
    """`deconvolve` for T = e + (d - e) I, by which x T = T x = e sum(x) + (d - e) x."""
    diagonal, off = matrix[0, 0], matrix[0, 1]

    def multiply(x: Matrix, out: Matrix) -> None:
        shared = off * x.sum(axis=1, keepdims=True)
        np.multiply(x, diagonal - off, out=out)
        out += shared

    p, ratio = given.copy(), np.empty_like(given)
    for _ in range(iterations):
        multiply(p, ratio)
        np.divide(given, ratio, out=ratio)
        multiply(ratio, ratio)
        p *= ratio
    return p


def make_one_rate_matrix(n_classes: int, rate: float) -> Matrix:
    """(C, C) T with ``rate`` spread evenly over each row's wrong labels."""
    matrix = np.full((n_classes, n_classes), rate / (n_classes - 1))
    np.fill_diagonal(matrix, 1 - rate)
    return matrix
