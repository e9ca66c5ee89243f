"""P-values and flags with a stated false-discovery rate.

Calibration rows are verified rows that are trained on exactly like any other row, so under "this
label is right" a row's score is exchangeable with theirs. Bates, Candès, Lei, Romano, Sesia 2023,
"Testing for outliers with conformal p-values", arXiv 2104.08279: such p-values with the procedure
of Benjamini and Hochberg (1995) keep the expected share of false alarms among the flags at most at
(share of right labels) x q. Storey (2002) estimates that share and gives the power back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from datacleanse.storage.mapped_files import make_rows, split_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

STOREY_LAMBDA = 0.5
"""p-values above it are taken to come from right labels only (the customary choice)."""

MIN_CALIBRATION = 10
"""With fewer calibration rows neither p-values nor probabilities are worth stating."""

LEAST_SUSPICIOUS = 0.4
"""Mislabel probability of a row that is flagged by its p-value, at least: where p-values speak
against it as loudly as they can, a suspicion of a tenth. Measured: decision 101."""

SHORT = 0.6
"""Share of the estimated list's length below which a controlled list gives way to it; values tried
are in `docs/method.md`."""

BOUNDED = 2.0
"""How much more than the expected share of false alarms a list may hold where 90 % certainty is
asked for, as a multiple; values tried are in `docs/decisions`."""

LEAST_LIKELY = 0.5
"""Mislabel probability above which a row may be on a list by probabilities."""

MAX_BOUNDED = 20_000
"""Rows from the top that bounds on false alarms are worked out for; nobody reviews more."""

Basis = Literal["controlled", "calibrated", "estimated", "none"]
"""What a list of flags rests on: p-values, probabilities calibrated on pairs, probabilities that
nothing calibrates, or there is no list."""


@dataclass(frozen=True)
class Scored:
    """Scores of one fold: by all that was learned without its calibration rows."""

    tested: NDArray[np.float64]
    """(N,) suspicion of the rows to be tested; higher is more suspicious."""
    calibration: NDArray[np.float64]
    """(n,) suspicion of rows known to be right."""


@dataclass(frozen=True)
class PValues:
    """P-values of "this label is right", and what they rest on."""

    values: NDArray[np.float64]
    """(N,) in (0, 1], of the tested rows."""
    smallest: float
    """The smallest value that the calibration rows allow: 1 / (n + 1) beside n of them."""
    n_beyond: int
    """Tested rows that are more suspicious than every calibration row they are compared with."""
    n_groups: int
    """Groups of calibration rows: 1 where rows are compared with all of them, the number of classes
    where each is compared with those of its own class."""


def compute_p_values(folds: Sequence[Scored]) -> PValues:
    """P = (1 + #{calibration scores >= score}) / (n + 1): 2104.08279, eq. 3, cross-fitted.

    Calibration rows are compared with the tested row's score of their own fold, and counted over
    all folds (Vovk 2015, "Cross-conformal predictors", arXiv 1208.0806, eq. 6). So each clean row
    steers in one fold and calibrates in the other. With one fold the p-values are exactly valid;
    with several up to a factor of 2 in the worst case and, where scores are as alike as two
    trainings on the same rows give them, nearly so (`docs/method.md` has the measurement).

    Args:
        folds: one at least, of the same N rows.
    """
    values: NDArray[np.float64] = make_rows((len(folds[0].tested),), np.float64)
    ordered = [np.sort(fold.calibration) for fold in folds]
    n_calibration, n_beyond = sum(map(len, ordered)), 0
    for part, *scores in zip(
        split_rows(values), *(split_rows(fold.tested) for fold in folds), strict=True
    ):
        n_at_least = np.zeros(len(part), dtype=np.int64)
        for right, tested in zip(ordered, scores, strict=True):
            n_at_least += len(right) - np.searchsorted(right, tested, side="left")
        # Without calibration rows nothing is beyond them.
        n_beyond += int(np.count_nonzero(n_at_least == 0)) if n_calibration else 0
        np.divide(1.0 + n_at_least, 1 + n_calibration, out=part)
    return PValues(values, 1 / (1 + n_calibration), n_beyond, 1)


def compute_p_values_by_class(
    folds: Sequence[Scored],
    tested: NDArray[np.int64],
    calibration: Sequence[NDArray[np.int64]],
    *,
    n_classes: int,
) -> PValues:
    """The same, each row beside the calibration rows of its own class alone (label-conditional).

    Vovk 2012, "Conditional validity of inductive conformal predictors", arXiv 1209.2673.

    Args:
        folds: one at least, of the same N rows.
        tested: (N,) given labels of the tested rows.
        calibration: (n,) labels of each fold's calibration rows.
        n_classes: C.
    """
    values = np.ones(len(tested))
    smallest, n_beyond = 1.0, 0
    for label in np.unique(tested):
        is_mine = tested == label
        found = compute_p_values(
            [
                Scored(fold.tested[is_mine], fold.calibration[labels == label])
                for fold, labels in zip(folds, calibration, strict=True)
            ]
        )
        values[is_mine] = found.values
        smallest, n_beyond = min(smallest, found.smallest), n_beyond + found.n_beyond
    return PValues(values, smallest, n_beyond, n_classes)


def estimate_null_share(p_values: NDArray[np.float64]) -> float:
    """Storey's estimate of the share of right labels, in (0, 1]: Storey 2002, eq. 6.

    With the + 1 in the numerator that keeps the false-discovery control valid in finite samples.
    """
    if len(p_values) == 0:
        return 1.0
    n_large = int(np.count_nonzero(p_values > STOREY_LAMBDA))
    return min(1.0, (n_large + 1) / (len(p_values) * (1 - STOREY_LAMBDA)))


def select_by_benjamini_hochberg(p_values: NDArray[np.float64], level: float) -> NDArray[np.bool_]:
    """(N,) True for the largest set k with k-th smallest p <= level k / N."""
    n = len(p_values)
    ordered = np.sort(p_values)
    passing = np.flatnonzero(ordered <= level * np.arange(1, n + 1) / max(n, 1))
    if passing.size == 0:
        return np.zeros(n, dtype=np.bool_)
    result: NDArray[np.bool_] = p_values <= ordered[passing[-1]]
    return result


def find_longest_list(wrong_probability: NDArray[np.float64], level: float) -> NDArray[np.bool_]:
    """The longest list, from the top, whose estimated share of false alarms is at most ``level``.

    An estimate, as good as the probabilities, and no guarantee. It holds 1 / ``level`` rows at
    least, or none: a shorter one leaves room for no false alarm at all, which no estimate can tell.
    It ends before the first row whose label is likelier right than wrong: where the top is nearly
    sure, the share of false alarms that is allowed would be filled with such rows.

    Args:
        wrong_probability: (N,) in [0, 1].
        level: in (0, 1).
    """
    order = np.argsort(-wrong_probability, kind="stable")
    n_false = np.cumsum(1.0 - wrong_probability[order])
    passing = np.flatnonzero(n_false <= level * np.arange(1, len(order) + 1))
    is_on_list = np.zeros(len(order), dtype=np.bool_)
    n_likely = int(np.count_nonzero(wrong_probability > LEAST_LIKELY))
    n = min(int(passing[-1]) + 1, n_likely) if passing.size else 0
    if n * level >= 1:
        is_on_list[order[:n]] = True
    return is_on_list


def shorten_list(
    is_on_list: NDArray[np.bool_],
    wrong_probability: NDArray[np.float64],
    level: float,
    bound: Callable[[NDArray[np.int64]], NDArray[np.int64]],
) -> NDArray[np.bool_]:
    """The list without its end, as far as that must go for `BOUNDED` to hold.

    A list is longest where its probabilities are too high by chance, so an expected share alone
    leaves long lists with many false alarms. A list longer than `MAX_BOUNDED` is asked that far.

    Args:
        is_on_list: (N,) from `find_longest_list`.
        wrong_probability: (N,) in [0, 1].
        level: see `find_longest_list`.
        bound: how many of the first 1, 2, ... of (K,) ordered rows are false alarms, at most.
    """
    order = np.flatnonzero(is_on_list)
    order = order[np.argsort(-wrong_probability[order], kind="stable")]
    asked = order[:MAX_BOUNDED]
    n_rows = np.arange(1, len(asked) + 1)
    passing = np.flatnonzero(bound(asked) <= BOUNDED * level * n_rows) if len(asked) else asked
    n = int(passing[-1]) + 1 if passing.size else 0
    shortened = np.zeros_like(is_on_list)
    if n == MAX_BOUNDED:
        return is_on_list
    if n * level >= 1:
        shortened[order[:n]] = True
    return shortened


def choose_list(
    is_passing: NDArray[np.bool_], wrong_probability: NDArray[np.float64], level: float
) -> tuple[NDArray[np.bool_], Basis]:
    """The rows to flag, (N,), and what that rests on.

    Beside few calibration rows p-values are coarse: the very first rows alone may pass, or with
    them all that lie beyond the calibration rows by chance. So the posterior must speak against a
    row, too.

    Args:
        is_passing: (N,) whether the row's p-value passes.
        wrong_probability: (N,) in [0, 1].
        level: see `find_longest_list`.
    """
    estimated = find_longest_list(wrong_probability, level)
    is_passing = is_passing & (wrong_probability >= LEAST_SUSPICIOUS)
    if is_passing.any() and is_passing.sum() >= SHORT * estimated.sum():
        return is_passing, "controlled"
    return estimated, "estimated" if estimated.any() else "none"


def count_rows_needed(p_values: PValues, level: float) -> int | None:
    """How many calibration rows would let the rows beyond all present ones be flagged.

    Those k rows share the smallest p-value, 1 / (n + 1) beside n calibration rows, and are flagged
    when 1 / (n + 1) <= level k / N: Benjamini and Hochberg's condition at rank k. Where each class
    is compared with its own calibration rows it takes n of every class. Supposes that the k rows
    stay beyond the added calibration rows, so it is a lower estimate. None where k is 0.
    """
    if p_values.n_beyond == 0:
        return None
    n = math.ceil(len(p_values.values) / (level * p_values.n_beyond)) - 1
    return n * p_values.n_groups
