"""Each sentence is a true statement of the row's own numbers."""

from __future__ import annotations

import pytest

from datacleanse_reports.reason import Evidence, give_reason

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
        "no weight in 24 of 30 epochs; both networks prefer 8; margin -4.1 (plain training -2.0)",
    ),
    (
        {"verified": "8", "margin": 1.0, "control_margin": 2.0},
        "verified as wrong: the clean set gives this very row as 8; both networks keep the given "
        "label; margin 1.0 (plain training 2.0)",
    ),
    ({"verified": "3"}, "verified: the clean set gives this very row the same label"),
    (
        {"margin": -1.0, "control_margin": 0.5, "weights": (0.0, 1.0, 1.0)},
        "the reweighted network prefers 8; margin -1.0 (plain training 0.5)",
    ),
    (
        {"margin": 1.0, "control_margin": -0.5, "suggested": None},
        "plain training prefers another label; margin 1.0 (plain training -0.5)",
    ),
    (
        {"margin": 0.4, "control_margin": 0.3, "p_value": 0.03},
        "both networks keep the given label, less sure than for most rows known to be right "
        "(p 0.03); margin 0.4 (plain training 0.3)",
    ),
    (
        {"margin": 0.4, "control_margin": 0.3, "p_value": 0.6},
        "both networks keep the given label; margin 0.4 (plain training 0.3)",
    ),
    ({"margin": -0.01}, "the reweighted network prefers 8; margin -0.01"),
    ({"control_margin": 2.0}, "plain training keeps the given label; margin 2.0"),
    ({"weights": (None, 0.0, 0.0)}, "no weight in 2 of 2 epochs"),
    ({"weights": (None, None)}, "no numbers are known for this row"),
]


@pytest.mark.parametrize(("known", "expected"), CASES, ids=[case[1][:40] for case in CASES])
def test_says_what_the_numbers_say(known, expected):
    assert expected == give_reason(Evidence(**(PLAIN | known)))


def test_a_long_label_is_cut():
    assert len(give_reason(Evidence(**(PLAIN | {"suggested": "x" * 10_000, "margin": -1.0})))) < 200
