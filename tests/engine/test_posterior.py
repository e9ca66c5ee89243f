"""The posterior against its formula, row by row."""

from __future__ import annotations

import numpy as np

from datacleanse.noise_matrix import NoiseModel, deconvolved, floored, one_rate_matrix
from datacleanse.posterior import POOL_LEAST, Opinions

N, C = 30, 3


def draw(seed):
    return np.random.default_rng(seed).dirichlet(np.ones(C), size=N).astype(np.float32)


def test_the_posterior_is_bayes_rule_on_the_pooled_opinions_mixed_by_trust():
    trees, control, own = draw(0), draw(1), draw(2)
    full = np.array([[0.7, 0.2, 0.1], [0.1, 0.9, 0.0], [0.0, 0.3, 0.7]])
    noise = NoiseModel(full, one_rate_matrix(C, 0.1), trust=0.3, gain=0.0)
    labels = np.random.default_rng(3).integers(0, C, N)
    q = Opinions([trees, control], [own]).posterior(np.arange(N), labels, noise)

    for i in range(N):
        expected = np.zeros(C)
        for matrix, trust in ((noise.full, 0.3), (noise.one_rate, 0.7)):
            experts = [
                deconvolved(floored(o[i : i + 1].astype(float)), matrix)[0]
                for o in (trees, control)
            ]
            experts.append(floored(own[i : i + 1].astype(float))[0])
            raised = [np.maximum(p, POOL_LEAST) / np.maximum(p, POOL_LEAST).sum() for p in experts]
            p = np.prod(raised, axis=0) ** (1 / 3)
            joint = [matrix[c, labels[i]] * p[c] for c in range(C)]
            expected += trust * np.array(joint) / sum(joint)
        np.testing.assert_allclose(q[i], expected, rtol=1e-9)


def test_an_opinion_steered_by_true_labels_is_not_corrected_for_noise():
    own, blank = draw(2), np.full((N, C), 1 / C, np.float32)
    noise = NoiseModel(np.eye(C), one_rate_matrix(C, 0.5), trust=0.0, gain=0.0)
    labels = np.zeros(N, dtype=np.int64)
    steered = Opinions([blank], [own]).posterior(np.arange(N), labels, noise)
    unsteered = Opinions([blank, own], []).posterior(np.arange(N), labels, noise)
    assert np.abs(steered - unsteered).max() > 0.01
