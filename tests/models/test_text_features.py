"""Texts as weighted counts of terms, and along their main axes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from datacleanse.models import text_features as module
from datacleanse.models.text_features import find_axes, fit_text, project, weigh_texts
from datacleanse.models.text_terms import list_grams, list_words

TEXTS = (
    "the card has not arrived",
    "my card is lost",
    "has the transfer arrived yet",
    "transfer money to my card",
    "money money money",
)


@pytest.fixture
def fitted():
    return fit_text("said", np.arange(len(TEXTS), dtype=np.int32), TEXTS)


def test_a_token_gives_its_words_and_letters_in_a_row():
    assert list_words("don't(wait)!") == ["don", "wait"]
    assert list_grams("ab") == [" a", "ab", "b ", " ab", "ab ", " ab "]
    assert list_words("卡还没到") == ["卡还没到"]
    assert "没到" in list_grams("卡还没到")


def test_words_are_weighed_as_scikit_learn_does(fitted):
    feature, axes = fitted
    peer = TfidfVectorizer(sublinear_tf=True, min_df=2).fit(TEXTS)
    assert feature.words == tuple(peer.get_feature_names_out())
    ours = weigh_texts(feature, axes.rarity, TEXTS)[:, : len(feature.words)].toarray()
    np.testing.assert_allclose(ours, peer.transform(TEXTS).toarray(), atol=1e-6)


def test_terms_of_one_row_are_left_out_unless_there_are_no_others():
    words = fit_text("said", np.arange(2, dtype=np.int32), ("alpha", "omega"))[0].words
    assert words == ("alpha", "omega")
    # The second text stands in no row, the first in two.
    feature, _ = fit_text("said", np.array([0, 0, 2], np.int32), ("alpha", "beta", "omega"))
    assert feature.words == ("alpha",)


def test_a_text_has_the_same_numbers_whatever_stands_beside_it(fitted):
    feature, axes = fitted
    alone = project(weigh_texts(feature, axes.rarity, TEXTS[1:2]), axes)
    among = project(weigh_texts(feature, axes.rarity, ("never met", *TEXTS)), axes)
    np.testing.assert_array_equal(alone[0], among[2])
    assert not project(weigh_texts(feature, axes.rarity, ("qqq", "")), axes).any()


def test_axes_keep_what_texts_have_in_common(fitted, monkeypatch):
    feature, axes = fitted
    weighed = weigh_texts(feature, axes.rarity, TEXTS)
    near = project(weighed, axes)
    np.testing.assert_allclose(near @ near.T, (weighed @ weighed.T).toarray(), atol=1e-4)
    few = find_axes(weighed, 2)
    exact = np.linalg.svd(weighed.toarray())[2][:2]
    np.testing.assert_allclose(np.abs(few.T @ exact.T), np.eye(2), atol=1e-4)
    monkeypatch.setattr(module, "MAX_WORDS", 1)
    assert fit_text("said", np.arange(5, dtype=np.int32), TEXTS)[0].words == ("card",)


def test_texts_without_a_term_become_one_number():
    feature, axes = fit_text("said", np.zeros(2, np.int32), ("<br>",))
    assert feature.width == 1
    assert not project(weigh_texts(feature, axes.rarity, ("any",)), axes).any()
