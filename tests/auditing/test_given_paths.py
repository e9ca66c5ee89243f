"""Paths that Python hands over: what has one serves, what is none is refused in a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

import datacleanse as dc
from tests.auditing.test_pandas import LIGHT, made


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A run of a file, with a decision."""
    place = tmp_path_factory.mktemp("paths")
    data, clean = made()
    data.to_csv(place / "data.csv", index=False)
    clean.to_csv(place / "clean.csv", index=False)
    result = dc.audit(
        place / "data.csv", val=place / "clean.csv", out=place / "run", **LIGHT, progress=False
    )
    run_id = result.manifest["run_id"]
    said = {"row": 3, "action": "drop", "given_label": result.table.given_label[3], "at": ""}
    file = result.folder.decisions_file
    file.write_text(pd.Series(said | {"run_id": run_id}).to_json() + "\n", encoding="utf-8")
    return result


NO_PATHS = {
    "a number": (5, "an object of the type int, which is no path. Give a path as text"),
    "nothing": ("", "an empty text, which is no path."),
    "bytes": (b"runs", "bytes, which is no path. Give a path as text (os.fsdecode)."),
    "a frame": (pd.DataFrame({"a": [1]}), "an object of the type DataFrame, which is no path."),
    "a NUL": ("a\0b", "'a\\x00b', which is no path. Give a path of letters"),
    "half a sign": ("\ud800", "'\\ud800', which is no path. Give a path of letters"),
}

ENTRIES = {
    "dc.audit, out": ("out", lambda data, run, wrong: dc.audit(data, out=wrong, **LIGHT)),
    "dc.audit, decisions": ("decisions", lambda data, run, wrong: dc.audit(data, decisions=wrong)),
    "dc.audit, one of them": (
        "decisions",
        lambda data, run, wrong: dc.audit(data, decisions=[run, wrong]),
    ),
    "dc.plan_audit": ("out", lambda data, run, wrong: dc.plan_audit(data, out=wrong, **LIGHT)),
    "dc.load": ("run", lambda data, run, wrong: dc.load(wrong)),
    "dc.load_predictor": ("directory", lambda data, run, wrong: dc.load_predictor(wrong)),
    "dc.explain": ("run", lambda data, run, wrong: dc.explain(wrong, data, row=0)),
    "dc.apply, run": ("run", lambda data, run, wrong: dc.apply(wrong)),
    "dc.apply, out": ("out", lambda data, run, wrong: dc.apply(run, out=wrong)),
    "dc.apply, data": ("data", lambda data, run, wrong: dc.apply(run, data=wrong)),
    "save": ("path", lambda data, run, wrong: run.save(wrong)),
    "compare": ("earlier", lambda data, run, wrong: run.compare(wrong)),
    "report": ("path", lambda data, run, wrong: run.report().save(wrong)),
}


@pytest.mark.parametrize("wrong", NO_PATHS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_no_path_is_refused_in_a_sentence(entry, wrong, audited):
    name, call = ENTRIES[entry]
    given, said = NO_PATHS[wrong]
    with pytest.raises(dc.SettingsError) as caught:
        call(made()[0], audited, given)
    assert str(caught.value).startswith(f"{name} is {said}")


def test_a_result_and_what_save_returns_serve_as_the_run_folder(audited, tmp_path):
    data, _ = made()
    saved = audited.save(tmp_path / "saved")
    for run in (audited, saved):
        assert dc.load(run).predict(data).shape == (len(data),)
        assert dc.explain(run, data, row=2).predicted in ("a", "b")
        assert dc.apply(run, dry_run=True).dropped == 1
        assert len(audited.cleaned(run)) == len(data) - 1
    assert dc.load(saved).run == str(tmp_path / "saved")
    with pytest.raises(dc.InputError, match="is the folder of a run"):
        dc.audit(audited)


def test_a_tilde_is_the_user_s_own_folder(audited, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Path(audited.save("~/saved")) == tmp_path / "saved"
    assert dc.load("~/saved").run == str(tmp_path / "saved")


def test_a_run_is_not_saved_over_around_or_into_itself(audited, tmp_path):
    around = tmp_path / "around"
    kept = audited.save(around / "run")
    (around / "run.json").write_bytes(kept.manifest_file.read_bytes())
    result = dc.AuditResult(kept)
    before = sorted(around.rglob("*"))
    for place in (kept.path, around / "." / "run", kept.path / "copy", around):
        with pytest.raises(dc.RunFolderError, match=r"lies in .* already, and a copy in"):
            result.save(place, force=True)
    assert sorted(around.rglob("*")) == before
    assert result.folder.is_finished()


def test_a_result_whose_folder_is_gone_leaves_the_run_that_it_would_replace(audited, tmp_path):
    gone, kept = (audited.save(tmp_path / name) for name in ("gone", "kept"))
    shutil.rmtree(gone.path)
    with pytest.raises(dc.RunFolderError, match="gone holds no run"):
        dc.AuditResult(gone).save(kept.path, force=True)
    assert kept.is_finished()


def test_limits_that_are_no_numbers_are_refused_in_a_sentence(audited):
    for given in ("0.9", True, object):
        with pytest.raises(dc.SettingsError, match=r"relabel_above=.* Give a number"):
            dc.apply(audited, auto=True, relabel_above=given, dry_run=True)


def test_a_run_in_place_of_its_model_is_told_from_a_damaged_one(audited, tmp_path):
    with pytest.raises(dc.RunFolderError, match="is the folder of a run, and its model lies in"):
        dc.load_predictor(audited)
    with pytest.raises(dc.RunFolderError, match="nothing is no folder"):
        dc.load_predictor(tmp_path / "nothing")


@pytest.mark.parametrize("role", ["data", "val", "decisions", "test", "the run"])
def test_what_is_read_for_a_run_is_not_removed_with_the_one_that_it_replaces(
    role, audited, tmp_path
):
    run = Path(audited.save(tmp_path / "run"))
    data, clean = made()
    inside = run / "cleaned.csv"
    data.to_csv(inside, index=False)
    asked = {"data": data, "val": clean} | {
        "data": {"data": inside},
        "val": {"val": [clean, inside]},
        "test": {"test": str(inside)},
        "decisions": {"decisions": run / "decisions.jsonl"},
        "the run": {"decisions": run},
    }[role]
    before = sorted(run.rglob("*"))
    with pytest.raises(dc.RunFolderError, match=r"in the run folder .*force=True would remove"):
        dc.audit(asked.pop("data"), **asked, **LIGHT, out=run, force=True)
    assert sorted(run.rglob("*")) == before
