"""The posterior against its formula, row by row."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from datacleanse.detection import posterior as module
from datacleanse.detection.deconvolution import (
    USUAL_RATE,
    deconvolve,
    make_one_rate_matrix,
    raise_to_floor,
)
from datacleanse.detection.error_kinds import Spread
from datacleanse.detection.evidence import Fold
from datacleanse.detection.fold_posteriors import FoldPosteriors, _learn_noise, gather_opinions
from datacleanse.detection.noise_matrix import NoiseModel, fit_noise
from datacleanse.detection.posterior import (
    BURDEN,
    JUDGED,
    MAX_FITTED,
    POOL_LEAST,
    SHARPNESS,
    Noise,
    Opinions,
    _pool,
    learn_noise,
    learn_noise_alone,
    split_judged,
)

N, C = 30, 3


def draw(seed):
    return np.random.default_rng(seed).dirichlet(np.ones(C), size=N).astype(np.float32)


def pooled(row, second, control, own, matrix):
    """Half the exponent to the second opinion, a quarter to each of two networks."""
    s, u, r = (raise_to_floor(o[row : row + 1].astype(float)) for o in (second, control, own))
    experts = [deconvolve(s, matrix)[0], deconvolve(u, matrix)[0], r[0]]
    a, b, c = (np.maximum(p, POOL_LEAST) / np.maximum(p, POOL_LEAST).sum() for p in experts)
    p = (a**0.5 * b**0.25 * c**0.25) ** SHARPNESS
    return p / p.sum()


def test_the_posterior_is_bayes_rule_on_the_pooled_opinions_mixed_by_trust():
    second, control, own = draw(0), draw(1), draw(2)
    full = np.array([[0.7, 0.2, 0.1], [0.1, 0.9, 0.0], [0.0, 0.3, 0.7]])
    matrices = NoiseModel(full, make_one_rate_matrix(C, 0.1), gain=-0.4)
    trust = 0.3
    noise = Noise(matrices, Spread(0.04, 0.06), trust)
    labels = np.random.default_rng(3).integers(0, C, N)
    opinions = Opinions([control], [own], second=second)
    q = opinions.posterior(np.arange(N), labels, noise)

    for i in range(N):
        g = labels[i]
        p = pooled(i, second, control, own, full)
        by_matrix = np.array([full[c, g] * p[c] for c in range(C)])
        p = pooled(i, second, control, own, matrices.one_rate)
        by_rate = np.array(
            [
                0.9 * p[c] if c == g else p[c] * (0.04 / (C - 1) + 0.06 * p[g] / (1 - p[c]))
                for c in range(C)
            ]
        )
        expected = trust * by_matrix / by_matrix.sum() + (1 - trust) * by_rate / by_rate.sum()
        np.testing.assert_allclose(q[i], expected, rtol=1e-6)


def test_a_matrix_is_believed_by_what_all_clean_rows_say_for_it():
    """One-sided errors that a perfect opinion repeats, and none at all."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, C, 3000)
    p = np.full((3000, C), 0.05)
    p[np.arange(3000), truth] = 0.9
    one_sided = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    parts = [np.arange(2800, 2900), np.arange(2900, 3000)]
    for matrix, is_believed in ((one_sided, True), (np.eye(C), False)):
        found = learn_noise(
            (p @ matrix).astype(np.float32), parts, truth, truth, 2800, on_pairs=False
        )
        gain = sum(noise.matrices.gain for noise in found)
        trusts = [noise.trust for noise in found]
        assert trusts == pytest.approx([1 / (1 + np.exp(BURDEN - gain))] * len(parts))
        assert (trusts[0] > 0.9) == is_believed
        assert (trusts[0] < 0.1) != is_believed


def test_an_opinion_steered_by_true_labels_is_not_corrected_for_noise():
    own, blank = draw(2), np.full((N, C), 1 / C, np.float32)
    matrices = NoiseModel(np.eye(C), make_one_rate_matrix(C, 0.5), gain=-9.0)
    noise = Noise(matrices, Spread(0.2, 0.2), trust=0.0)
    labels = np.zeros(N, dtype=np.int64)
    steered = Opinions([blank], [own], second=None)
    unsteered = Opinions([blank, own], [], second=None)
    one, other = (o.posterior(np.arange(N), labels, noise) for o in (steered, unsteered))
    assert np.abs(one - other).max() > 0.01


def test_without_a_second_opinion_the_networks_have_all_votes():
    control, own = draw(1), draw(2)
    matrix = make_one_rate_matrix(C, 0.1)
    given, true = (raise_to_floor(opinion.astype(float)) for opinion in (control, own))
    pool = _pool([given], [true], None, matrix)
    for i in range(N):
        u = deconvolve(raise_to_floor(control[i : i + 1].astype(float)), matrix)[0]
        r = raise_to_floor(own[i : i + 1].astype(float))[0]
        a, b = (np.maximum(p, POOL_LEAST) / np.maximum(p, POOL_LEAST).sum() for p in (u, r))
        expected = (a * b) ** (SHARPNESS / 2)
        np.testing.assert_allclose(pool[i], expected / expected.sum(), rtol=1e-6)


@pytest.mark.parametrize("has_texts", [False, True])
def test_what_reads_whole_texts_has_two_thirds_of_the_votes(has_texts):
    control, own, second = draw(1), draw(2), draw(3)
    matrix = make_one_rate_matrix(C, 0.1)
    noise = Noise(NoiseModel(matrix, matrix, gain=0.0), Spread(0.1, 0.1), trust=1.0)
    evidence = SimpleNamespace(
        control=SimpleNamespace(probability=control),
        is_steered=True,
        second=second,
        has_texts=has_texts,
        left_out=np.zeros(C, dtype=np.bool_),
    )
    opinions = gather_opinions(evidence, SimpleNamespace(opinion=own))
    labels = np.zeros(N, dtype=np.int64)
    found = opinions.posterior(np.arange(N), labels, noise)
    given, true, other = (raise_to_floor(each.astype(float)) for each in (control, own, second))
    pool = _pool([given], [true], other, matrix, vote=2 / 3 if has_texts else 1 / 2)
    expected = pool * matrix[:, 0]
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True))


def test_the_noise_is_learned_from_an_opinion_that_is_right():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, C, 3000)
    wrong = rng.random(3000) < 0.2
    labels = np.where(wrong, (truth + rng.integers(1, C, 3000)) % C, truth)
    labels[2800:] = truth[2800:]
    right = np.full((3000, C), 0.05, np.float32)
    right[np.arange(3000), truth] = 0.9
    blank = np.full((3000, C), 1 / C, np.float32)
    parts = [np.arange(2800, 2900), np.arange(2900, 3000)]
    by_right, by_blank = (
        learn_noise(opinion, parts, labels, labels, 2800, on_pairs=False)
        for opinion in (right, blank)
    )
    assert len(by_right) == len(parts)
    for found, other in zip(by_right, by_blank, strict=True):
        assert found.spread.even + found.spread.alike == pytest.approx(0.2, abs=0.05)
        assert np.abs(found.matrices.full - other.matrices.full).max() > 0.05


def test_without_clean_rows_one_usual_rate_is_supposed_and_no_matrix_is_believed():
    opinion = draw(0)
    labels = np.random.default_rng(1).integers(0, C, N)
    nothing = np.empty(0, dtype=np.int64)
    unknown = np.full(N, -1)
    (noise,) = learn_noise(opinion, [nothing], unknown, labels, N, on_pairs=False)
    np.testing.assert_array_equal(noise.matrices.one_rate, make_one_rate_matrix(C, USUAL_RATE))
    assert noise.trust == 0
    assert 0 < noise.spread.even + noise.spread.alike < 1


def test_how_errors_spread_is_learned_from_rows_of_all_kinds_where_these_take_turns():
    rng = np.random.default_rng(0)
    n = 3 * MAX_FITTED
    truth = rng.integers(0, C, n)
    # Of three annotators, in turn, the last one errs.
    is_wrong = (np.arange(n) % 3 == 2) & (rng.random(n) < 0.3)
    labels = np.where(is_wrong, (truth + rng.integers(1, C, n)) % C, truth)
    opinion = np.full((n, C), 0.02, dtype=np.float32)
    opinion[np.arange(n), truth] = 0.96
    spread = learn_noise_alone(opinion, labels, n).spread
    assert spread.even + spread.alike == pytest.approx(is_wrong.mean(), abs=0.01)


def test_rows_are_judged_some_at_a_time_and_fewer_where_classes_are_many():
    for n_rows, n_classes in ((JUDGED + 5, 2), (1_000, 1_000), (3, 2 * JUDGED), (0, 5)):
        parts = list(split_judged(n_rows, n_classes))
        assert all(len(part) * n_classes <= max(JUDGED, n_classes) for part in parts)
        assert np.array_equal(np.concatenate([np.empty(0, int), *parts]), np.arange(n_rows))


def test_judging_takes_memory_for_the_rows_that_are_judged_together(monkeypatch):
    n, n_classes = 4_000, 100
    drawn = np.random.default_rng(0).dirichlet(np.ones(n_classes), size=n).astype(np.float32)
    labels = np.arange(n) % n_classes
    fold = Fold(None, np.empty(0, np.int64), np.empty(0, np.int64))
    evidence = SimpleNamespace(
        labels=labels,
        n_data=n,
        truth=np.full(n, -1),
        verified=np.full(n, -1),
        folds=(fold,),
        control=SimpleNamespace(probability=drawn),
        second=drawn,
        is_steered=False,
        has_texts=False,
        left_out=np.zeros(n_classes, dtype=np.bool_),
    )
    pairs = SimpleNamespace(suffice=False)
    whole = FoldPosteriors(evidence, pairs)
    monkeypatch.setattr(module, "JUDGED", 10_000)
    monkeypatch.setattr(module, "MAX_FITTED", 100)  # on which the noise is fitted
    tracemalloc.start()
    parts = FoldPosteriors(evidence, pairs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert parts.noise[0].matrices.gain == whole.noise[0].matrices.gain
    assert np.array_equal(parts.other, whole.other)
    assert peak < n * n_classes * 8


def test_of_very_many_clean_rows_some_teach_the_noise(monkeypatch):
    monkeypatch.setattr(module, "MAX_CLEAN", 60)
    met = []

    def note(given, truth, is_in):
        met.append(is_in.sum(axis=1).tolist())
        return fit_noise(given, truth, is_in)

    monkeypatch.setattr(module, "fit_noise", note)
    n = 400
    truth = np.arange(n) % C
    opinion = np.full((n, C), 0.05, dtype=np.float32)
    opinion[np.arange(n), truth] = 0.9
    clean = np.arange(100, n)
    parts = [clean[:250], clean[250:]]
    found = learn_noise(opinion, parts, truth, truth, 100, on_pairs=False)
    assert met == [[60, 50]]
    assert all(np.diag(each.matrices.full).min() > 0.8 for each in found)


def test_plain_training_speaks_for_a_class_that_steering_drove_networks_away_from():
    control, second = draw(1), draw(2)
    own, left_out = draw(3), np.array([False, True, False])
    own[:, 1] = 0.0
    own /= own.sum(axis=1, keepdims=True)
    matrix = make_one_rate_matrix(C, 0.1)
    given, true, other = (raise_to_floor(each.astype(float)) for each in (control, own, second))
    pool = _pool([given], [true], other, matrix, left_out=left_out)
    for i in range(N):
        u = deconvolve(given[i : i + 1], matrix)[0]
        r = np.empty(C)
        r[1] = u[1]
        r[[0, 2]] = (1 - u[1]) * true[i, [0, 2]] / true[i, [0, 2]].sum()
        s = deconvolve(other[i : i + 1], matrix)[0]
        a, b, c = (np.maximum(p, POOL_LEAST) / np.maximum(p, POOL_LEAST).sum() for p in (s, u, r))
        expected = (a**0.5 * b**0.25 * c**0.25) ** SHARPNESS
        np.testing.assert_allclose(pool[i], expected / expected.sum(), rtol=1e-6)

    opinions = Opinions([control], [own], second=second, left_out=left_out)
    doubt = opinions.doubt_given(np.arange(N), np.arange(N) % C)
    is_left_out = np.arange(N) % C == 1
    assert (doubt[is_left_out, 1] == doubt[is_left_out, 0]).all()
    assert (doubt[~is_left_out, 1] != doubt[~is_left_out, 0]).all()


def test_no_matrix_is_believed_where_clean_leaves_out_a_class():
    """One-sided errors, all clean rows of which are of the first class."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 600)
    p = np.where(truth[:, None] == np.arange(2), 0.95, 0.05)
    given = (p @ np.array([[0.6, 0.4], [0.0, 1.0]])).astype(np.float32)
    for left_out, is_believed in (([False, False], True), ([False, True], False)):
        evidence = SimpleNamespace(
            control=SimpleNamespace(probability=given),
            second=None,
            folds=[SimpleNamespace(steering=200 + np.flatnonzero(truth[200:] == 0))],
            truth=truth,
            labels=truth,
            n_data=200,
            left_out=np.array(left_out),
        )
        (noise,) = _learn_noise(evidence, [], SimpleNamespace(suffice=False))
        assert (noise.trust > 0.5) == is_believed
        assert (noise.trust == 0.0) != is_believed
