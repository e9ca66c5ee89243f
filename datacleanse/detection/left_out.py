"""Classes that CLEAN leaves out: their rows are ranked, but not flagged.

No true label says that there are any rows of such a class, so that steering drives the networks
away from it, and all of its rows would look wrong: here plain training speaks for them instead
(`posterior.Opinions`). Nor does anything show how right rows of it score. They may all be wrong: a
name that is always a slip has no right rows. Where verified rows had that label, they tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHANCE = 1e-3
"""By which so much of DATA is of classes without a clean row, at least, for their rows to be
flagged: a few classes of many may well be missing in a sample."""

_TILTS = np.geomspace(0.1, 1e6, 200)
"""Values of t in Chernoff's bound."""


def find_left_out(
    labels: NDArray[np.int64], counts: NDArray[np.int64], had: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(C,) classes that CLEAN has no row of, though a sample of DATA hardly lacks them by chance.

    None that a verified row was labelled, right or wrong, and none without CLEAN.

    Args:
        labels: (N,) of DATA.
        counts: (C,) rows of CLEAN that are a sample of DATA, by true class.
        had: (C,) verified rows of DATA by given label.
    """
    is_absent: NDArray[np.bool_] = (counts == 0) & (had == 0)
    shares = np.bincount(labels, minlength=len(counts)) / len(labels)
    return is_absent & (bound_chance(shares, is_absent, int(counts.sum())) < CHANCE)


def bound_chance(shares: NDArray[np.float64], is_absent: NDArray[np.bool_], n_rows: int) -> float:
    """P(a sample's absent classes hold so much of DATA), at most, in [0, 1].

    By Chernoff's bound, inf_t e^(-t a) E e^(t A), for the sum A of the shares of absent classes,
    each absent with probability (1 - share)^n; of one class alone it is about that probability.
    That some are absent makes others less likely to be, so that taking them as independent errs to
    the safe side (Dubhashi and Ranjan 1998, "Balls and bins: a study in negative dependence").

    Args:
        shares: (C,) of DATA's labels, in [0, 1].
        is_absent: (C,) whether the sample has no row of the class.
        n_rows: of the sample.
    """
    if not n_rows or not is_absent.any():
        return 1.0
    missing = (1.0 - shares) ** n_rows
    held = shares[is_absent].sum()
    # log(1 - m + m e^(t s)), which overflows nowhere.
    with np.errstate(divide="ignore"):
        logs = np.logaddexp(np.log1p(-missing), np.log(missing) + _TILTS[:, None] * shares)
    return float(np.exp(min(0.0, (logs.sum(axis=1) - _TILTS * held).min())))
