"""`datacleanse audit --task regression`, from files to reports; what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import datacleanse as dc
from datacleanse.serving.mlflow_log import _collect_figures, _collect_params, _collect_tags
from datacleanse.storage.run_folder import RunFolder
from datacleanse_reports.any_page import read_any_view
from datacleanse_reports.changes.rows import pair_rows
from tests.cli.conftest import run_here
from tests.cli.houses import REGRESSION, audited

__all__ = ["audited"]  # a fixture


def test_wrong_numbers_are_found_and_their_slip_is_named(audited):
    folder, wrong, done = audited
    table = pd.read_parquet(folder / "run/audit.parquet")
    asked = table.verified_label.isna() & (
        table["rank"] <= (wrong & table.verified_label.isna()).sum()
    )
    assert wrong[asked].mean() > 0.9
    assert wrong[table.flagged].mean() > 0.8
    first = table.sort_values("rank").iloc[0]
    assert first.slip == "× 10"
    assert float(first.suggested_label) == pytest.approx(float(first.given_label) / 10, abs=0.06)
    assert first.predicted_low < first.predicted < first.predicted_high
    assert "× 10" in done.out
    assert "RMSE" in done.out


def test_a_verified_row_is_proven_right_or_wrong(audited):
    folder, wrong, _ = audited
    table = pd.read_parquet(folder / "run/audit.parquet")
    known = table.verified_label.notna()
    assert (table.mislabel_probability[known] == wrong[known]).all()
    assert (table.suggested_label.notna() == wrong)[known].all()
    assert not table.flagged[known].any()
    assert ((table.verdict == "likely wrong") == wrong)[known].all()


def test_the_ledger_holds_residuals(audited):
    folder, _, _ = audited
    files = sorted((folder / "run/weights").iterdir())
    epochs = [pd.read_parquet(file) for file in files]
    assert len(epochs) == 2
    table = pd.read_parquet(folder / "run/audit.parquet")
    mean = np.mean([epoch.margin for epoch in epochs], axis=0)
    assert table.mean_margin.to_numpy() == pytest.approx(mean, rel=1e-4, abs=1e-4)
    assert epochs[0].loss.to_numpy() == pytest.approx(epochs[0].margin ** 2 / 2, rel=1e-4)
    assert epochs[0].weight.mean() == pytest.approx(1, abs=0.05)


def test_run_json_card_and_reports_tell_the_same(audited):
    folder, wrong, _ = audited
    run = json.loads((folder / "run/run.json").read_text("utf-8"))
    assert run["task"] == "regression"
    rate = run["noise"]["rate"]
    assert rate["low"] <= wrong.mean() <= rate["high"]
    measured = run["metrics"]["test"]
    assert measured["rows"] == 100
    assert measured["reweighted"]["rmse"] < measured["control"]["rmse"] * 1.1
    assert run["metrics"]["held_back"]["rows"] == 7
    card = (folder / "run/model/README.md").read_text("utf-8")
    assert f"{measured['reweighted']['rmse']:.4g}" in card
    assert "tabular-regression" in card
    suspects = pd.read_csv(folder / "run/reports/suspects.csv")
    summary = json.loads((folder / "run/reports/summary.json").read_text("utf-8"))
    assert suspects["row"].tolist() == [each["row"] for each in summary["suspects"]]
    assert {"key", "size", "town"} <= set(suspects.columns)
    page = (folder / "run/reports/report.html").read_text("utf-8")
    markdown = (folder / "run/reports/report.md").read_text("utf-8")
    for text in (page, markdown):
        assert str(suspects.id[0]) in text
        assert "× 10" in text


def test_a_finished_run_is_gone_on_with_and_never_overwritten(audited):
    folder, _, _ = audited
    again = run_here(*REGRESSION, "-o", "run", cwd=folder)
    assert again.code == 2
    done = run_here(
        *REGRESSION, "--test", "test.csv", "--hold-back", "0.1", "-o", "run", "--resume", "--json",
        cwd=folder,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert json.loads(done.out)["flagged"] > 0


REFUSED = {
    "a rule without verified rows": (
        ("--label", "price", "--task", "regression", "--rule", "l2rw"),
        "nothing to steer by",
    ),
    "a network for pictures": ((*REGRESSION[2:], "--model", "pretrained"), "--model pretrained"),
    "a rule of classes": ((*REGRESSION[2:], "--rule", "lilaw"), "--rule lilaw"),
    "a column of names": (
        ("--val", "clean.csv", "--label", "town", "--task", "regression"),
        "names, not numbers",
    ),
    "too little memory": ((*REGRESSION[2:], "--memory", "10MB"), "--memory is 10 MB"),
    "an unknown task": (("--val", "clean.csv", "--task", "ranking"), "'ranking'"),
    "numbers as classes": (("--val", "clean.csv", "--label", "price"), "to predict"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_call_that_cannot_be_served_is_refused(audited, words, said):
    folder, _, _ = audited
    done = run_here("audit", "data.csv", *words, "-o", "other", cwd=folder)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) >= 2
    assert not (folder / "other").exists()


def test_new_rows_are_predicted_as_the_audit_measured(audited):
    folder, _, _ = audited
    done = run_here("predict", "run", "test.csv", "-o", "p.csv", "--force", cwd=folder)
    assert done.code == 0, done.err
    predicted = pd.read_csv(folder / "p.csv").predicted_label
    true = pd.read_csv(folder / "test.csv").price
    run = json.loads((folder / "run/run.json").read_text("utf-8"))
    measured = run["metrics"]["test"]["reweighted"]
    assert np.sqrt(np.mean((predicted - true) ** 2)) == pytest.approx(measured["rmse"])
    assert np.abs(predicted - true).mean() == pytest.approx(measured["mae"])


def test_an_exported_file_predicts_what_the_run_does(audited):
    folder, _, _ = audited
    done = run_here("export", "run", "--format", "onnx", "-o", "m.onnx", cwd=folder)
    assert done.code == 0, done.err
    assert "It agrees with the run's own predictions" in done.out
    served = {"a": ("run",), "b": ("m.onnx",), "c": ("run", "--model", "m.onnx")}
    for name, (run, *more) in served.items():
        done = run_here("predict", run, "test.csv", *more, "-q", "-o", f"{name}.csv", cwd=folder)
        assert (done.code, done.err) == (0, "")
        assert done.out == f"100 rows predicted: {name}.csv\n"
    tables = [pd.read_csv(folder / f"{name}.csv") for name in "abc"]
    assert list(tables[0]) == ["row", "id", "predicted_label"]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(tables[0], table, rtol=1e-5)


def test_a_predicted_number_is_explained_by_rows(audited):
    folder, _, _ = audited
    done = run_here("explain", "run", "test.csv", "--row", "3", "-o", "rows.csv", cwd=folder)
    assert done.code == 0, done.err
    assert "The model predicts" in done.out
    assert done.out.index("Pushed the number up") < done.out.index("Pushed it down")
    assert len(pd.read_csv(folder / "rows.csv")) == 20
    asked = ("explain", "run", "test.csv", "--row", "3", "--number", "250")
    assert "Pushed the model toward 250" in run_here(*asked, cwd=folder).out
    assert json.loads(run_here(*asked, "--json", cwd=folder).out)["number"] == 250


@pytest.fixture(scope="module")
def earlier(audited):
    """An earlier run of the same data: five flagged rows were not, and one verified one was."""
    folder, _, _ = audited
    place = folder / "earlier"
    shutil.copytree(folder / "run", place)
    described = json.loads((place / "run.json").read_text("utf-8"))
    described["run_id"] = "0" * 32
    described["metrics"]["test"]["reweighted"]["rmse"] += 1.25
    (place / "run.json").write_text(json.dumps(described), "utf-8")
    table = pq.read_table(place / "audit.parquet")
    records = sorted(table.to_pylist(), key=lambda record: record["rank"])
    for record in [record for record in records if record["flagged"]][:5]:
        record["flagged"] = False
    # It had ten times its number, which is spelled otherwise now where it had not.
    changed = next(record for record in records if record["verified_label"] is not None)
    changed |= {"flagged": True, "verified_label": None, "given_label": "99999"}
    records.sort(key=lambda record: record["row"])
    pq.write_table(pa.Table.from_pylist(records, table.schema), place / "audit.parquet")
    return changed["row"]


def test_two_runs_are_compared(audited, earlier):
    folder, _, _ = audited
    done = run_here("report", "run", "--compare", "earlier", "--json", cwd=folder)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["matched_by"] == "row"
    assert [each["now"]["rank"] for each in told["newly_flagged"]] == [1, 2, 3, 4, 5]
    assert [(each["now"]["row"], each["outcome"]) for each in told["resolved"]] == [
        (earlier, "relabelled")
    ]
    rmse = next(each for each in told["metrics"] if each["name"] == "rmse")
    assert rmse["difference"] == pytest.approx(-1.25)
    assert told["same_test"]
    page = (folder / "run/reports/comparison.md").read_text("utf-8")
    assert "RMSE" in page
    assert "-1.2 |" in page
    done = run_here("report", "run", "--compare", "earlier", cwd=folder)
    assert "5 new" in done.out


def test_a_number_spelled_otherwise_is_no_other_label(audited, earlier):
    folder, _, _ = audited
    manifests = (RunFolder(folder / name).any_manifest() for name in ("earlier", "run"))
    pairs = pair_rows(RunFolder(folder / "earlier"), RunFolder(folder / "run"), tuple(manifests))
    given = pairs.now["given_label"].to_pylist()
    texts = pa.array([f"{text}0" for text in given])
    at = pairs.before.column_names.index("given_label")
    before = pairs.before.set_column(at, "given_label", texts)
    (resolved,) = replace(pairs, before=before).resolved()
    assert resolved.outcome == "verified"


def test_a_gate_of_numbers_compares_rate_flags_and_new_flags(audited, earlier):
    folder, _, _ = audited
    run = json.loads((folder / "run/run.json").read_text("utf-8"))
    flagged, low = run["flags"]["flagged"], run["noise"]["rate"]["low"]
    kept = ("--max-flags", flagged, "--max-noise-rate", low, "--max-new-flags", 5)
    done = run_here("gate", "run", *kept, "--baseline", "earlier", cwd=folder)
    assert (done.code, done.err) == (0, "")
    assert "3 thresholds kept" in done.out
    shut = ("--max-flags", flagged - 1, "--max-noise-rate", low - 1e-6, "--max-new-flags", 4)
    done = run_here("gate", "run", *shut, "--baseline", "earlier", cwd=folder)
    assert done.code == 1
    assert "3 of 3 thresholds exceeded" in done.out
    first = pd.read_csv(folder / "run/reports/suspects.csv").iloc[0]
    assert f"({first.id})" in done.out
    assert "likely wrong" in done.out
    leaks = ("gate", "run", "--fail-on", "leaking-columns")
    assert run_here(*leaks, "--fail-on", "drift", cwd=folder).code == 0
    found = run_here(*leaks, "--fail-on", "copies", cwd=folder)
    assert found.code == 1
    assert "rows repeat each other" in found.out


def test_a_changed_model_is_not_predicted_with(audited, tmp_path):
    folder, _, _ = audited
    shutil.copytree(folder / "run", tmp_path / "run")
    file = tmp_path / "run/model/model.json"
    file.write_text(file.read_text("utf-8").replace('"scale"', '"size"'), "utf-8")
    done = run_here("predict", "run", folder / "test.csv", cwd=tmp_path)
    assert done.code == 2
    assert "model.json" in done.err


def test_reports_are_rendered_again(audited):
    folder, _, _ = audited
    before = (folder / "run/reports/suspects.csv").read_text("utf-8")
    done = run_here("report", "run", "--top", "3", "--format", "csv", cwd=folder)
    assert done.code == 0, done.err
    after = (folder / "run/reports/suspects.csv").read_text("utf-8")
    assert before.startswith(after)
    assert len(after.splitlines()) == 4
    assert run_here("report", "run", "--format", "argilla", cwd=folder).code == 2
    assert run_here("report", "run", cwd=folder).code == 0


def test_from_python_the_table_has_the_frames_index_and_floats(audited):
    folder, wrong, _ = audited
    frame = pd.read_csv(folder / "data.csv").set_index(np.arange(300) + 1000)
    result = dc.audit(
        frame,
        val=pd.read_csv(folder / "clean.csv"),
        label="price",
        id="key",
        task="regression",
        epochs=2,
        progress=False,
    )
    assert list(result.table.index) == list(frame.index)
    assert (result.table.given_label == frame.price).all()
    assert wrong[result.table.flagged].mean() > 0.8
    assert result.suspects(5).town.isin(["Ulm", "Genf"]).all()
    assert np.isfinite(result.model.predict(frame.drop(columns="price"))).all()
    assert result.manifest["task"] == "regression"
    assert "300 rows" in repr(result)
    assert "matched by their ids" in repr(result.compare(folder / "run"))


def test_what_a_tracker_is_told_holds_errors_and_rate(audited):
    run = RunFolder(audited[0] / "run").any_manifest()
    figures, measured = dict(_collect_figures(run)), run.metrics.test
    assert figures["test_reweighted_rmse"] == measured.reweighted.rmse
    assert figures["noise_rate"] == run.noise.rate.share
    assert _collect_params(run)["epochs"] == 2
    assert _collect_tags(run)["datacleanse.clean.sha256"] == run.clean.sha256


def test_rows_to_verify_are_drawn_from_low_and_high_numbers(audited):
    folder, _, _ = audited
    drawn = ("sample", "data.csv", "-n", "30", "--label", "price", "--task", "regression")
    done = run_here(*drawn, "-o", "drawn.csv", cwd=folder)
    assert done.code == 0, done.err
    assert "--task regression" in done.out
    whole, few = (pd.read_csv(folder / f"{name}.csv").price for name in ("data", "drawn"))
    tenth = np.searchsorted(whole.quantile(np.arange(1, 10) / 10), few)
    assert (np.bincount(tenth) == 3).all()
    lines = (folder / "data.csv").read_text().splitlines()
    assert set((folder / "drawn.csv").read_text().splitlines()) <= set(lines)


def test_verified_rows_like_a_suspect_and_its_telling_cells_are_kept(audited):
    folder, _, _ = audited
    run, clean = folder / "run", pd.read_csv(folder / "clean.csv")
    table = pd.read_parquet(run / "audit.parquet")
    near = pd.read_parquet(run / "neighbours.parquet")
    assert (clean.price[near.clean_row].to_numpy() == near.label.astype(float)).all()
    # The nearest verified row has a number like the suggested one: of the same tenth.
    first = near[near.place == 1].set_index("row").label.astype(float)
    slipped = table[table.slip.notna() & table.verified_label.isna()]
    edges = table.given_label.astype(float).quantile(np.arange(1, 10) / 10)
    wanted, met = (
        np.searchsorted(edges, each)
        for each in (slipped.suggested_label.astype(float), first[slipped.row])
    )
    assert (wanted == met).mean() > 0.9
    telling = pd.read_parquet(run / "telling.parquet")
    assert set(telling.column) == {"size", "town"}
    view = read_any_view(RunFolder(run), top=3)
    assert all(each.neighbours and each.telling for each in view.suspects)
