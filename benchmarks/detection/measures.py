"""How good a ranking of rows, a list of flags and a probability of "wrong" are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.detection.detectors import Verdict

LEAST_ROWS = 20
"""Rows that a given label must have for the range of its noise rate to be measured: among fewer a
single row moves the share by more than a range is wide."""


def measure(verdict: Verdict, is_wrong: NDArray[np.bool_]) -> dict[str, float | int]:
    """All measures that need one method alone.

    Args:
        verdict: of N rows.
        is_wrong: (N,) at least one of each.

    Returns:
        ``average_precision``, ``auroc``; ``precision_at_count``: among as many rows as are wrong;
        ``seconds``; with flags ``flagged`` (count), ``false_share`` (0 where none is flagged),
        ``recall``; with probabilities ``brier`` and ``probability_ratio``, their sum over the
        number of wrong rows.
    """
    score = verdict.suspicion
    found: dict[str, float | int] = {
        "average_precision": float(average_precision_score(is_wrong, score)),
        "auroc": float(roc_auc_score(is_wrong, score)),
        "precision_at_count": precision_at(score, is_wrong, int(is_wrong.sum())),
        "seconds": float(verdict.seconds),
    }
    if verdict.flagged is not None:
        flagged = verdict.flagged
        found["flagged"] = int(flagged.sum())
        found["false_share"] = float((~is_wrong[flagged]).mean()) if flagged.any() else 0.0
        found["recall"] = float(flagged[is_wrong].mean())
    if verdict.probability is not None:
        found["brier"] = float(np.mean((verdict.probability - is_wrong) ** 2))
        found["probability_ratio"] = float(verdict.probability.sum() / is_wrong.sum())
    return found


def measure_ranges(
    verdict: Verdict, is_wrong: NDArray[np.bool_], given: NDArray[np.int64]
) -> dict[str, float | int]:
    """How good the stated ranges of the noise rates are.

    Args:
        verdict: of N rows.
        is_wrong: (N,).
        given: (N,) labels.

    Returns:
        ``rate_holds``, 1 where the range holds the wrong share of all rows, else 0, and
        ``rate_half_width``; ``classes``, given labels of `LEAST_ROWS` rows at least, with
        ``class_holds``, the share of their ranges that hold theirs, and ``class_half_width``,
        the mean over them. Nothing where the method states no ranges.
    """
    if verdict.rate is None or verdict.class_rates is None:
        return {}
    _, low, high = verdict.rate
    classes = np.flatnonzero(np.bincount(given) >= LEAST_ROWS)
    wrong = np.array([is_wrong[given == label].mean() for label in classes])
    _, lows, highs = verdict.class_rates[classes].T
    return {
        "rate_holds": int(low <= is_wrong.mean() <= high),
        "rate_half_width": float((high - low) / 2),
        "classes": len(classes),
        "class_holds": float(np.mean((lows <= wrong) & (wrong <= highs))),
        "class_half_width": float(np.mean((highs - lows) / 2)),
    }


def precision_at(score: NDArray[np.float64], is_wrong: NDArray[np.bool_], count: int) -> float:
    """Share of wrong rows among the ``count`` highest, rows that tie with the last in proportion.

    Args:
        score: (N,).
        is_wrong: (N,).
        count: from 1 to N.
    """
    cut = np.sort(score)[-count]
    above, tied = score > cut, score == cut
    room = count - np.count_nonzero(above)
    return float((is_wrong[above].sum() + room * is_wrong[tied].mean()) / count)


def budget(verdict: Verdict, is_wrong: NDArray[np.bool_]) -> list[dict[str, float | int]]:
    """Stated and realised share of wrong rows among the first ones, as far as there are rows.

    Args:
        verdict: of N rows, with a budget.
        is_wrong: (N,).
    """
    assert verdict.budget is not None
    ordered = is_wrong[np.argsort(-verdict.suspicion)]
    return [
        {
            "rows": int(count),
            "expected": float(share),
            "low": float(low),
            "high": float(high),
            "found": float(ordered[: int(count)].mean()),
        }
        for count, share, low, high in verdict.budget
    ]


def recall_at_false_share(
    score: NDArray[np.float64], is_wrong: NDArray[np.bool_], false_share: float
) -> float:
    """Recall of the longest head of the ranking with at most this share of right labels in it.

    Ties stand in the rows' order.
    """
    ordered = is_wrong[np.argsort(-score, kind="stable")]
    share = np.cumsum(~ordered) / np.arange(1, len(ordered) + 1)
    # Both shares are ratios of counts; equal ones may differ in the last bit.
    allowed = np.flatnonzero(share <= false_share + 1e-9)
    length = allowed[-1] + 1 if len(allowed) else 0
    return float(ordered[:length].sum() / is_wrong.sum())
