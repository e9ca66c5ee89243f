"""Which wrong label a row gets: any other class, or one that the row resembles.

Errors of keyboards fall on all classes, errors of judgement on the likely ones. With p(c | x) of
the true class, P(given label g | x) is taken for the mixture

    (1 - e - a) p_g  +  e sum_{c != g} p_c / (C - 1)  +  a sum_{c != g} p_c p_g / (1 - p_c):

right; wrong and drawn evenly; wrong and drawn alike, in proportion to p_g among the classes that
are not the true one, as where errors lie near a boundary (Zhang et al. 2021, arXiv 2103.07756).
The shares e and a are those under which the labels of DATA are likeliest, by EM. With two classes
both kinds are one, and the shares come out equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.deconvolution import raise_to_floor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

STEPS = 50
"""Of EM, converged: twice or four times as many moved no suspicion by 2e-6, on breast cancer and
digits with planted errors."""

START = (0.9, 0.05, 0.05)
"""Shares of right, even and alike that it starts from."""

IMAGINED = (1.8, 0.1, 0.1)
"""Rows of each kind that are imagined beside DATA's, so that no share is 0. They are parted as at
the start: where an opinion says nothing of any row, the shares stay there."""

IMAGINED_WRONG = (0.0, 1.0, 1.0)
"""The same beside labels that are known to be right: a few of them cannot show that no right label
seems wrong, and so one of each kind is supposed to."""

LEAST_EXCESS = 1e-3
"""Of rows that each kind has at least, when kinds are compared with those of right labels."""

LEAST = 1e-9
"""Floor under probabilities that only keeps 1 - p above 0, where a correction left p at 1: what a
model is believed at most has its floor in `deconvolution`. At 1e-6 no suspicion moves by .01."""


@dataclass(frozen=True)
class Spread:
    """Shares of DATA's rows, > 0, that sum to less than 1."""

    even: float
    """Wrong, all other classes alike."""
    alike: float
    """Wrong, likely classes more often."""


def fit_spread(
    p: Matrix, labels: NDArray[np.int64], imagined: tuple[float, float, float] = IMAGINED
) -> Spread:
    """The likeliest shares.

    Args:
        p: (n, C) probabilities of the true class, by what has not seen the row's label.
        labels: (n,) as given, n >= 1.
        imagined: rows of each kind that are supposed beside these.
    """
    rows = np.arange(len(labels))
    even, alike = _compute_chances(raise_to_floor(p, LEAST), labels)
    own = raise_to_floor(p, LEAST)[rows, labels]
    # Summed over the true classes that the label is not.
    even[rows, labels] = alike[rows, labels] = 0.0
    likelihoods = np.stack([own, even.sum(axis=1), alike.sum(axis=1)])
    shares = np.array(START)
    for _ in range(STEPS):
        joint = shares[:, None] * likelihoods
        counts = (joint / joint.sum(axis=0)).sum(axis=1) + np.array(imagined)
        shares = counts / counts.sum()
    return Spread(float(shares[1]), float(shares[2]))


def compare_with_right(found: Spread, seeming: Spread) -> Spread:
    """The errors that were found, parted by what right labels do not seem to have as well.

    Where an opinion is too sure, right labels look like errors, too, most often among likely
    classes.

    Args:
        found: in DATA.
        seeming: in labels that are known to be right.

    Returns:
        Of the same sum as ``found``.
    """
    even = max(found.even - seeming.even, LEAST_EXCESS)
    alike = max(found.alike - seeming.alike, LEAST_EXCESS)
    scale = (found.even + found.alike) / (even + alike)
    return Spread(scale * even, scale * alike)


def posterior(p: Matrix, labels: NDArray[np.int64], spread: Spread) -> Matrix:
    """P(true class | x, given label), (n, C), from p(c | x) and the (n,) labels."""
    rows = np.arange(len(labels))
    p = raise_to_floor(p, LEAST)
    even, alike = _compute_chances(p, labels)
    joint = spread.even * even + spread.alike * alike
    joint[rows, labels] = (1 - spread.even - spread.alike) * p[rows, labels]
    result: Matrix = joint / joint.sum(axis=1, keepdims=True)
    return result


def _compute_chances(p: Matrix, labels: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """P(true class c, label | x) of both kinds of errors, (n, C) each; of c != label only."""
    own = p[np.arange(len(labels)), labels][:, None]
    return p / (p.shape[1] - 1), p * own / np.maximum(1 - p, LEAST)
