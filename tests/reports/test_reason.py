"""Each sentence is a true statement of the row's own numbers."""

from __future__ import annotations

import pytest

from datacleanse_reports.reason import Evidence, give_reason
from datacleanse_reports.suspect import LikelyClass

PLAIN = {
    "given": "3",
    "suggested": "8",
    "verified": None,
    "p_value": None,
    "weights": (),
    "margin": None,
    "control_margin": None,
}

CASES = [
    ({}, "no numbers are known for this row"),
    (
        {"weights": (0.0,) * 24 + (1.0,) * 6, "margin": -4.1, "control_margin": -2.0},
        "both networks prefer 8; training ignored this row in 24 of 30 passes",
    ),
    (
        {"verified": "8", "margin": 1.0, "control_margin": 2.0},
        "verified as wrong: the clean set gives this very row as 8; both networks keep the given "
        "label",
    ),
    ({"verified": "3"}, "verified: the clean set gives this very row the same label"),
    (
        {"margin": -1.0, "control_margin": 0.5, "weights": (0.0, 1.0, 1.0)},
        "only the reweighted network prefers 8",
    ),
    # A margin tells nothing of which other label of several.
    (
        {"margin": -1.0, "control_margin": -2.0, "n_classes": 3},
        "both networks prefer another label",
    ),
    (
        {"margin": 1.0, "control_margin": -0.5, "suggested": None},
        "only plain training prefers another label, all opinions together do not",
    ),
    (
        {"margin": 0.4, "control_margin": 0.3, "p_value": 0.03},
        "both networks keep the given label, less surely than that of most rows known to be right",
    ),
    (
        {"margin": 0.4, "control_margin": 0.3, "p_value": 0.6},
        "both networks keep the given label",
    ),
    ({"margin": -0.01}, "the reweighted network prefers 8"),
    ({"control_margin": 2.0}, "plain training keeps the given label"),
    ({"weights": (None, 0.0, 0.0)}, "training ignored this row in 2 of 2 passes"),
    ({"weights": (None, None)}, "no numbers are known for this row"),
    ({"likely": (LikelyClass("8", 0.971), LikelyClass("3", 0.02))}, "the model predicts 8 (97%)"),
    ({"likely": (LikelyClass("8", 0.9999),)}, "the model predicts 8 (>99%)"),
    ({"neighbours": ("8", "8", "3")}, "of its 3 nearest verified rows 2 8, 1 3"),
]


@pytest.mark.parametrize(("known", "expected"), CASES, ids=[case[1][:40] for case in CASES])
def test_says_what_the_numbers_say(known, expected):
    assert expected == give_reason(Evidence(**(PLAIN | known)))


def test_a_long_label_is_cut():
    assert len(give_reason(Evidence(**(PLAIN | {"suggested": "x" * 10_000, "margin": -1.0})))) < 200
