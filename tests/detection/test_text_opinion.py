"""The linear opinion on texts: each row is judged without its own label."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from datacleanse.detection.second_opinion import background, naive_bayes, ridge, tables, texts
from datacleanse.detection.second_opinion.background import Adviser
from datacleanse.detection.second_opinion.question import Question

N, V = 90, 40


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    dense = rng.random((N, V)).astype(np.float32) * (rng.random((N, V)) < 0.2)
    dense[:, :3] = 0
    dense[np.arange(N), np.arange(N) % 3] = 1.0
    dense[5] = 0.0
    return sparse.csr_array(dense)


@pytest.fixture(scope="module")
def labels():
    return np.arange(N) % 3


def ask(counts, labels, is_learned):
    return texts.score_without_own_labels(
        counts, labels, is_learned, n_classes=3, seed=0, is_unwanted=lambda: False
    )


def test_no_row_sees_its_own_label_and_all_are_judged(counts, labels):
    is_learned = np.arange(N) < N - 10
    found = ask(counts, labels, is_learned)
    assert [each.shape for each in found] == [(N, 3)] * len(ridge.PENALTIES)
    other = labels.copy()
    other[7] = (labels[7] + 1) % 3
    for mine, changed in zip(found, ask(counts, other, is_learned), strict=True):
        np.testing.assert_allclose(mine[7], changed[7], atol=1e-4)
        assert np.abs(mine - changed).max() > 1e-3
    right = found[1].argmax(axis=1) == labels
    assert right[np.arange(N) != 5].mean() > 0.9


def answer_elsewhere(asked, monkeypatch, place):
    """The answer of a process that is started, not forked."""
    monkeypatch.setattr(background, "MANY", 0)
    monkeypatch.setattr(background, "can_fork", lambda: False)
    monkeypatch.setattr(Question, "answer", lambda *_: pytest.fail("asked here"))
    (opinion,) = Adviser().ask(asked, place)
    running = opinion.start(None)
    try:
        return running.take()
    finally:
        running.end()


def test_it_joins_the_opinion_on_the_table_in_a_thread_and_in_a_process(
    counts, labels, monkeypatch, tmp_path
):
    rows = np.random.default_rng(1).normal(size=(N, 2)).astype(np.float32)
    monkeypatch.setattr("datacleanse.detection.second_opinion.trees.N_TREES", 3)
    blind = tables.ask(rows, labels, np.ones(N, bool), n_numbers=2, n_classes=3, seed=0)
    seeing = tables.ask(
        rows, labels, np.ones(N, bool), n_numbers=2, n_classes=3, seed=0, texts=counts
    )
    at = np.arange(N), labels
    assert np.log(seeing[at]).mean() > np.log(blind[at]).mean() + 0.3
    monkeypatch.undo()
    asked = Question("table", rows, labels, np.ones(N, bool), 3, 0, n_numbers=2, texts=counts)
    expected = asked.answer()
    np.testing.assert_array_equal(answer_elsewhere(asked, monkeypatch, tmp_path), expected)


def test_texts_and_their_vectors_alone_are_judged_in_a_process_too(
    counts, labels, monkeypatch, tmp_path
):
    vectors = np.random.default_rng(2).normal(size=(N, 4)).astype(np.float32)
    vectors[:, 0] += 9 * (labels == 1)
    vectors[3] = np.nan
    nothing = np.empty((N, 0), np.float32)
    learned = np.ones(N, bool)
    asked = Question("table", nothing, labels, learned, 3, 0, texts=counts, vectors=vectors)
    expected = asked.answer()
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
    # Only directions count.
    longer = Question("table", nothing, labels, learned, 3, 0, texts=counts, vectors=7 * vectors)
    np.testing.assert_allclose(longer.answer(), expected, atol=1e-3)
    np.testing.assert_array_equal(answer_elsewhere(asked, monkeypatch, tmp_path), expected)


def test_naive_bayes_judges_each_row_as_if_it_had_not_been_there(counts, labels):
    is_learned = np.arange(N) < N - 10
    found = naive_bayes.score_without_own_labels(counts, labels, is_learned, n_classes=3)
    for row in (0, 7, N - 1):
        without = is_learned & (np.arange(N) != row)
        alone = naive_bayes.score_without_own_labels(counts, labels, without, n_classes=3)
        np.testing.assert_allclose(found[row], alone[row], atol=1e-4)
    assert (found.argmax(axis=1) == labels)[np.arange(N) != 5].mean() > 0.9
