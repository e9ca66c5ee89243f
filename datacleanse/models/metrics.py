"""How good a model's probabilities are on labelled rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_BINS = 15
"""Number of bins of the calibration error, as in Guo et al. 2017."""

Metrics = dict[str, float]


@dataclass(frozen=True)
class Tested:
    """What a network makes of rows with true labels."""

    probability: NDArray[np.float64]
    """(n, C), rows sum to 1; n >= 1."""
    labels: NDArray[np.int64]
    """(n,) index of the true class of each row."""


Tests = dict[str, Tested | None]
"""By what the rows are: ``test``, ``held_back``; None where there are none."""


def measure_classification(probability: NDArray[np.float64], labels: NDArray[np.int64]) -> Metrics:
    """Accuracy, balanced accuracy, log-loss (nats) and calibration error.

    Args:
        probability: (n, C), rows sum to 1.
        labels: (n,) class of each row, n >= 1.
    """
    from sklearn.metrics import log_loss, recall_score

    predicted = probability.argmax(axis=1)
    present = np.unique(labels)
    recalls = recall_score(labels, predicted, labels=present, average=None, zero_division=0.0)
    exact = probability / probability.sum(axis=1, keepdims=True)
    return {
        "accuracy": float(np.mean(predicted == labels)),
        "balanced_accuracy": float(np.mean(recalls)),
        "log_loss": float(log_loss(labels, exact, labels=np.arange(probability.shape[1]))),
        "calibration_error": measure_calibration_error(probability, labels),
    }


def measure_classes(probability: NDArray[np.float64], labels: NDArray[np.int64]) -> list[Metrics]:
    """Precision, recall and F1 of each class, in their order; 0 where there is nothing to divide.

    Args:
        probability: (n, C), rows sum to 1.
        labels: (n,) class of each row, n >= 1.
    """
    from sklearn.metrics import precision_recall_fscore_support

    classes = np.arange(probability.shape[1])
    predicted = probability.argmax(axis=1)
    found = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0.0)
    return [
        dict(zip(("precision", "recall", "f1"), map(float, row), strict=True))
        for row in np.transpose(found[:3])
    ]


def measure_calibration_error(probability: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Expected calibration error of the top class over equal bins.

    Guo, Pleiss, Sun, Weinberger 2017, "On Calibration of Modern Neural Networks",
    arXiv 1706.04599, eq. 3.
    """
    confidence = probability.max(axis=1)
    correct = probability.argmax(axis=1) == labels
    bins = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
    gap = np.bincount(bins, weights=correct - confidence, minlength=N_BINS)
    return float(np.abs(gap).sum() / len(labels))
