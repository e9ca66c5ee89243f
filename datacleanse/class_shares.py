"""How many labels of a class are wrong at least, by how frequent the class is in CLEAN.

Where 9 % of DATA's labels and 4 % of its true classes are g, five in nine labels g are wrong,
whether or not any score tells which. Scores that see nothing say that there is nothing; this bound,
which needs none, corrects them.

The true share of a class is mean_D S_g + mean_V (1[y = g] - S_g), V being the clean rows, y their
true classes and S what a model that did not see a row makes of it: what S explains of the classes
is counted on all of DATA, and CLEAN's few rows are asked only for what it does not explain.
Difference estimators: Cochran 1977, "Sampling Techniques", 7.3; with predictions: Angelopoulos,
Bates, Fannjiang, Jordan, Zrnic 2023, "Prediction-powered inference", arXiv 2301.09633, eq. 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Shares = NDArray[np.float64]

STANDARD_ERRORS = 1.64
"""By which the bound is lowered: a one-sided 95 % bound, as chance makes differences too."""


def least_wrong(
    of_data: NDArray[np.float32],
    given: NDArray[np.int64],
    of_clean: NDArray[np.float32],
    true: NDArray[np.int64],
) -> Shares:
    """The least share of wrong labels among those of each class, (C,) in [0, 1).

    Args:
        of_data: (N, C) P(given label | x) of DATA's rows by what did not see their labels.
        given: (N,) their labels.
        of_clean: (m, C) the same of clean rows that are drawn like DATA.
        true: (m,) their true classes; m >= 1.
    """
    n_classes, m = of_data.shape[1], len(true)
    labelled = np.bincount(given, minlength=n_classes) / len(given)
    unexplained = np.eye(n_classes)[true] - of_clean
    share = of_data.mean(axis=0, dtype=np.float64) + unexplained.mean(axis=0)
    # One more row is imagined, so that a few equal ones are not taken for all.
    error = np.sqrt(unexplained.var(axis=0) / m + 1 / m**2)
    surplus = labelled - share - STANDARD_ERRORS * error
    result: Shares = np.maximum(surplus, 0.0) / np.maximum(labelled, 1 / len(given))
    return result


def unseen(probability: Shares, given: NDArray[np.int64], least: Shares) -> Shares:
    """P(wrong) of each row that scores see nothing of, so that its class's mean reaches the bound.

    With u, P(wrong) is p + (1 - p) u: those errors may be anywhere among the rows of the class.

    Args:
        probability: (N,) p, that each given label is wrong.
        given: (N,) labels.
        least: (C,) see `least_wrong`.

    Returns:
        (N,) u in [0, 1), the same for all rows of a class.
    """
    counts = np.bincount(given, minlength=len(least))
    mean = np.bincount(given, probability, len(least)) / np.maximum(counts, 1)
    by_class = np.maximum(least - mean, 0.0) / np.maximum(1.0 - mean, np.finfo(np.float64).eps)
    result: Shares = by_class[given]
    return result
