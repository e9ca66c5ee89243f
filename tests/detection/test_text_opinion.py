"""The linear opinion on texts: each row is judged without its own label."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from datacleanse.detection.second_opinion import background, naive_bayes, ridge, tables, texts
from datacleanse.detection.second_opinion.background import Adviser
from datacleanse.detection.second_opinion.corrected_labels import LEAST_SHARE, share_out
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


def test_naive_bayes_looks_again_with_wrong_labels_corrected():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 600)
    dense = (rng.random((600, V)) < 0.05) * rng.random((600, V))
    dense[np.arange(600), 8 * truth + rng.integers(0, 8, 600)] = 1
    given = np.where(rng.random(600) < 0.25, (truth + 1) % 3, truth)
    many, every = sparse.csr_array(dense.astype(np.float32)), np.arange(600)
    ones = sparse.csr_array((np.ones(600), (every, given)), shape=(600, 3))
    once = naive_bayes.score_without_own_shares(many, ones, every)
    twice = naive_bayes.score_without_own_labels(many, given, np.ones(600, bool), n_classes=3)

    def sureness(scores):
        """Of the true class before the label that is most often wrong for it."""
        return scores[every, truth] - scores[every, (truth + 1) % 3]

    assert np.mean(sureness(twice)) > 1.1 * np.mean(sureness(once))


def test_what_a_row_gave_to_several_classes_is_taken_away_from_each(counts, labels):
    used = np.arange(N - 10)
    shares = np.full((len(used), 3), 0.1)
    shares[used, labels[used]] = 0.8
    found = naive_bayes.score_without_own_shares(counts, sparse.csr_array(shares), used)
    for row in (0, 7):
        rest = np.delete(used, row)
        alone = naive_bayes.score_without_own_shares(counts, sparse.csr_array(shares[rest]), rest)
        # The classes' own sizes lack a whole row there, and only its share here.
        np.testing.assert_allclose(np.diff(found[row]), np.diff(alone[row]), atol=0.02)


def test_rows_are_parted_by_the_opinion_and_by_how_labels_go_wrong():
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 4, 400)
    opinion = np.full((400, 4), 0.04, np.float32)
    opinion[np.arange(400), truth] = 0.88
    given = np.where(rng.random(400) < 0.2, (truth + 1) % 4, truth)
    rows = np.arange(20, 400)
    shares = share_out(opinion, given, rows)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert shares.data.min() >= LEAST_SHARE
    dense, at = shares.toarray(), np.arange(len(rows))
    is_wrong = given[rows] != truth[rows]
    assert dense[at, given[rows]][is_wrong].max() < 0.6
    assert dense[at, given[rows]][~is_wrong].min() > 0.9


def test_a_row_that_resembles_each_of_very_many_classes_is_parted_too():
    """Most labels are wrong here, so that none of some rows' classes has a share worth keeping."""
    n, n_classes, n_sure = 3_000, 200, 2_500
    given = np.arange(n) % n_classes
    opinion = np.full((n, n_classes), 1 / n_classes, np.float32)
    opinion[:n_sure] = np.eye(n_classes, dtype=np.float32)[(given[:n_sure] + 1) % n_classes]
    shares = share_out(opinion, given, np.arange(n))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
