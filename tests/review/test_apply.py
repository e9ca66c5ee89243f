"""`dc.apply`: cleaned data from Python, for tables and for pictures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import datacleanse as dc
from datacleanse.review.decisions import Decision, append_decisions


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A table of 120 rows, some labels turned round, and its run."""
    folder = tmp_path_factory.mktemp("audited")
    rng = np.random.default_rng(0)
    size = rng.normal(size=180)
    frame = pd.DataFrame(
        {"size": size, "label": np.where(size > 0, "big", "small"), "other": rng.normal(size=180)}
    )
    data, clean = frame.iloc[:120].copy(), frame.iloc[120:]
    data.loc[:5, "label"] = data.loc[:5, "label"].map({"big": "small", "small": "big"})
    data.to_csv(folder / "data.csv", index=False)
    dc.audit(folder / "data.csv", val=clean, label="label", epochs=2).save(folder / "run")
    return folder


def decide(run, actions):
    """Append decisions about rows to the run's own file, as the review page does."""
    table = pd.read_parquet(run / "audit.parquet").set_index("row")
    run_id = json.loads((run / "run.json").read_text(encoding="utf-8"))["run_id"]
    append_decisions(
        run / "decisions.jsonl",
        [
            Decision(
                row=row,
                id=table["id"][row],
                row_sha256=table["row_sha256"][row],
                given_label=table["given_label"][row],
                action=action,
                new_label=new,
                reviewer="Ada",
                at="2026-01-02T03:04:05+00:00",
                run_id=run_id,
            )
            for row, (action, new) in actions.items()
        ],
    )


def test_decisions_about_a_table_are_carried_out(audited, tmp_path):
    given = pd.read_csv(audited / "data.csv")
    new = {"big": "small", "small": "big"}[given["label"][0]]
    decide(audited / "run", {0: ("relabel", new), 1: ("drop", None), 2: ("keep", None)})

    found = dc.apply(audited / "run", out=tmp_path / "cleaned.csv")

    assert isinstance(found, dc.CleaningResult)
    assert (found.rows, found.rows_after) == (120, 119)
    assert (found.relabelled, found.dropped, found.kept, found.undecided) == (1, 1, 1, 117)
    assert [(each.row, each.old_label) for each in found.changes] == [
        (0, given["label"][0]),
        (1, given["label"][1]),
    ]
    assert found.is_written
    expected = given.drop(index=1).reset_index(drop=True)
    expected.loc[0, "label"] = new
    pd.testing.assert_frame_equal(pd.read_csv(found.cleaned), expected)
    assert len(pd.read_csv(found.diff)) == 2


def test_rows_that_are_gone_are_neither_kept_nor_do_they_hide_undecided_ones(audited, tmp_path):
    """`audited` decided to relabel row 0, drop row 1 and keep row 2."""
    given = pd.read_csv(audited / "data.csv")
    later = tmp_path / "later.csv"
    given.drop(index=[1, 2]).to_csv(later, index=False)
    found = dc.apply(audited / "run", out=tmp_path / "cleaned.csv", data=later)
    assert (found.rows, found.relabelled, found.dropped, found.kept) == (118, 1, 0, 0)
    assert found.undecided == 117


def test_a_dry_run_writes_nothing_and_says_the_same(audited, tmp_path):
    out = tmp_path / "cleaned.csv"

    dry = dc.apply(audited / "run", out=out, auto=True, drop_above=0.0, dry_run=True)

    assert list(tmp_path.iterdir()) == []
    assert not dry.is_written
    done = dc.apply(audited / "run", out=out, auto=True, drop_above=0.0)
    assert (dry.changes, dry.rows_after) == (done.changes, done.rows_after)
    assert len(pd.read_csv(out)) == done.rows_after


def test_a_limit_without_auto_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(dc.SettingsError, match="drop_above= is given without auto=True"):
        dc.apply(tmp_path / "no-run", drop_above=0.9)


def test_data_that_was_moved_has_to_be_named(audited, tmp_path):
    (audited / "data.csv").rename(tmp_path / "moved.csv")
    try:
        with pytest.raises(dc.InputError, match="The audited table") as error:
            dc.apply(audited / "run", out=tmp_path / "cleaned.csv")
        assert "--data" in error.value.hint
        found = dc.apply(
            audited / "run",
            out=tmp_path / "cleaned.csv",
            data=tmp_path / "moved.csv",
            auto=True,
            relabel_above=1.0,
        )
        assert not found.is_source_changed
    finally:
        (tmp_path / "moved.csv").rename(audited / "data.csv")


def test_pictures_become_a_folder_or_a_manifest(tmp_path):
    rng = np.random.default_rng(0)
    for place, n in (("data", 24), ("clean", 12)):
        for label, level in (("dark", 40), ("light", 200)):
            (tmp_path / place / label).mkdir(parents=True)
            for k in range(n // 2):
                noise = rng.integers(-30, 30, (8, 8, 3))
                image = Image.fromarray((level + noise).astype(np.uint8))
                image.save(tmp_path / place / label / f"{k}.png")
    dc.audit(tmp_path / "data", val=tmp_path / "clean", epochs=2).save(tmp_path / "run")
    decide(tmp_path / "run", {0: ("relabel", "light"), 1: ("drop", None)})

    tree = dc.apply(tmp_path / "run", out=tmp_path / "tree")
    manifest = dc.apply(tmp_path / "run", out=tmp_path / "cleaned.csv")

    assert (tree.relabelled, tree.dropped, tree.rows_after) == (1, 1, 23)
    assert len(list((tmp_path / "tree" / "dark").iterdir())) == 10
    assert len(list((tmp_path / "tree" / "light").iterdir())) == 13
    assert len(pd.read_csv(manifest.cleaned)) == 23
    with pytest.raises(dc.SettingsError, match="no folder of pictures is written"):
        dc.apply(tmp_path / "run", out=tmp_path / "again.csv", link=True)
