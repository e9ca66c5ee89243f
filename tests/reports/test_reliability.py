"""Reliability, reading curve and noise matrix against slow, obvious ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from datacleanse.detection.reliability import EDGES, LEAST_ROWS
from datacleanse.storage.manifest.results import ClassConfusion
from datacleanse_reports import read_view
from datacleanse_reports.audit import check_probabilities, sum_by_rank
from datacleanse_reports.records import ClassSummary
from datacleanse_reports.view import MAX_CLASSES, make_noise_matrix


def table(n, *, wrong=0.2, seed=0):
    """Rows whose suspicion is a calibrated probability, all of them tested but the last five."""
    rng = np.random.default_rng(seed)
    suspicion = np.where(rng.random(n) < wrong, rng.beta(8, 1.5, n), rng.beta(1, 12, n))
    p_value = np.where(np.arange(n) < n - 5, 0.5, np.nan)
    return pa.table(
        {
            "rank": np.argsort(np.argsort(-suspicion)) + 1,
            "suspicion": suspicion,
            "mislabel_probability": suspicion,
            "p_value": pa.array(p_value, from_pandas=True),
        }
    )


def test_bins_hold_every_tested_row_and_every_verified_one():
    rows, scores = table(500), np.random.default_rng(1).beta(1, 12, 90)
    bins = check_probabilities(rows, scores, 0.8)

    assert sum(each.rows for each in bins) == 495
    assert sum(each.calibration_rows for each in bins) == 90
    assert all(each.rows >= LEAST_ROWS for each in bins)
    assert all(0 <= each.low <= each.implied <= each.high <= 1 for each in bins)


def test_implied_share_is_what_right_labels_leave_over():
    rows, scores = table(2000), np.random.default_rng(1).beta(1, 12, 150)
    bins = check_probabilities(rows, scores, 0.8)
    suspicion = rows["suspicion"].to_numpy()[:-5]
    edges = [-np.inf, *EDGES, np.inf]

    assert len(bins) == len(EDGES) + 1
    for each, low, high in zip(bins, edges[:-1], edges[1:], strict=True):
        here = (suspicion >= low) & (suspicion < high)
        right = 0.8 * 1995 * ((scores >= low) & (scores < high)).mean()
        assert each.rows == here.sum()
        assert each.predicted == pytest.approx(suspicion[here].mean())
        assert each.implied == pytest.approx(min(1, max(0, 1 - right / here.sum())))


def test_calibrated_probabilities_lie_within_the_ranges():
    """The check that it is: planted truth, drawn from the probabilities themselves."""
    misses = 0
    for seed in range(20):
        rng = np.random.default_rng(100 + seed)
        rows = table(3000, seed=seed)
        suspicion = rows["suspicion"].to_numpy()
        is_wrong = rng.random(3000) < suspicion
        scores = rng.choice(suspicion[~is_wrong], 200)
        for each in check_probabilities(rows, scores, float((~is_wrong).mean())):
            misses += not each.low <= each.predicted <= each.high
    assert misses <= 0.1 * 20 * (len(EDGES) + 1)


def test_probabilities_that_are_too_high_are_seen():
    rows = table(3000)
    inflated = rows.set_column(2, "mislabel_probability", pa.array(np.full(3000, 0.9)))
    scores = np.random.default_rng(1).beta(1, 12, 200)
    first = check_probabilities(inflated, scores, 0.8)[0]

    assert first.high < first.predicted


def test_wrong_pairs_are_counted_by_bin():
    rows, rng = table(2000), np.random.default_rng(1)
    scores = rng.random(150)
    is_wrong = rng.random(150) < scores
    bins = check_probabilities(rows, scores, None, is_wrong)
    edges = [-np.inf, *EDGES, np.inf]
    assert len(bins) == len(EDGES) + 1
    for each, low, high in zip(bins, edges[:-1], edges[1:], strict=True):
        here = (scores >= low) & (scores < high)
        assert (each.calibration_rows, each.implied) == (here.sum(), is_wrong[here].mean())
        assert 0 <= each.low <= each.implied <= each.high <= 1


def test_a_bin_without_pairs_proves_nothing():
    bins = check_probabilities(table(2000), np.full(20, 0.01), None, np.zeros(20, bool))
    assert (bins[0].calibration_rows, bins[-1].calibration_rows) == (20, 0)
    assert (bins[-1].low, bins[-1].high) == (0.0, 1.0)
    assert bins[-1].implied == bins[-1].predicted


def test_nothing_is_shown_where_nothing_calibrates():
    rows = table(100)
    untested = rows.set_column(3, "p_value", pa.nulls(100, pa.float64()))

    assert check_probabilities(rows, np.empty(0), 0.8) == ()
    assert check_probabilities(rows, np.array([0.1]), None) == ()
    assert check_probabilities(untested, np.array([0.1]), 0.8) == ()


@pytest.mark.parametrize("n", [1, 7, 300])
def test_reading_curve_sums_probabilities_by_rank(n):
    rows = table(max(n, 6)).slice(0, n)
    rows = rows.set_column(
        0, "rank", pa.array(np.argsort(np.argsort(-rows["suspicion"].to_numpy())) + 1)
    )
    ordered = sorted(rows["mislabel_probability"].to_pylist(), reverse=True)
    points = sum_by_rank(rows)

    assert points[0].rows == 1
    assert [p.rows for p in points] == sorted({p.rows for p in points})
    for point in points:
        assert point.expected_wrong == pytest.approx(sum(ordered[: point.rows]))


def test_noise_matrix_adds_up_to_the_rows_of_each_label():
    order = [str(i) for i in range(20)]
    classes = [ClassSummary(name, 100, 20.0 - int(name), 0.1, 0, 0.2, 3) for name in order]
    confusions = [
        ClassConfusion(given=str(i), true=str((i + 1) % 20), rows=20.0 - i, share=0.1)
        for i in range(20)
    ]
    matrix = make_noise_matrix(classes, confusions, order)

    assert len(matrix.labels) == MAX_CLASSES
    assert list(matrix.labels) == [name for name in order if name in matrix.labels]
    assert matrix.n_left_out == 8
    assert matrix.cells[0][0].rows == 80.0
    assert matrix.cells[0][1].rows == 20.0
    assert matrix.cells[1][0].rows is None


def test_no_confusions_make_no_matrix():
    assert make_noise_matrix([ClassSummary("a", 5, 0, 0, 0, 0, 0)], [], ["a"]) is None


def test_companions_reach_the_suspects(fabricated, tmp_path):
    fabricated.with_pictures = True
    view = read_view(fabricated.write(tmp_path / "people"), top=12)

    for suspect in view.suspects:
        assert suspect.likely[0].label == (suspect.suggested_label or suspect.given_label)
        assert [near.clean_row for near in suspect.neighbours] == [
            (7 * suspect.row + place) % 100 for place in (1, 2, 3)
        ]
        assert suspect.picture.uri.startswith("data:image/png;base64,")
        assert suspect.row_sha256 == f"{suspect.row:064x}"
    assert view.conflicts.n_rows == 11
    assert [group.n_rows for group in view.conflicts.groups] == [2, 9]
