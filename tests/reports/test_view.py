"""The view's numbers against slow, obvious ones."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import datacleanse_reports
from datacleanse_reports import read_view, sentences
from datacleanse_reports.cells import spell_column


@pytest.fixture
def audit(hostile_run):
    return hostile_run.read_audit().to_pylist()


@pytest.fixture
def view(hostile_run):
    return read_view(hostile_run, top=12)


def test_classes_add_up(view, audit):
    for each in view.classes:
        rows = [row for row in audit if row["given_label"] == each.name]

        assert len(rows) == each.rows
        assert sum(row["flagged"] for row in rows) == each.flagged
        expected = sum(row["mislabel_probability"] for row in rows)
        assert expected == pytest.approx(each.suspected, abs=1e-3)
    assert sum(each.rows for each in view.classes) == view.headline.rows


def test_a_label_that_data_has_on_no_row_is_no_class_of_it(view, hostile_run):
    assert "only in CLEAN" in hostile_run.manifest().noise.by_given_label
    assert "only in CLEAN" not in [each.name for each in view.classes]


def test_budgets_are_sums_of_probabilities_by_rank(view, audit):
    audit.sort(key=lambda row: row["rank"])
    assert [budget.rows for budget in view.budgets] == [10, 20, 50]
    for budget in view.budgets:
        expected = sum(row["mislabel_probability"] for row in audit[: budget.rows])

        assert expected == pytest.approx(budget.expected_wrong, abs=1e-3)


def test_verified_rows_are_no_suspects(hostile_run):
    file = hostile_run.audit_file
    audit = pq.read_table(file)
    suspicion = audit["suspicion"].to_numpy().copy()
    last = audit["rank"].to_numpy() > 50
    suspicion[last] -= 1
    place = audit.schema.get_field_index("suspicion")
    pq.write_table(audit.set_column(place, "suspicion", pa.array(suspicion)), file)
    view = read_view(hostile_run, top=len(audit))
    assert [each.rank for each in view.suspects] == list(range(1, 51))
    overlap = replace(view.overlap, verified=int(last.sum()))
    said = sentences.say_listed(replace(view, overlap=overlap))
    assert said == "All 50 rows that nobody verified, most suspicious first."


def test_every_range_holds_its_share(view):
    head = view.headline
    assert head.low_share < head.estimated_share < head.high_share
    for each in view.budgets:
        assert each.low_share < each.expected_share < each.high_share
    for each in view.classes:
        assert each.low_share < each.suspected_share < each.high_share


def test_histogram_counts_every_trained_row_once(view, audit):
    known = [row for row in audit if row["mean_weight"] is not None]

    assert len(known) == view.weights.basis_rows + view.weights.other_rows
    assert sum(view.weights.basis_shares) == pytest.approx(1)
    assert sum(view.weights.other_shares) == pytest.approx(1)


def test_without_flags_the_listed_suspects_are_the_basis(fabricated, tmp_path):
    fabricated.flagged = 0
    view = read_view(fabricated.write(tmp_path / "unflagged"), top=12)

    assert (view.weights.basis, view.weights.basis_rows) == ("top", 12)


def test_random_weights_are_no_reason(fabricated, tmp_path):
    fabricated.manifest["training"]["rule"] = "random"
    view = read_view(fabricated.write(tmp_path / "random"), top=60)

    assert not any("ignored" in suspect.reason for suspect in view.suspects)


def test_a_loss_that_falls_counts_as_better(view):
    better = {metric.name: metric.better for metric in view.test.metrics}

    assert better["log_loss"] == "reweighted"
    assert better["calibration_error"] == "control"


def test_a_difference_within_what_the_rows_can_tell_has_no_better_network(fabricated, tmp_path):
    measures = fabricated.manifest["metrics"]["test"]
    measures["reweighted"]["accuracy"] = measures["control"]["accuracy"] - 0.003
    view = read_view(fabricated.write(tmp_path / "close"), top=12)
    metric = view.test.metrics[0]

    assert view.test.accuracy_error > 0.003
    assert (metric.name, metric.better) == ("accuracy", "equal")
    assert sentences.name_better(metric) == "neither"


def test_curves_of_a_final_network_that_is_the_reweighted_one_are_not_repeated(
    view, fabricated, tmp_path
):
    curves = fabricated.manifest["training"]["curves"]
    curves["final"] = curves["reweighted"]
    same = read_view(fabricated.write(tmp_path / "same"), top=12)

    assert view.training.final is not None
    assert same.training.final is None


def test_label_column_is_left_out_of_the_cells(view):
    assert view.columns == ("person", "rank", "age", "=cmd()<b>", "=cmd()<b>", "col 2", "col 3")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([39.0, 0.1, None, float("nan")]), ["39", "0.1", None, None]),
        (pa.array([0.1], pa.float32()), ["0.1"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pa.array([1_600_000_000_123_000_000], pa.timestamp("ns")), ["2020-09-13 12:26:40.123"]),
        (pa.array([1_600_000_000], pa.timestamp("s", "UTC")), ["2020-09-13 12:26:40Z"]),
        (pa.array([[1.5, 2.0]]), ["[1.5, 2.0]"]),
        (pa.array([b"abc"]), ["3 bytes"]),
        (pa.array([10**18]), ["1000000000000000000"]),
    ],
)
def test_cells_read_as_a_person_would_type_them(values, expected):
    assert expected == spell_column(pa.chunked_array([values]))


def test_every_public_name_is_there():
    assert all(hasattr(datacleanse_reports, name) for name in dir(datacleanse_reports))
    assert not hasattr(datacleanse_reports, "no_such_name")


def test_import_is_cheap():
    heavy = "jinja2", "pyarrow", "numpy", "pandas", "torch"
    code = (
        "import sys, datacleanse_reports.view, datacleanse_reports.formats.registry\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    path = ":".join(each for each in sys.path if each)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"


def test_without_a_test_set_the_held_back_clean_rows_compare_the_networks(fabricated, tmp_path):
    metrics = fabricated.manifest["metrics"]
    metrics["held_back"], metrics["test"] = metrics["test"], None
    view = read_view(fabricated.write(tmp_path / "held-back"), top=5)
    assert view.test.kind == "held-back clean row"
    assert "held-back clean rows" in sentences.say_model(view)
