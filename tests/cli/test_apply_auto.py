"""`datacleanse apply --auto`: flags carried out by themselves, and never over a reviewer."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.cli.applying import apply_json, decide
from tests.cli.conftest import run_here
from tests.cli.tiny import contents


@pytest.fixture
def flagged(audited_copy):
    """The run with ten flagged rows whose probabilities are known."""
    path = audited_copy / "runs/data/audit.parquet"
    table = pq.read_table(path)
    frame = table.to_pandas()
    other = {"yes": "no", "no": "yes"}
    frame["flagged"] = frame["row"] < 10
    frame["mislabel_probability"] = frame["row"].where(frame["row"] < 10, 9) / 10
    frame["suggested_label"] = [
        None if row == 8 else other[given]
        for row, given in zip(frame["row"], frame["given_label"], strict=True)
    ]
    changed = type(table).from_pandas(frame, schema=table.schema, preserve_index=False)
    pq.write_table(changed, path)
    return audited_copy


def changes(folder, *arguments):
    apply_json(folder, "--auto", "--yes", "--force", *arguments)
    diff = pd.read_csv(folder / "cleaned.diff.csv", keep_default_na=False)
    assert (diff["reviewer"] == "auto").all()
    return {
        action: diff.loc[diff["action"] == action, "row"].tolist() for action in ("relabel", "drop")
    }


def test_auto_changes_nothing_until_it_is_told_to(flagged):
    before = contents(flagged)
    done = run_here("apply", "runs/data", "--auto", "--drop-above", "0.7", cwd=flagged)
    assert done.code == 0, done.err
    assert "dropped 3 (of them 3 by their flags alone)" in done.out
    assert "Repeat the command with --yes" in done.out
    assert contents(flagged) == before
    found = apply_json(flagged, "--auto", "--drop-above", "0.7")
    assert (found["written"], found["cleaned"], found["dropped"]) == (False, None, 3)


@pytest.mark.parametrize(
    ("limits", "relabelled", "dropped"),
    [
        (("--relabel-above", "0.6"), [6, 7, 9], []),
        (("--drop-above", "0.6"), [], [6, 7, 8, 9]),
        (("--relabel-above", "0.8", "--drop-above", "0.6"), [9], [6, 7, 8]),
        (("--relabel-above", "0.6", "--drop-above", "0.8"), [6, 7], [8, 9]),
        (("--relabel-above", "0.7", "--drop-above", "0.7"), [7, 9], [8]),
        (("--relabel-above", "0"), [0, 1, 2, 3, 4, 5, 6, 7, 9], []),
    ],
)
def test_auto_acts_on_flagged_rows_from_its_limits_on(flagged, limits, relabelled, dropped):
    assert changes(flagged, *limits) == {"relabel": relabelled, "drop": dropped}


def test_auto_never_overrides_a_reviewer(flagged):
    decide(flagged, {9: "keep", 8: "unsure", 7: "drop"})
    found = apply_json(flagged, "--auto", "--yes", "--relabel-above", "0.5", "--drop-above", "0.6")
    diff = pd.read_csv(flagged / "cleaned.diff.csv")
    assert list(zip(diff["row"], diff["action"], diff["reviewer"], strict=True)) == [
        (5, "relabel", "auto"),
        (6, "drop", "auto"),
        (7, "drop", "Ada"),
    ]
    assert (found["automatic"], found["kept"], found["unsure"]) == (2, 1, 1)
