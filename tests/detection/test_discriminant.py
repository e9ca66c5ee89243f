"""Discriminant analysis: what it says of a row without that row, against fits without it."""

from __future__ import annotations

import numpy as np
import pytest

from datacleanse.detection.second_opinion import discriminant
from datacleanse.detection.second_opinion.discriminant import (
    LEAST_COUNT,
    SHRINKAGE,
    score_without_own_labels,
)
from datacleanse.detection.second_opinion.pool import AbandonedError

N, N_FEATURES, N_CLASSES = 40, 6, 4


@pytest.fixture
def rows():
    """Standardised points of four classes, of which the last has one row."""
    rng = np.random.default_rng(0)
    labels = np.append(rng.integers(3, size=N - 1), 3)
    seen = rng.normal(size=(N_CLASSES, N_FEATURES))[labels] + rng.normal(size=(N, N_FEATURES))
    return np.clip((seen - seen.mean(axis=0)) / seen.std(axis=0), -3, 3), labels


def ask(seen, labels, is_learned=None, is_unwanted=lambda: False):
    is_learned = np.ones(len(seen), bool) if is_learned is None else is_learned
    return score_without_own_labels(
        seen.astype(np.float32),
        labels,
        is_learned,
        n_classes=N_CLASSES,
        seed=0,
        is_unwanted=is_unwanted,
    )


def find_means(seen, labels):
    """Of each class; of one without rows, that of all."""
    return np.array(
        [
            seen[labels == c].mean(axis=0) if (labels == c).any() else np.zeros(N_FEATURES)
            for c in range(N_CLASSES)
        ]
    )


def find_scatter(seen, labels):
    off = seen - find_means(seen, labels)[labels]
    return off.T @ off


def score_slowly(row, seen, labels, identity, divisor):
    """Log-density of each class, with its count, fitted to ``seen``."""
    covariance = (1 - SHRINKAGE) * find_scatter(seen, labels) / divisor + identity
    off = row - find_means(seen, labels)
    counts = np.maximum(np.bincount(labels, minlength=N_CLASSES), LEAST_COUNT)
    return -np.sum(off @ np.linalg.inv(covariance) * off, axis=1) / 2 + np.log(counts)


def make_identity(seen, labels, n):
    """What is added to the covariance, by all rows."""
    variance = np.trace(find_scatter(seen, labels)) / n / N_FEATURES
    return (SHRINKAGE * variance + 1e-6) * np.eye(N_FEATURES)


def test_left_out_scores_are_those_of_a_fit_without_the_row(rows):
    seen, labels = rows
    identity, fast = make_identity(seen, labels, N), ask(seen, labels)
    for row in range(N):
        rest = np.arange(N) != row
        slow = score_slowly(seen[row], seen[rest], labels[rest], identity, N)
        np.testing.assert_allclose(fast[row] - fast[row].mean(), slow - slow.mean(), atol=1e-4)


def test_portions_change_nothing(rows, monkeypatch):
    whole = ask(*rows)
    monkeypatch.setattr(discriminant, "PORTION", 7)
    np.testing.assert_allclose(ask(*rows), whole, atol=1e-4)


def test_rows_whose_labels_are_not_learned_have_no_part_in_it(rows):
    seen, labels = rows
    is_learned = np.arange(N) % 5 > 0
    told = ask(seen, labels, is_learned)
    other = np.where(is_learned, labels, (labels + 1) % N_CLASSES)
    np.testing.assert_array_equal(ask(seen, other, is_learned), told)
    kept = seen[is_learned]
    points = np.clip((seen - kept.mean(axis=0)) / (kept.std(axis=0) + 1e-6), -3, 3)
    learned, own = points[is_learned], labels[is_learned]
    identity = make_identity(learned, own, len(own))
    slow = score_slowly(points[0], learned, own, identity, len(own))
    np.testing.assert_allclose(told[0] - told[0].mean(), slow - slow.mean(), atol=1e-4)


def test_it_gives_up_where_it_is_not_wanted(rows):
    with pytest.raises(AbandonedError):
        ask(*rows, is_unwanted=lambda: True)


def test_what_is_missing_lies_at_the_mean(rows):
    seen, labels = rows
    lacking = seen.copy()
    lacking[5, 2] = np.nan
    told = ask(lacking, labels)
    assert np.isfinite(told).all()
    filled = seen.copy()
    filled[5, 2] = np.nanmean(lacking[:, 2])
    # The scale of the column is that of what is known, and so hardly another.
    np.testing.assert_allclose(told, ask(filled, labels), atol=0.3)
