"""Regression with all rows compared: against fits without a row, and against landmarks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from datacleanse.detection.second_opinion import features, kernel_ridge
from datacleanse.detection.second_opinion.kernel_ridge import Columns, Landmarks
from datacleanse.detection.second_opinion.pool import AbandonedError
from datacleanse.detection.second_opinion.ridge import PENALTIES
from datacleanse.detection.second_opinion.whole_kernel import WholeKernel

N = 90


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=N)
    seen = rng.normal(size=(3, 30))[labels] + 2 * rng.normal(size=(N, 30))
    return seen.astype(np.float32), labels


def regress(seen, labels, is_learned=None, **options):
    is_learned = np.ones(len(seen), bool) if is_learned is None else is_learned
    return features.make_regression(seen, is_learned, n_classes=3, seed=0, **options)(labels)


def test_left_out_scores_are_those_of_a_regression_without_the_row(rows):
    seen, labels = rows
    points = Columns.learned(seen, 30).points(seen).astype(np.float64)
    width = Landmarks.among(points.astype(np.float32))[0].width
    kernel = np.exp(-((points[:, None] - points) ** 2).sum(axis=2) / width)
    # Centring looks at no label: it is that of all rows. An intercept of its own has each fit.
    kernel += -kernel.mean(axis=0) - kernel.mean(axis=1)[:, None] + kernel.mean()
    variance, targets = np.trace(kernel) / N, np.eye(3)[labels]
    for scores, penalty in zip(regress(seen, labels), PENALTIES, strict=True):
        for row in (0, 41, N - 1):
            rest = np.arange(N) != row
            bordered = np.ones((N, N))
            bordered[:-1, :-1] = kernel[np.ix_(rest, rest)] + penalty * variance * np.eye(N - 1)
            bordered[-1, -1] = 0
            solution = np.linalg.solve(bordered, np.vstack([targets[rest], np.zeros(3)]))
            expected = np.append(kernel[row, rest], 1) @ solution
            np.testing.assert_allclose(scores[row], expected, atol=2e-3)


def test_rows_of_which_nothing_is_known_do_not_blind_it_to_the_others():
    """Where three in four have no features, most distances are 0."""
    rng = np.random.default_rng(1)
    labels, is_known = rng.integers(3, size=600), rng.random(600) < 0.25
    seen = rng.normal(size=(3, 30))[labels] + rng.normal(size=(600, 30))
    seen[~is_known] = np.nan
    scores = regress(seen.astype(np.float32), labels)[1]
    assert np.mean(scores.argmax(axis=1)[is_known] == labels[is_known]) > 0.9


def test_rows_that_are_not_learned_are_judged_but_change_nothing(rows):
    seen, labels = rows
    is_learned = np.arange(N) >= 20
    found = regress(seen, labels, is_learned)
    other = regress(seen, np.where(is_learned, labels, 0), is_learned)
    np.testing.assert_array_equal(found, other)
    used = np.flatnonzero(is_learned)
    columns = Columns.learned(seen[used], 30)
    kernel, _ = Landmarks.among(columns.points(seen[used]))
    learned, asked = (kernel.values(columns.points(each)) for each in (seen[used], seen[:20]))
    mean = learned.mean(axis=0)
    centred = learned - mean - (mean - mean.mean())[:, None]
    variance, targets = np.trace(centred) / len(used), np.eye(3)[labels[used]]
    for scores, penalty in zip(found, PENALTIES, strict=True):
        model = KernelRidge(alpha=penalty * variance, kernel="precomputed")
        model.fit(centred, targets - targets.mean(axis=0))
        expected = model.predict(asked - mean) + targets.mean(axis=0)
        np.testing.assert_allclose(scores[:20], expected, atol=1e-3)


def test_with_all_rows_as_landmarks_it_is_the_regression_on_them(rows):
    seen, labels = rows
    expected = kernel_ridge.score_without_own_labels(
        seen,
        labels,
        np.ones(N, bool),
        n_numbers=30,
        n_classes=3,
        seed=0,
        is_unwanted=lambda: False,
        n_landmarks=N,
    )
    # That scales the kernel's features' moments by their own trace, which centring changes.
    np.testing.assert_allclose(regress(seen, labels), expected, atol=2e-3)


def test_of_many_rows_some_are_landmarks(rows, monkeypatch):
    seen, labels = rows
    whole = regress(seen, labels)
    monkeypatch.setattr(features, "MOST_ROWS", N - 1)
    monkeypatch.setattr(features, "N_LANDMARKS", 40)
    some = regress(seen, labels)
    assert np.abs(np.subtract(some, whole)).max() > 1e-3
    assert np.mean(some[1].argmax(axis=1) == labels) > 0.6


def test_the_same_rows_serve_other_labels(rows):
    seen, labels = rows
    regression = features.make_regression(seen, np.ones(N, bool), n_classes=3, seed=0)
    before = regression(labels)
    shares = np.eye(3, dtype=np.float32)[(labels + 1) % 3]
    np.testing.assert_allclose(regression(shares), np.roll(before, 1, axis=2), atol=1e-5)
    np.testing.assert_array_equal(regression(labels), before)


@pytest.mark.parametrize(
    "seen", [np.zeros((12, 5)), np.ones((12, 1)), np.repeat([[1.0], [2]], 6, 0)]
)
def test_columns_that_tell_nothing_are_served(seen):
    scores = regress(seen.astype(np.float32), np.arange(12) % 3)
    assert np.isfinite(scores).all()


def test_nobody_waits(rows):
    with pytest.raises(AbandonedError):
        regress(*rows, is_unwanted=lambda: True)


def test_a_single_row_is_judged(rows):
    seen, labels = rows
    kernel = WholeKernel(seen, np.array([3]), lambda: False)
    assert np.isfinite(kernel.score_without_own_labels(labels, n_classes=3)).all()
