"""A clean set whose labels nobody checked is noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from datacleanse.detection.unchecked import CleanPart, note_unchecked
from tests.detection.test_pairs import N_PAIRS, make_evidence


def agree(evidence):
    """The same where the pairs' given labels were taken for their true ones."""
    truth, pairs = evidence.truth.copy(), evidence.clean_at[evidence.clean_at < evidence.n_data]
    truth[pairs] = evidence.labels[pairs]
    return replace(evidence, truth=truth)


def note(evidence):
    """What is said where all of CLEAN is of one source."""
    return note_unchecked(evidence, [CleanPart("sample.csv", np.arange(len(evidence.clean_at)))])


def test_labels_that_were_taken_at_their_word_are_noticed():
    for seed in range(5):
        evidence, wrong = make_evidence(seed)
        (notice,) = note(agree(evidence))
        assert notice.is_warning
        assert (
            f"All {N_PAIRS} labels that sample.csv verifies agree with the data's" in notice.message
        )
        _, least, most = (int(word) for word in notice.message.split() if word.isdigit())
        assert least <= wrong[evidence.clean_at].sum() <= 1.2 * most


def test_it_rests_on_no_verified_label():
    evidence, _ = make_evidence()
    truth = np.where(agree(evidence).truth >= 0, evidence.labels, -1)
    others = make_evidence()[0]
    assert note(replace(evidence, truth=truth)) == note(agree(others))


@pytest.mark.parametrize("second", [True, False])
def test_where_no_label_is_wrong_that_all_agree_is_no_news(second):
    for seed in range(5):
        evidence, _ = make_evidence(seed, shares=(0.0, 0.0), boast=1.0)
        assert note(evidence if second else replace(evidence, second=None)) == []


def test_one_difference_shows_that_somebody_checked():
    evidence, wrong = make_evidence()
    found = agree(evidence)
    pair = evidence.clean_at[wrong[evidence.clean_at]][0]
    found.truth[pair] = 1 - evidence.labels[pair]
    assert note(found) == []


def test_few_pairs_and_other_rows_say_nothing():
    for n_pairs, n_others in ((29, 0), (0, 100)):
        evidence, _ = make_evidence(n_pairs=n_pairs, n_others=n_others, shares=(0.4, 0.4))
        assert note(agree(evidence)) == []


def test_a_source_that_somebody_checked_hides_no_other():
    for seed in range(5):
        evidence, _ = make_evidence(seed, n_pairs=2 * N_PAIRS)
        truth, rows = evidence.truth.copy(), np.arange(2 * N_PAIRS)
        trusted = evidence.clean_at[rows % 2 == 0]
        truth[trusted] = evidence.labels[trusted]
        mixed = replace(evidence, truth=truth)
        parts = [
            CleanPart("verified.jsonl", np.flatnonzero(rows % 2)),
            CleanPart("sample.csv", np.flatnonzero(rows % 2 == 0)),
        ]

        assert note(mixed) == []
        (notice,) = note_unchecked(mixed, parts)
        assert "others that are verified do not" in notice.message
        assert f"All {N_PAIRS} labels that sample.csv verifies agree" in notice.message


def test_sources_that_all_were_not_checked_are_told_of_together():
    evidence = agree(make_evidence()[0])
    halves = np.split(np.arange(N_PAIRS), 2)
    parts = [CleanPart(name, rows) for name, rows in zip(["a.csv", "b.csv"], halves, strict=True)]
    (notice,) = note_unchecked(evidence, parts)

    assert f"All {N_PAIRS} labels that a.csv, b.csv verify agree" in notice.message


def test_a_small_source_is_held_against_what_others_show():
    evidence, wrong = make_evidence(0, n_pairs=2 * N_PAIRS)
    order = np.argsort(wrong[evidence.clean_at], kind="stable")
    few, others = order[:60], order[60:]
    parts = [CleanPart("few.csv", few), CleanPart("verified.jsonl", others)]
    assert (1 - wrong[evidence.clean_at[others]].mean()) ** 60 < 0.01

    (told,) = note_unchecked(evidence, parts)
    assert told.message.startswith("All 60 labels that few.csv verifies agree")
    assert note_unchecked(evidence, [CleanPart("few.csv", few[:9]), parts[1]]) == []
