"""How errors spread: the formula term by term, and both kinds told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.detection.error_kinds import (
    START,
    Spread,
    compare_with_right,
    fit_spread,
    posterior,
)


def drawn(even, alike, *, n=4000, n_classes=4, sharpness=2.5, seed=0):
    """Probabilities of the true class, true classes, labels with both kinds of errors."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, n_classes)) * sharpness
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    truth = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1)
    labels = truth.copy()
    kind = rng.random(n)
    for row in np.flatnonzero(kind < even + alike):
        others = np.arange(n_classes) != truth[row]
        chances = np.where(others, 1.0 if kind[row] < even else p[row], 0.0)
        labels[row] = rng.choice(n_classes, p=chances / chances.sum())
    return p, truth, labels


@pytest.mark.parametrize(("even", "alike"), [(0.3, 0.0), (0.0, 0.2), (0.1, 0.1), (0.0, 0.0)])
def test_the_shares_are_found_in_the_labels_alone(even, alike):
    p, _, labels = drawn(even, alike)
    found = fit_spread(p, labels)
    assert found.even == pytest.approx(even, abs=0.03)
    assert found.alike == pytest.approx(alike, abs=0.06)


def test_with_two_classes_the_kinds_are_one():
    p, _, labels = drawn(0.2, 0.0, n_classes=2)
    found = fit_spread(p, labels)
    assert found.even == pytest.approx(found.alike, rel=1e-6)
    assert found.even + found.alike == pytest.approx(0.2, abs=0.04)


@given(
    p=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5),
    label=st.integers(0, 4),
    even=st.floats(0.001, 0.45),
    alike=st.floats(0.001, 0.45),
)
def test_the_posterior_is_bayes_rule_term_by_term(p, label, even, alike):
    n, label = len(p), label % len(p)
    p = [each / sum(p) for each in p]
    joint = [
        (1 - even - alike) * p[c]
        if c == label
        else p[c] * (even / (n - 1) + alike * p[label] / (1 - p[c]))
        for c in range(n)
    ]
    found = posterior(np.array([p]), np.array([label]), Spread(even, alike))
    np.testing.assert_allclose(found[0], np.array(joint) / sum(joint), rtol=1e-6)


def test_its_probabilities_come_true():
    p, truth, labels = drawn(0.1, 0.15, n=20_000)
    q = posterior(p, labels, Spread(0.1, 0.15))
    doubt = 1 - q[np.arange(len(labels)), labels]
    for low in np.arange(0, 1, 0.25):
        some = (doubt >= low) & (doubt < low + 0.25)
        assert (truth != labels)[some].mean() == pytest.approx(doubt[some].mean(), abs=0.03)


def test_certain_rows_and_a_single_row_are_served():
    p, labels = np.array([[1.0, 0.0, 0.0]]), np.array([2])
    found = fit_spread(p, labels)
    q = posterior(p, labels, found)
    assert np.isfinite(q).all()
    assert q[0].argmax() == 0


def test_what_right_labels_seem_to_have_as_well_is_no_error_of_its_kind():
    found = compare_with_right(Spread(0.08, 0.06), Spread(0.01, 0.05))
    assert found.even + found.alike == pytest.approx(0.14)
    assert found.even == pytest.approx(7 * found.alike)


def test_a_kind_that_right_labels_seem_to_have_more_of_is_nearly_left_out():
    found = compare_with_right(Spread(0.08, 0.02), Spread(0.01, 0.05))
    assert 0 < found.alike < 0.002
    assert found.even + found.alike == pytest.approx(0.1)


def test_errors_on_any_class_are_known_as_such_by_an_opinion_that_is_too_sure():
    p, truth, labels = drawn(0.1, 0.0, n=6000)
    sure = p**2 / (p**2).sum(axis=1, keepdims=True)
    found, right = fit_spread(sure, labels), fit_spread(sure[:3000], truth[:3000])
    compared = compare_with_right(found, right)
    assert found.alike > 0.25 * found.even
    assert compared.alike < 0.05 * compared.even


@pytest.mark.parametrize("n_rows", [4, 20, 100])
def test_opinions_that_say_nothing_leave_the_shares_at_the_start(n_rows):
    flat = np.full((n_rows, 2), 0.5)
    found = fit_spread(flat, np.arange(n_rows) % 2)
    np.testing.assert_allclose((found.even, found.alike), START[1:], atol=1e-6)
