"""Ridge regression: what it says of a row without that row, against fits without it."""

from __future__ import annotations

import numpy as np
import pytest

from datacleanse.detection.second_opinion import ridge as module
from datacleanse.detection.second_opinion.ridge import PENALTIES, Ridge, draw_rows


@pytest.mark.parametrize("is_turned", [False, True])
def test_left_out_scores_are_those_of_a_regression_without_the_row(is_turned):
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(40, 12)) * rng.uniform(0.2, 3, 12)).astype(np.float32)
    labels = rng.integers(3, size=40)
    axes = np.eye(12, dtype=np.float32) if is_turned else None
    fast = Ridge(features.copy(), labels, 3, axes=axes).score_without_own_labels()
    # Scaling looks at no label: it is that of all rows.
    scaled = features - features.mean(axis=0)
    if not is_turned:
        scaled /= features.std(axis=0) + 1e-6
    variance = scaled.var(axis=0).sum()
    for row in (0, 17, 39):
        rest = np.arange(40) != row
        targets = np.eye(3)[labels[rest]]
        for scores, penalty in zip(fast, PENALTIES, strict=True):
            x = np.column_stack([scaled[rest], np.ones(39)]).astype(np.float64)
            penalties = np.diag([penalty * variance] * 12 + [0.0])
            solution = np.linalg.solve(x.T @ x + penalties, x.T @ targets)
            np.testing.assert_allclose(
                scores[row], np.append(scaled[row], 1.0) @ solution, atol=1e-4
            )


def test_rows_that_it_was_not_solved_on_are_scored_by_the_same_solution():
    rng = np.random.default_rng(1)
    features = (rng.normal(size=(30, 4)) * [1, 2, 3, 0.1]).astype(np.float32)
    labels = rng.integers(2, size=30)
    new = rng.normal(size=(5, 4)).astype(np.float32)
    scores = Ridge(features.copy(), labels, 2).scores(new)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    x, targets = (features - mean) / scale, np.eye(2)[labels]
    for found, penalty in zip(scores, PENALTIES, strict=True):
        solution = np.linalg.solve(
            x.T @ x + penalty * 4 * np.eye(4), x.T @ (targets - targets.mean(axis=0))
        )
        expected = (new - mean) / scale @ solution + targets.mean(axis=0)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_features_turned_to_axes_keep_their_scales():
    rng = np.random.default_rng(2)
    features = (rng.normal(size=(30, 4)) * [1, 2, 3, 0.1]).astype(np.float32)
    labels = rng.integers(2, size=30)
    new = rng.normal(size=(5, 4)).astype(np.float32)
    axes = rng.normal(size=(4, 3)).astype(np.float32)
    turned = features @ axes
    scores = Ridge(turned.copy(), labels, 2, axes=axes).scores(new)
    x, targets = turned - turned.mean(axis=0), np.eye(2)[labels]
    for found, penalty in zip(scores, PENALTIES, strict=True):
        penalties = penalty * turned.var(axis=0).sum() * np.eye(3)
        solution = np.linalg.solve(x.T @ x + penalties, x.T @ (targets - targets.mean(axis=0)))
        expected = (new @ axes - turned.mean(axis=0)) @ solution + targets.mean(axis=0)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_of_many_rows_some_are_drawn_to_be_learned(monkeypatch):
    is_learned = np.arange(100) % 3 > 0
    learned = np.flatnonzero(is_learned)
    np.testing.assert_array_equal(draw_rows(is_learned, np.random.default_rng(0)), learned)
    monkeypatch.setattr(module, "MAX_FITTED", 20)
    some, same, other = (draw_rows(is_learned, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert len(some) == len(np.unique(some)) == 20
    assert (np.diff(some) > 0).all()
    assert set(some) <= set(learned)
    np.testing.assert_array_equal(some, same)
    assert (some != other).any()


def test_labels_may_be_shares_of_the_classes():
    rng = np.random.default_rng(5)
    features = rng.normal(size=(30, 4)).astype(np.float32)
    labels = rng.integers(3, size=30)
    whole = Ridge(features.copy(), labels, 3).score_without_own_labels()
    shares = np.eye(3, dtype=np.float32)[labels]
    np.testing.assert_array_equal(
        Ridge(features.copy(), shares, 3).score_without_own_labels(), whole
    )
    half = 0.5 * shares + 0.5 / 3
    milder = Ridge(features.copy(), half, 3).score_without_own_labels()
    np.testing.assert_allclose(milder, 0.5 * whole + 0.5 / 3, atol=1e-5)
