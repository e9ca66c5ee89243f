"""The detection benchmark where the clean rows are rows of DATA, and what it makes of ranges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.detection import against_peers as detection
from benchmarks.detection import cells, detectors, one_sided
from benchmarks.detection.cache import CellCache
from benchmarks.detection.cells import ID, CellName, Limits, make_cell
from benchmarks.detection.detectors import Verdict
from benchmarks.detection.measures import budget, measure_ranges
from benchmarks.detection.peers import out_of_fold
from benchmarks.detection.report import collect, markdown
from benchmarks.tables import LABEL

LIMITS = Limits(clean=60, noisy=200, test=100, protocol="sampled")
NAME = CellName(0, "dry_bean", "uniform30")


@pytest.fixture
def folder(tmp_path):
    """One table of two classes that overlap."""
    rng = np.random.default_rng(0)
    label = rng.choice(["a", "b"], size=500)
    x = np.where(label == "a", -1.5, 1.5) + rng.normal(size=500)
    place = tmp_path / "dry_bean"
    place.mkdir()
    pq.write_table(pa.table({"x": x, "label": label}), place / "data.parquet")
    yield tmp_path
    cells.draw.cache_clear()


def test_sampled_clean_rows_are_rows_of_data_with_their_true_labels(folder):
    cell = make_cell(folder, NAME, LIMITS)
    data, clean = cell.noisy_table(), cell.clean_table()
    assert (data.num_rows, clean.num_rows, cell.is_scored.sum()) == (260, 60, 200)
    there = data.take(clean[ID].cast(pa.int64()))
    assert there.drop_columns([LABEL]).equals(clean.drop_columns([LABEL]))
    assert not cell.is_scored[clean[ID].cast(pa.int64()).to_numpy()].any()
    names = np.array(cell.drawn.classes)
    assert clean[LABEL].to_pylist() == names[cell.truth[~cell.is_scored]].tolist()
    assert 0 < cell.is_wrong[~cell.is_scored].sum() < 60


def test_both_protocols_draw_the_same_rows(folder):
    sampled = make_cell(folder, NAME, LIMITS).drawn.positions
    noisy, clean, test = make_cell(
        folder, NAME, replace(LIMITS, protocol="elsewhere")
    ).drawn.positions
    np.testing.assert_array_equal(np.sort(sampled[0]), np.sort(np.concatenate([noisy, clean])))
    np.testing.assert_array_equal(np.sort(sampled[1]), np.sort(clean))
    np.testing.assert_array_equal(sampled[2], test)


def test_clean_rows_from_elsewhere_stand_behind_rows_that_are_all_scored(folder):
    cell = make_cell(folder, NAME, replace(LIMITS, protocol="elsewhere"))
    assert cell.is_scored.all()
    assert cell.clean_at.tolist() == list(range(200, 260))
    assert ID not in cell.noisy_table().column_names + cell.clean_table().column_names


def test_peers_learn_the_verified_labels_and_the_others_as_given(folder):
    cell = make_cell(folder, NAME, LIMITS)
    expected = np.where(cell.is_scored, cell.given, cell.truth)
    np.testing.assert_array_equal(cell.labels, expected)
    assert (expected != cell.given).any()
    probability = out_of_fold("logistic", cell)
    assert probability.shape == (260, 2)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)


def test_an_audit_of_a_sampled_cell_knows_its_verified_rows(folder):
    cell = make_cell(folder, NAME, LIMITS)
    verdict = detectors.by_audit(cell, 0.1)
    assert (verdict.suspicion[~cell.is_scored] < 0).all()
    assert (verdict.suspicion[cell.is_scored] >= 0).all()
    assert not verdict.flagged[~cell.is_scored].any()
    np.testing.assert_array_equal(
        verdict.probability[~cell.is_scored], cell.is_wrong[~cell.is_scored]
    )
    assert verdict.rate[0] == pytest.approx(verdict.probability.mean())
    for label in range(2):
        share = verdict.probability[cell.given == label].mean()
        assert verdict.class_rates[label, 0] == pytest.approx(share)


def _stated(is_wrong, *, rate, class_rates):
    n = len(is_wrong)
    return Verdict(
        suspicion=np.linspace(1, 0, n),
        flagged=np.arange(n) < 4,
        probability=np.full(n, rate[0]),
        rate=np.array(rate),
        class_rates=np.array(class_rates),
        budget=np.array([[10, 0.4, 0.3, 0.6], [20, 0.2, 0.1, 0.24]]),
    )


def test_a_range_holds_the_truth_from_end_to_end():
    given = np.repeat([0, 1, 2], [30, 30, 19])
    is_wrong = np.arange(79) % 2 == 0
    ranges = [[0.5, 0.5, 0.6], [0.3, 0.1, 0.4], [0.5, 0.0, 1.0]]
    verdict = _stated(is_wrong, rate=[0.5, 0.4, is_wrong.mean()], class_rates=ranges)
    found = measure_ranges(verdict, is_wrong, given)
    assert found["rate_holds"] == 1
    assert found["rate_half_width"] == pytest.approx((is_wrong.mean() - 0.4) / 2)
    # The third label has too few rows; the second one's range lies below its 15 of 30.
    assert (found["classes"], found["class_holds"]) == (2, 0.5)
    assert found["class_half_width"] == pytest.approx((0.05 + 0.15) / 2)
    below = replace(verdict, rate=np.array([0.4, 0.4, 0.5]))
    assert measure_ranges(below, is_wrong, given)["rate_holds"] == 0
    assert measure_ranges(replace(verdict, rate=None), is_wrong, given) == {}


def test_a_budget_sets_what_was_stated_beside_what_was_found():
    is_wrong = np.arange(25) % 2 == 0
    verdict = _stated(is_wrong, rate=[0.5, 0.4, 0.6], class_rates=[[0.5, 0.4, 0.6]])
    first, second = budget(verdict, is_wrong)
    assert first == {"rows": 10, "expected": 0.4, "low": 0.3, "high": 0.6, "found": 0.5}
    assert (second["rows"], second["found"]) == (20, 0.5)


def test_the_report_tells_what_ours_states_of_its_own_work(folder, tmp_path, monkeypatch):
    """Two cells: one list of four with two false ones, one without a row."""
    cell = make_cell(folder, NAME, LIMITS)
    rows = np.flatnonzero(cell.is_scored)
    right, wrong = rows[~cell.is_wrong[rows]], rows[cell.is_wrong[rows]]

    def by_audit(cell, fdr):
        flagged = np.zeros(260, dtype=np.bool_)
        if cell.name.noise == NAME.noise:
            flagged[[*right[:2], *wrong[:2]]] = True
        made = _stated(cell.is_wrong, rate=[0.3, 0.2, 0.4], class_rates=[[0.3, 0.2, 0.4]] * 2)
        return replace(made, flagged=flagged)

    monkeypatch.setattr(detectors, "by_audit", by_audit)
    places = {}
    for name in (NAME, CellName(0, "dry_bean", "uniform05")):
        task = detection.Task(folder, tmp_path / "cache", name, LIMITS, 0.1, {"ours": "ours"})
        detection.run_task(task)
        places[name] = (CellCache(task.cache, name, LIMITS), task.kept_as)
    result = collect(places, fdr=0.1, limits=LIMITS)
    assert result["limits"]["protocol"] == "sampled"
    assert [c["rows"] for c in result["cells"]] == [200, 200]
    assert result["cells"][0]["wrong"] == len(wrong)
    overall = result["means"]["all"]["ours"]
    assert (overall["false_share"], overall["pooled_false_share"]) == (0.25, 0.5)
    assert overall["empty_share"] == 0.5
    assert (overall["rate_holds"], overall["class_holds"]) == (0.5, pytest.approx(0.5))
    assert "| ours | cells | Brier |" in markdown(result)


def test_one_sided_errors_are_measured_on_rows_that_nobody_verified(folder, monkeypatch):
    monkeypatch.setattr(one_sided, "N_CLEAN", 60)
    found = one_sided.audit_table(folder, "dry_bean", 0, "sampled")
    assert (found["rows"], found["planted"]) == (500, 100)
    assert found["precision_at_100"] > 0.5
    assert {"rate_holds", "class_holds", "brier", "recall"} <= found.keys()
