"""What is said of flags and expectations is no more than what they rest on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from datacleanse.records import Notice
from datacleanse_reports import flag_sentences, read_view, sentences, wording
from datacleanse_reports.run_view import CORRECTED

TAIL = " Read the ranking from the top instead."

READINGS = [
    (
        {"basis": "controlled"},
        8,
        "8 rows are flagged; expect at most 10% of them to be false alarms.",
    ),
    (
        {"basis": "calibrated", "calibration_rows": 200, "false_at_most": 2},
        8,
        "8 rows are flagged; expect at most 10% of them to be false alarms. It is 90% certain that "
        "no more than 2 are. This rests on probabilities calibrated on 200 verified rows of the "
        "data.",
    ),
    (
        {"basis": "estimated", "rows_needed": 900, "calibration_rows": 40},
        8,
        "8 rows are flagged by estimated probabilities; about 10% of such a list are expected to "
        "be false alarms. This is an estimate: 40 verified rows are too few for a guarantee; it "
        "would take some 900 verified rows at least.",
    ),
    (
        {"basis": "estimated", "rows_needed": None, "calibration_rows": 40},
        8,
        "8 rows are flagged by estimated probabilities; about 10% of such a list are expected to "
        "be false alarms. This is an estimate: 40 verified rows are too few for a guarantee.",
    ),
    (
        {"basis": "estimated", "rows_needed": None, "calibration_rows": 0},
        1,
        "1 row is flagged by estimated probabilities; about 10% of such a list are expected to "
        "be false alarms. This is an estimate: no verified row can be compared with, which a "
        "guarantee needs.",
    ),
    (
        {"basis": "none", "rows_needed": 450},
        0,
        "No row is flagged: beside 100 verified rows none stands out enough to keep the expected "
        "false alarms at 10%. About 450 verified rows would make flags possible." + TAIL,
    ),
    (
        {"basis": "none", "rows_needed": 5001},
        0,
        "No row is flagged: beside 100 verified rows none stands out enough to keep the expected "
        "false alarms at 10%. Verifying more rows of this table would not change that." + TAIL,
    ),
    (
        {"basis": "none", "listed_at_double": 399},
        0,
        "No row is flagged: beside 100 verified rows none stands out enough to keep the expected "
        "false alarms at 10%. With --fdr 0.2, 399 rows would be flagged; expect at most 20% of "
        "them to be false alarms." + TAIL,
    ),
    (
        {"basis": "none"},
        0,
        "No row is flagged: beside 100 verified rows none stands out enough to keep the expected "
        "false alarms at 10%." + TAIL,
    ),
]


@pytest.fixture
def view(hostile_run):
    return read_view(hostile_run, top=12)


@pytest.mark.parametrize(("flagging", "flagged", "expected"), READINGS)
def test_reading_promises_what_the_flags_rest_on(flagging, flagged, expected, view):
    view = replace(
        view,
        headline=replace(view.headline, flagged=flagged, rows=5000),
        flagging=replace(view.flagging, **flagging),
    )

    assert expected == flag_sentences.say_reading(view)


@pytest.mark.parametrize("needed", [None, 5001])
def test_what_is_said_of_more_rows_is_what_is_proposed(needed, view):
    flagging = replace(view.flagging, basis="none", rows_needed=needed)
    lacking = replace(view, rows_lacking=40, next_words=("verify", "x.csv"), flagging=flagging)
    lacking = replace(lacking, headline=replace(view.headline, flagged=0, rows=5000))

    assert "40 more verified rows may make flags possible." in flag_sentences.say_reading(lacking)
    assert "would not change" not in flag_sentences.say_reading(lacking)
    assert sentences.say_verifying_more(lacking).startswith("For flags, verify 40 more rows")


def test_expectation_names_the_largest_budget_of_a_sitting_and_its_range(view):
    budgets = tuple(
        replace(
            view.budgets[0],
            rows=rows,
            expected_wrong=0.94 * rows,
            expected_share=0.94,
            low_share=0.873,
            high_share=1.0,
        )
        for rows in (50, 100, 200)
    )

    assert sentences.say_expectation(replace(view, budgets=budgets)) == (
        "The first 100 rows of the ranking are expected to hold 94 wrong labels "
        "(between 87 and 100)."
    )
    assert sentences.say_expectation(replace(view, budgets=())) == ""


def test_halves_that_take_turns_are_not_told_as_parts(view):
    once = replace(view, training=replace(view.training, folds=1))

    assert (
        sentences.say_clean_use(view) == "used twice: each steers one training and checks the other"
    )
    assert sentences.say_clean_use(once) == "100 steer, 100 calibrate"
    clean = replace(view.clean, reviewed_rows=20)
    assert sentences.say_clean_use(replace(view, clean=clean)) == (
        "180 of them used twice: each steers one training and checks the other; 20 reviewed ones "
        "steer"
    )
    assert sentences.say_clean_use(replace(once, clean=clean)) == (
        "100 steer (20 of them reviewed), 100 calibrate"
    )


def test_rows_of_the_clean_set_and_of_a_review_are_both_named(view):
    assert sentences.say_clean_rows(view) == "200 verified rows"
    clean = replace(view.clean, rows=189, reviewed_rows=39)
    assert sentences.say_clean_rows(replace(view, clean=clean)) == (
        "189 verified rows (150 of the clean set, 39 by decisions of a review)"
    )
    alone = replace(view, clean=replace(clean, rows=39))
    assert sentences.say_clean_rows(alone) == "39 verified rows, by decisions of a review"
    overlap = replace(view.overlap, rows=189, verified=189, wrong=0)
    assert sentences.say_overlap(replace(view, clean=clean, overlap=overlap)).startswith(
        "189 rows of the data are verified, 39 of them by decisions of a review"
    )


def test_noise_is_told_with_its_range(view):
    head = replace(
        view.headline,
        rows=5000,
        estimated_wrong=412.0,
        estimated_share=0.0824,
        low_share=0.0612,
        high_share=0.1041,
    )

    assert sentences.say_noise(replace(view, headline=head)) == (
        "About 412 of 5,000 labels (8.2%, range of two estimates 6.1–11%) are expected to be wrong."
    )

    on_pairs = replace(view, headline=replace(head, rate_basis="pairs"))
    some_differ = replace(view.overlap, verified=50, wrong=3, matched_by="id")
    told = (
        "About 412 of 5,000 labels (8.2%, 95% confidence interval 6.1–11%) are expected to be "
        "wrong."
    )
    assert sentences.say_noise(replace(on_pairs, overlap=some_differ)) == told


@pytest.mark.parametrize(
    ("wrong", "matched_by", "basis", "is_asked"),
    [
        (0, "id", "pairs", True),
        (0, "values", "pairs", True),
        (1, "id", "pairs", False),
        (0, "verdicts", "pairs", False),
        (0, "id", "estimates", False),
    ],
)
def test_where_all_verified_labels_agree_the_rate_asks_for_checks(
    wrong, matched_by, basis, is_asked, view
):
    asked = replace(
        view,
        headline=replace(view.headline, rate_basis=basis),
        overlap=replace(view.overlap, verified=50, wrong=wrong, matched_by=matched_by),
    )
    said = (
        "All 50 verified labels agree with the data's: if nobody checked them, this means nothing."
    )
    assert (said in sentences.say_noise(asked)) is is_asked
    assert (said in sentences.say_share(asked)) is is_asked
    before = Notice(CORRECTED, "12 verified rows were mislabelled.", False)
    known = replace(asked, notices=(*asked.notices, before))
    assert said not in sentences.say_noise(known)


def test_in_doubt_what_the_first_rows_hold_is_doubted_too(doubted_run):
    said = sentences.say_expectation(read_view(doubted_run, top=12))
    assert said.startswith("This may be far too low, too: the first ")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0, 0, 0, 0), ""),
        (
            (86, 86, 11, 14),
            "86 rows of the data are verified: 11 were mislabelled (12.8%); `apply` corrects them; "
            "14 more rows are wrong: of a class that no row of the data has",
        ),
        (
            (200, 200, 28, 0),
            "200 rows of the data are verified: 28 were mislabelled (14.0%); `apply` corrects them",
        ),
        (
            (1, 1, 1, 0),
            "1 row of the data is verified: 1 was mislabelled (100.0%); `apply` corrects it",
        ),
        (
            (41, 40, 0, 0),
            "40 rows of the data are verified: all of their labels agree; 1 row of the data "
            "matches verified rows, but not one to one: left out of training",
        ),
    ],
)
def test_known_corrections_are_told_as_what_they_are(counts, expected, view):
    overlap = replace(
        view.overlap,
        **dict(zip(("rows", "verified", "wrong", "new_classes"), counts, strict=True)),
    )
    assert sentences.say_overlap(replace(view, overlap=overlap)) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (8.3, 15.2, "between 8 and 16"),
        (100 * 0.29, 100 * 0.07 + 50, "between 29 and 57"),
        (0.0, 0.2, "between 0 and 1"),
        (1200.5, 4000.0, "between 1,200 and 4,000"),
    ],
)
def test_ranges_of_counts_are_rounded_outwards(low, high, expected):
    assert expected == wording.count_range(low, high)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.14022, 0.32149, "14–33%"),
        (0.0, 0.0265, "0–2.7%"),
        (0.07, 0.29, "7–29%"),
        (0.0999, 0.1, "9.9–10%"),
        (0.0, 0.00001, "0–0.1%"),
        (0.9999, 1.0, "99–100%"),
    ],
)
def test_ranges_of_shares_are_short_and_rounded_outwards(low, high, expected):
    assert expected == wording.format_percent_range(low, high)


@pytest.mark.parametrize(
    ("trained", "said"),
    [
        (300, "all 300 rows"),
        (340, "340 rows, those of the clean set among them"),
        (280, "280 of the 300 rows (verified rows that steer or are held back, and dropped ones, "),
    ],
)
def test_trained_rows_are_never_more_than_those_they_are_of(trained, said):
    view = SimpleNamespace(
        training=SimpleNamespace(rows=trained), headline=SimpleNamespace(rows=300), clean=object()
    )
    assert sentences.say_trained_rows(view).startswith(said)
