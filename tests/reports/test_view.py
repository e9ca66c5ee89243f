"""The view's numbers against slow, obvious ones."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest

import datacleanse_reports
from datacleanse_reports import read_view
from datacleanse_reports.cells import column_as_text


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
        assert sum(row["mislabel_probability"] for row in rows) == pytest.approx(each.suspected)
    assert sum(each.rows for each in view.classes) == view.headline.rows


def test_confusions_are_those_of_the_flagged(view, audit):
    flagged = [row for row in audit if row["flagged"]]
    for pair in view.confusions.pairs:
        same = [
            row
            for row in flagged
            if (row["given_label"], row["suggested_label"]) == (pair.given, pair.suggested)
        ]

        assert len(same) == pair.rows
    assert view.confusions.basis == "flagged"
    assert len(flagged) == view.confusions.basis_rows


def test_budgets_are_sums_of_probabilities_by_rank(view, audit):
    audit.sort(key=lambda row: row["rank"])
    for budget in view.budgets:
        expected = sum(row["mislabel_probability"] for row in audit[: budget.rows])

        assert expected == pytest.approx(budget.expected_wrong)


def test_histogram_counts_every_trained_row_once(view, audit):
    known = [row for row in audit if row["mean_weight"] is not None]

    assert len(known) == view.weights.basis_rows + view.weights.other_rows
    assert sum(view.weights.basis_shares) == pytest.approx(1)
    assert sum(view.weights.other_shares) == pytest.approx(1)


def test_without_flags_the_listed_suspects_are_the_basis(fabricated, tmp_path):
    fabricated.flagged = 0
    view = read_view(fabricated.write(tmp_path / "unflagged"), top=12)

    assert (view.confusions.basis, view.confusions.basis_rows) == ("top", 12)


def test_random_weights_are_no_reason(fabricated, tmp_path):
    fabricated.manifest["settings"]["rule"] = "random"
    view = read_view(fabricated.write(tmp_path / "random"), top=60)

    assert not any("no weight" in suspect.reason for suspect in view.suspects)


def test_a_loss_that_falls_counts_as_better(view):
    better = {metric.name: metric.better for metric in view.held_back.metrics}

    assert better["log_loss"] == "reweighted"
    assert better["calibration_error"] is None


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
    assert expected == column_as_text(pa.chunked_array([values]))


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
