"""Whatever is changed in a file of a run, every reader gives a result or one sentence."""

from __future__ import annotations

import hashlib
import json
import shutil
from random import Random

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file, save

import datacleanse as dc
from datacleanse.auditing.result import AuditResult
from datacleanse.errors import DatacleanseError, RunFolderError
from datacleanse.notices import NoticeLog
from datacleanse.serving.export import export_run
from datacleanse.serving.open_model import open_model
from datacleanse.serving.predictions import NewRowsOptions, predict_source
from datacleanse.storage.run_folder import RunFolder
from datacleanse_reports.changes.view import read_changes
from datacleanse_reports.served import ServedReview
from datacleanse_reports.write import write_reports
from tests.cli.tampering import tamper_bytes, tamper_json, tamper_table
from tests.tries import IS_THOROUGH

PORTIONS = range(4 if IS_THOROUGH else 1)
"""Each of some mutations, so that they run side by side."""


@pytest.fixture
def place(audited_copy, monkeypatch):
    """A copy of the audited folder, worked in."""
    monkeypatch.chdir(audited_copy)
    (run,) = (audited_copy / "runs").iterdir()
    for name in ("run", "earlier"):
        shutil.copytree(run, name)
    manifest = json.loads((audited_copy / "earlier" / "run.json").read_text(encoding="utf-8"))
    manifest["run_id"] = "0" * 32
    (audited_copy / "earlier" / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    return audited_copy


def report(folder):
    write_reports(folder, top=20, formats=["json"])
    ServedReview(folder, first=1, reviewer="me")


def compare(folder):
    read_changes(folder, RunFolder(folder.path.parent / "earlier"))


def apply(folder):
    dc.apply(folder.path, auto=True, relabel_above=0.5, drop_above=0.9, dry_run=True)


def predict(folder):
    model = open_model(folder.path)
    new = str(folder.path.parent / "clean.csv")
    options = NewRowsOptions(allow_unknown=True)
    tables = predict_source(
        model, new, scratch=folder.path.parent, options=options, log=NoticeLog()
    )
    for table in tables:
        assert np.isfinite(table.column(table.num_columns - 1)).all()


def export(folder):
    for name in ("weights.csv", "model.safetensors"):
        format_ = name.split(".")[0] if name == "weights.csv" else "safetensors"
        export_run(folder.path, format_, folder.path.parent / name)


def show(folder):
    result = AuditResult(folder)
    assert len(result.table) == len(result.ledger) / result.manifest["training"]["epochs"]
    result.suspects(5)


def read(readers, folder, random):
    """A reader's result, or the one sentence that it refuses the run with."""
    reader = random.choice(readers)
    try:
        reader(folder)
    except DatacleanseError as error:
        told = error
    else:
        return ""
    assert told.message.isprintable()
    assert told.hint
    assert len(str(told)) < 1000
    return str(told)


def tamper(place, name, readers, *, spoil, seed, times, seal=False):
    """Change a file some times, and read the run; how often it was refused."""
    random, folder = Random(seed), RunFolder(place / "run")
    refused = 0
    for _ in range(times):
        file = random.choice(sorted(folder.path.glob(name)))
        before = file.read_bytes()
        file.write_bytes(spoil(before, random))
        if seal:
            seal_model(folder, file)
        refused += bool(read(readers, folder, random))
        file.write_bytes(before)
    return refused


def seal_model(folder, file):
    """Let `run.json` say that the changed file is the run's own."""
    manifest = json.loads(folder.manifest_file.read_text(encoding="utf-8"))
    manifest["model_files"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    folder.manifest_file.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("portion", PORTIONS)
def test_run_json(place, portion):
    readers = (report, compare, apply, predict, export, show)
    assert tamper(place, "run.json", readers, spoil=tamper_json, seed=portion, times=25) > 10


@pytest.mark.parametrize("portion", PORTIONS)
def test_model_json(place, portion):
    spoiled = {"spoil": tamper_json, "seed": portion, "times": 30, "seal": True}
    assert tamper(place, "model/model.json", (predict, export), **spoiled) > 10


@pytest.mark.parametrize("portion", PORTIONS)
def test_tables(place, portion):
    readers = (report, report, report, compare, apply, export, show)
    spoiled = {"spoil": tamper_table, "seed": portion, "times": 20}
    assert tamper(place, "*.parquet", readers, **spoiled) > 3
    assert tamper(place, "weights/*.parquet", (show,), **spoiled | {"times": 5}) > 1


def test_bytes_of_tables(place):
    readers = (report, compare, apply, export, show)
    assert tamper(place, "*.parquet", readers, spoil=tamper_bytes, seed=0, times=25) > 10


def tamper_tensors(content, random):
    """One tensor of another type, shape or value, missing, or one too many."""
    tensors = load(content)
    name, how = random.choice(sorted(tensors)), random.random()
    if how < 0.2:
        del tensors[name]
    elif how < 0.4:
        tensors[name] = tensors[name].to(random.choice([torch.float64, torch.int64, torch.bool]))
    elif how < 0.6:
        tensors[name] = tensors[name].unsqueeze(0).contiguous()
    elif how < 0.7:
        tensors["more"] = torch.zeros(3)
    elif tensors[name].numel():
        values = [np.nan, np.inf, 1e38] if tensors[name].is_floating_point() else [-1, 10**6]
        tensors[name].view(-1)[0] = random.choice(values)
    return save(tensors) if how < 0.9 else tamper_bytes(content, random)


@pytest.mark.parametrize("portion", PORTIONS[:2])
def test_parameters(place, portion):
    spoiled = {"spoil": tamper_tensors, "seed": portion, "times": 25, "seal": True}
    assert tamper(place, "model/model.safetensors", (predict, export), **spoiled) > 10


def test_what_is_not_changed_is_read(place):
    folder = RunFolder(place / "run")
    for reader in (report, compare, apply, predict, export, show):
        reader(folder)
    assert load_file(place / "model.safetensors")


def name_class_anew(manifest):
    classes = manifest["data"]["classes"]
    manifest["data"]["classes"] = {"maybe" if k == "yes" else k: v for k, v in classes.items()}


def move_rows(manifest):
    manifest["data"]["classes"]["yes"] += 1
    manifest["data"]["classes"]["no"] -= 1


def drop_column(manifest):
    del manifest["schema"]["columns"][0]


@pytest.mark.parametrize(
    ("change", "reader", "said"),
    [
        (name_class_anew, report, "which is none of the classes that run.json names"),
        (name_class_anew, apply, "which is none of the classes that run.json names"),
        (name_class_anew, predict, "is 'yes' in the model, and 'maybe' in run.json"),
        (name_class_anew, export, "which is none of the classes that run.json names"),
        (move_rows, show, "times, where run.json says"),
        (move_rows, compare, "times, where run.json says"),
        (drop_column, predict, "the number of columns is"),
    ],
)
def test_files_of_two_runs_are_not_read_as_one(place, change, reader, said):
    folder = RunFolder(place / "run")
    manifest = json.loads(folder.manifest_file.read_text(encoding="utf-8"))
    change(manifest)
    folder.manifest_file.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(RunFolderError, match=said):
        reader(folder)
