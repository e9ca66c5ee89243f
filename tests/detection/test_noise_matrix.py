"""The noise matrix: recovered where it can be known, not believed where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datacleanse.detection import noise_matrix
from datacleanse.detection.deconvolution import (
    MANY_CLASSES,
    deconvolve,
    make_one_rate_matrix,
    raise_to_floor,
)
from datacleanse.detection.noise_matrix import fit_noise

C = 3
ALL = np.ones((1, 300), dtype=np.bool_)
"""One part: all clean rows."""


def rows(n, matrix, *, sharpness=6.0, seed=0):
    """True classes, P(given | x) of a perfect model of the noisy labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, C)) * sharpness
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(C, p=row) for row in p])
    return truth, p, raise_to_floor(p @ matrix, 1e-6)


def test_deconvolution_undoes_the_noise_matrix():
    matrix = np.array([[0.9, 0.1, 0.0], [0.0, 0.7, 0.3], [0.05, 0.0, 0.95]])
    _, p, given = rows(500, matrix)
    back = deconvolve(given, matrix, 200)
    assert np.abs(back - p).mean() < 0.02
    assert np.abs(given - p).mean() > 0.05


def test_deconvolution_keeps_rows_that_sum_to_one():
    given = raise_to_floor(np.random.default_rng(0).dirichlet(np.ones(C), size=40))
    p = deconvolve(given, make_one_rate_matrix(C, 0.3))
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert (p >= 0).all()


def test_arrays_and_tensors_are_deconvolved_alike_one_matrix_or_several():
    matrices = np.stack([make_one_rate_matrix(C, 0.3), make_one_rate_matrix(C, 0.01)])
    given = raise_to_floor(np.random.default_rng(0).dirichlet(np.ones(C), size=40))
    together = deconvolve(torch.from_numpy(given), torch.from_numpy(matrices)).numpy()
    for matrix, found in zip(matrices, together, strict=True):
        np.testing.assert_allclose(found, deconvolve(given, matrix), rtol=1e-12)


def test_nothing_is_divided_by_zero_where_a_model_and_a_matrix_are_as_sure_as_they_can_be():
    """What is certain is floored; the matrix says that a class is nearly never labelled so."""
    given = raise_to_floor(np.eye(C))
    matrix = raise_to_floor(np.roll(np.eye(C), 1, axis=1), 1e-13)
    for iterations in (1, 8, 50):
        p = deconvolve(given, matrix, iterations)
        assert np.isfinite(p).all()
        np.testing.assert_allclose(p.sum(axis=1), 1.0)


def draw_many(n, n_classes):
    """P(given | x) of n rows in turns of many classes, and their classes."""
    rng = np.random.default_rng(0)
    truth = np.arange(n) % n_classes
    given = rng.dirichlet(np.full(n_classes, 0.05), size=n) + 2 * np.eye(n_classes)[truth]
    return truth, raise_to_floor(given / 3)


def test_of_many_classes_one_rate_is_taken_out_from_sums_as_by_the_matrix():
    n_classes = MANY_CLASSES + 20
    _, given = draw_many(50, n_classes)
    matrix = make_one_rate_matrix(n_classes, 0.2)
    product = deconvolve(torch.from_numpy(given), torch.from_numpy(matrix)).numpy()
    before = given.copy()
    np.testing.assert_allclose(deconvolve(given, matrix), product, rtol=1e-11)
    np.testing.assert_array_equal(given, before)
    # Another matrix of that size is no such one.
    matrix[3, 4] *= 2
    product = deconvolve(torch.from_numpy(given), torch.from_numpy(matrix)).numpy()
    np.testing.assert_allclose(deconvolve(given, matrix), product, rtol=1e-11)


def test_of_many_classes_the_one_rate_matrix_alone_is_learned_in_a_moment(monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(noise_matrix, "_fit_full", refuse)
    truth, given = draw_many(600, 600)
    parts = np.stack([np.arange(600) % 2 == half for half in (0, 1)])
    for noise in fit_noise(given, truth, parts):
        assert noise.gain == 0.0
        np.testing.assert_array_equal(noise.full, noise.one_rate)
        assert noise.one_rate.shape == (600, 600)
        assert 0 < 1 - noise.one_rate[0, 0] < 0.5


def test_up_to_many_classes_a_full_matrix_is_learned(monkeypatch):
    asked = []
    fit = noise_matrix._fit_full
    monkeypatch.setattr(noise_matrix, "_fit_full", lambda *all_: asked.append(1) or fit(*all_))
    monkeypatch.setattr(noise_matrix, "FIT_STEPS", 1)
    truth, given = draw_many(MANY_CLASSES, MANY_CLASSES)
    fit_noise(given, truth, np.ones((1, MANY_CLASSES), dtype=np.bool_))
    assert asked == [1]


def test_without_noise_nothing_is_taken_out():
    given = raise_to_floor(np.random.default_rng(0).dirichlet(np.ones(C), size=40))
    np.testing.assert_allclose(deconvolve(given, np.eye(C) + 1e-12), given, atol=1e-9)


def test_one_sided_errors_are_found_and_believed():
    matrix = np.array([[0.6, 0.4, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    truth, _, given = rows(300, matrix)
    (noise,) = fit_noise(given, truth, ALL)
    assert noise.gain > 5
    assert noise.full[0, 1] == pytest.approx(0.4, abs=0.2)
    assert noise.full[1, 0] < 0.1
    np.testing.assert_allclose(noise.full.sum(axis=1), 1.0)
    np.testing.assert_allclose(noise.one_rate.sum(axis=1), 1.0)


def test_a_row_that_a_matrix_rules_out_costs_it_no_more_than_the_floor():
    """Else one row of a class that a fit has not met would outweigh all others."""
    matrix = raise_to_floor(np.eye(C), 1e-9)
    given = raise_to_floor(np.array([[0.0, 1.0, 0.0]]), 1e-6)
    found = noise_matrix._compute_likelihoods(given, np.array([2]), matrix[None])
    assert found == pytest.approx(np.log(noise_matrix.LEAST))


def test_even_errors_leave_the_one_rate_matrix_in_charge():
    truth, _, given = rows(300, make_one_rate_matrix(C, 0.2))
    (noise,) = fit_noise(given, truth, ALL)
    assert noise.gain < 0.4
    assert 1 - noise.one_rate[0, 0] == pytest.approx(0.2, abs=0.1)


def test_a_single_clean_row_is_fitted_without_being_believed():
    (noise,) = fit_noise(np.full((1, C), 1 / C), np.array([2]), ALL[:, :1])
    assert noise.gain < 0.4
    assert np.isfinite(noise.full).all()


def test_parts_fitted_together_come_out_as_each_would_alone():
    truth, _, given = rows(300, make_one_rate_matrix(C, 0.2))
    is_in = np.random.default_rng(0).random((2, 300)) < 0.6
    for part, noise in zip(is_in, fit_noise(given, truth, is_in), strict=True):
        (alone,) = fit_noise(given[part], truth[part], ALL[:, : part.sum()])
        np.testing.assert_allclose(noise.full, alone.full, rtol=1e-6)
        np.testing.assert_array_equal(noise.one_rate, alone.one_rate)
        assert noise.gain == pytest.approx(alone.gain, rel=1e-6)
