"""The detection benchmark: its errors are what they are called, its measures are their definitions.

cleanlab is no dependency of the tests, so its rankings are left to the benchmark itself.
"""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from benchmarks.detection import against_peers as detection
from benchmarks.detection import cells, peers
from benchmarks.detection import report as detection_report
from benchmarks.detection.cell_options import cells_parser, named_cells
from benchmarks.detection.cells import PLANTED, CellName, Limits, flip_near_boundary, make_cell
from benchmarks.detection.detectors import Verdict
from benchmarks.detection.knn_shapley import knn_shapley
from benchmarks.detection.measures import measure, precision_at, recall_at_false_share
from benchmarks.detection.peers import out_of_fold

N_ROWS = 1000
LIMITS = Limits(clean=100, noisy=500, test=300)
SHARES = {"b": 0.5, "a": 0.3, "c": 0.2}


@pytest.fixture
def folder(tmp_path):
    """One table of three classes that overlap, and one whose given labels are known."""
    rng = np.random.default_rng(0)
    label = rng.choice(list(SHARES), size=N_ROWS, p=list(SHARES.values()))
    x = np.where(label == "a", -2.0, np.where(label == "b", 0.0, 2.0)) + rng.normal(size=N_ROWS)
    kind = rng.choice(["red", "green", None], N_ROWS)
    _write(tmp_path / "dry_bean", {"x": x, "kind": pa.array(kind), "label": label})
    found = np.where(rng.random(N_ROWS) < 0.1, "a", label)
    dropped = ("project", "release", "File", "is_label_error")
    columns = {"x": x, "label": label, "noisy_label": found, **dict.fromkeys(dropped, label)}
    _write(tmp_path / "jira_defects_dev", columns)
    yield tmp_path
    cells.draw.cache_clear()


def _write(place, columns):
    place.mkdir()
    pq.write_table(pa.table(columns), place / "data.parquet")


def _cell(folder, noise, seed=0, table="dry_bean", limits=LIMITS):
    return make_cell(folder, CellName(seed, table, noise), limits)


def test_a_cell_is_the_same_each_time_it_is_made(folder):
    first = _cell(folder, "feature15")
    cells.draw.cache_clear()
    again, other = _cell(folder, "feature15"), _cell(folder, "feature15", seed=1)
    assert first.noisy_table().equals(again.noisy_table())
    assert first.clean_table().equals(again.clean_table())
    assert not np.array_equal(first.drawn.positions[0], other.drawn.positions[0])


def test_parts_share_no_row_and_hold_what_the_limits_allow(folder):
    noisy, clean, test = _cell(folder, "pair20").drawn.positions
    assert (len(noisy), len(clean), len(test)) == (500, 100, 300)
    assert len(np.unique(np.concatenate([noisy, clean, test]))) == 900
    noisy, _, test = _cell(folder, "pair20", limits=Limits()).drawn.positions
    assert (len(noisy), len(test)) == (600, 200)


def test_all_errors_of_a_table_and_seed_stand_on_the_same_rows(folder):
    one, other = _cell(folder, "pair20"), _cell(folder, "uniform05")
    np.testing.assert_array_equal(one.truth, other.truth)
    np.testing.assert_array_equal(one.drawn.positions[0], other.drawn.positions[0])


@pytest.mark.parametrize(
    ("noise", "n_wrong"), [("uniform05", 25), ("uniform30", 150), ("pair20", 100)]
)
def test_a_share_of_all_rows_is_wrong(folder, noise, n_wrong):
    assert _cell(folder, noise).is_wrong.sum() == n_wrong


def test_uniform_errors_go_to_all_other_classes_alike(folder):
    cell = _cell(folder, "uniform30")
    step = (cell.given - cell.truth)[cell.is_wrong] % 3
    assert 50 < (step == 1).sum() < 100


def test_pair_errors_go_to_the_next_class(folder):
    cell = _cell(folder, "pair20")
    assert set((cell.given - cell.truth)[cell.is_wrong] % 3) == {1}
    assert set(cell.truth[cell.is_wrong]) == {0, 1, 2}


def test_background_errors_take_a_fifth_of_all_rows_to_the_commonest_class(folder):
    cell = _cell(folder, "background20")
    assert {cell.drawn.classes[code] for code in cell.given[cell.is_wrong]} == {"b"}
    assert cell.is_wrong.sum() == 100


def test_background_errors_leave_half_of_rare_classes(folder):
    _write(folder / "segment", {"x": np.arange(900.0), "label": ["a"] * 800 + ["b"] * 100})
    cell = _cell(folder, "background20", table="segment")
    assert cell.is_wrong.sum() == round(0.5 * (cell.truth == 1).sum()) > 0


def test_errors_of_others_take_a_fifth_of_their_rows_to_the_commonest_class(folder):
    cell = _cell(folder, "others20")
    assert {cell.drawn.classes[code] for code in cell.given[cell.is_wrong]} == {"b"}
    assert cell.is_wrong.sum() == round(0.2 * (cell.truth != 1).sum())


def test_errors_on_request_are_run_only_where_they_are_asked_for(folder):
    parser = cells_parser("Cells.", seeds=1, out=folder / "out.json")
    usual = parser.parse_args(["--data", str(folder)])
    assert {name.noise for name in named_cells(usual) if name.table == "dry_bean"} == set(PLANTED)
    asked = parser.parse_args(["--data", str(folder), "--cells", "others20"])
    assert {name.noise for name in named_cells(asked)} == {"others20"}


def test_feature_dependent_errors_lie_where_neighbouring_classes_overlap(folder):
    cell = _cell(folder, "feature15")
    x = cell.noisy_table()["x"].to_numpy()
    from_boundary = np.abs(np.abs(x) - 1.0)
    assert cell.is_wrong.sum() == 75
    assert from_boundary[cell.is_wrong].mean() < 0.7 * from_boundary[~cell.is_wrong].mean()
    is_outer = cell.is_wrong & (cell.truth != 1)
    assert (cell.given[is_outer] == 1).mean() > 0.9


def test_the_runner_up_is_the_likeliest_other_class():
    labels, probability = np.array([0, 1, 2]), np.array([[0.5, 0.2, 0.3]] * 3)
    flipped = flip_near_boundary(labels, probability, 1.0, seed=0)
    assert flipped.tolist() == [2, 0, 0]


def test_rows_that_a_model_is_sure_of_are_flipped_last():
    labels = np.zeros(100, dtype=np.int64)
    probability = np.tile([1.0, 0.0], (100, 1))
    probability[::2] = 0.5
    flipped = flip_near_boundary(labels, probability, 0.5, seed=0)
    assert flipped.tolist() == [1, 0] * 50


def test_labels_that_came_with_a_table_are_taken_from_its_file(folder):
    cell = _cell(folder, "native", table="jira_defects_dev")
    file = pq.read_table(folder / "jira_defects_dev" / "data.parquet").take(cell.drawn.positions[0])
    assert cell.noisy_table()["label"].to_pylist() == file["noisy_label"].to_pylist()
    assert set(cell.noisy_table().column_names) == {"x", "label"}
    assert 0 < cell.is_wrong.sum() < 100


def test_clean_rows_of_a_class_that_no_given_label_names_are_left_out(folder, monkeypatch):
    def all_into_b(drawn, _share, _seed):
        return np.minimum(drawn.truth[: drawn.n_noisy], 1)

    monkeypatch.setitem(cells.PLANTED, "pair20", (all_into_b, 0.0))
    cell = _cell(folder, "pair20")
    assert 0 < len(cell.kept) < 100
    assert set(cell.clean_table()["label"].to_pylist()) == {"a", "b"}
    assert len(cell.labels) == len(cell.used) == 500 + len(cell.kept)


def test_cells_come_seed_by_seed_with_small_tables_first(folder):
    _write(folder / "segment", {"x": np.arange(10.0), "label": np.repeat(["a", "b"], 5)})
    names = cells.cell_names(folder, ["dry_bean", "jira_defects_dev", "segment"], 2)
    assert len(set(names)) == len(names) == 2 * (6 + 6 + 7)
    assert [name.table for name in names[:7]] == ["segment"] * 6 + ["dry_bean"]
    assert [name.seed for name in names] == [0] * 19 + [1] * 19


def test_out_of_fold_probabilities_have_not_seen_the_row(folder, monkeypatch):
    """A forest knows the rows it was grown on by heart; here there is nothing else to know."""

    def at_random(drawn, _share, seed):
        return np.random.default_rng(seed).integers(0, 3, drawn.n_noisy)

    monkeypatch.setitem(cells.PLANTED, "uniform05", (at_random, 0.0))
    few_trees = RandomForestClassifier(40, random_state=0)
    monkeypatch.setattr(peers, "_forest", lambda seed: few_trees)
    cell = _cell(folder, "uniform05")
    probability = out_of_fold("forest", cell)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    assert probability.shape == (600, 3)
    assert (probability.argmax(axis=1)[:500] == cell.given).mean() < 0.45


@pytest.mark.parametrize("k", [1, 2, 8])
def test_knn_shapley_is_the_shapley_value_of_its_game(k):
    rng = np.random.default_rng(k)
    train, valid = rng.normal(size=(6, 2)), rng.normal(size=(3, 2))
    labels, valid_labels = rng.integers(0, 2, 6), rng.integers(0, 2, 3)

    def worth(members):
        total = 0.0
        for point, label in zip(valid, valid_labels, strict=True):
            nearest = sorted(members, key=lambda i: np.linalg.norm(train[i] - point))[:k]
            total += sum(labels[i] == label for i in nearest) / k
        return total / len(valid)

    expected = np.zeros(6)
    for i in range(6):
        others = [j for j in range(6) if j != i]
        for size in range(6):
            share = factorial(size) * factorial(5 - size) / factorial(6)
            for group in combinations(others, size):
                expected[i] += share * (worth([*group, i]) - worth(group))
    values = knn_shapley(train, labels, valid, valid_labels, k=k)
    np.testing.assert_allclose(values, expected, atol=1e-12)


@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=20),
    share=st.sampled_from([0.0, 0.1, 1 / 3, 0.5]),
)
def test_the_cut_at_a_false_share_is_the_longest_that_keeps_it(rows, share):
    score, is_wrong = (np.array(column) for column in zip(*rows, strict=True))
    if not is_wrong.any():
        return
    ordered = [wrong for _, wrong in sorted(rows, key=lambda row: -row[0])]
    heads = [ordered[:n] for n in range(1, len(rows) + 1)]
    fitting = [sum(head) for head in heads if head.count(False) / len(head) <= share + 1e-12]
    expected = max(fitting, default=0) / is_wrong.sum()
    assert recall_at_false_share(score, is_wrong, share) == pytest.approx(expected)


def test_precision_counts_ties_at_the_cut_in_proportion():
    score = np.array([3.0, 2.0, 2.0, 2.0, 1.0])
    is_wrong = np.array([True, True, False, False, False])
    assert precision_at(score, is_wrong, 2) == pytest.approx((1 + 1 / 3) / 2)


def test_an_empty_list_has_no_false_share_and_no_recall():
    is_wrong = np.array([True, False, False, True])
    suspicion, empty = np.array([0.9, 0.1, 0.2, 0.8]), np.zeros(4, dtype=np.bool_)
    found = measure(Verdict(suspicion, empty, suspicion), is_wrong)
    assert (found["flagged"], found["false_share"], found["recall"]) == (0, 0.0, 0.0)
    assert found["average_precision"] == found["auroc"] == found["precision_at_count"] == 1.0
    assert found["brier"] == pytest.approx((0.01 + 0.01 + 0.04 + 0.04) / 4)
    assert found["probability_ratio"] == pytest.approx(1.0)


def test_a_finished_method_is_not_run_again(folder, tmp_path):
    kept_as = {"random": "random", "knn-shapley": "knn-shapley"}
    name = CellName(0, "dry_bean", "pair20")
    task = detection.Task(folder, tmp_path / "cache", name, LIMITS, 0.1, kept_as)
    assert task.missing() == ["random", "knn-shapley"]
    detection.run_task(task)
    assert task.missing() == []
    place = detection.CellCache(task.cache, name, LIMITS)
    (place.folder / "random.json").unlink()
    assert task.missing() == ["random"]
    np.testing.assert_array_equal(place.read("cell")["given"], _cell(folder, "pair20").given)


def test_methods_of_an_earlier_result_stand_beside_new_ones(folder, tmp_path):
    def result(method, cache, earlier=None):
        name = CellName(0, "dry_bean", "pair20")
        task = detection.Task(folder, tmp_path / cache, name, LIMITS, 0.1, {method: method})
        detection.run_task(task)
        place = detection.CellCache(task.cache, name, LIMITS)
        places = {name: (place, task.kept_as)}
        return detection_report.collect(places, fdr=0.1, limits=LIMITS, earlier=earlier)

    before = result("knn-shapley", "a")
    before["cells"][0]["methods"]["knn-shapley"]["recall_at_our_false_share"] = 0.5
    before["provenance"]["commit"] = "an earlier one"
    after = result("random", "b", before)
    expected = before["cells"][0]["methods"]["knn-shapley"].copy()
    del expected["recall_at_our_false_share"]
    assert list(after["cells"][0]["methods"]) == ["knn-shapley", "random"]
    assert after["cells"][0]["methods"]["knn-shapley"] == expected
    named = {key: before["provenance"][key] for key in ("commit", "date", "engine")}
    assert after["provenance"]["others"] == [named]
    before["cells"][0]["wrong"] += 1
    with pytest.raises(SystemExit, match="dry_bean/pair20/0"):
        result("random", "b", before)


def test_the_lead_is_taken_over_the_best_of_six_of_each_cell():
    leads = {("s", 0): 0.1, ("s", 1): -0.05, ("t", 0): 0.04}
    listed = [
        {
            "table": table,
            "noise": "pair20",
            "seed": seed,
            "best_of_six": {"average_precision": 0.5},
            "methods": {"ours": {"average_precision": 0.5 + value}},
        }
        for (table, seed), value in leads.items()
    ]
    found = detection_report.lead(listed, "ours")
    assert found["mean"] == pytest.approx(0.03)
    assert found["median"] == pytest.approx(0.04)
    assert found["mean_of_tables"] == pytest.approx((0.025 + 0.04) / 2)
    assert found["share_behind"] == pytest.approx(1 / 3)
    assert (found["worst"], found["worst_cell"]) == (pytest.approx(-0.05), "s/pair20/1")
    assert detection_report.lead(listed, "random") is None
