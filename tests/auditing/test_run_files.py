"""What the documented columns of a run say is true of the values in them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import datacleanse as dc
from datacleanse.auditing.found_rows import FoundRows
from datacleanse.storage import schemas, suspect_schemas
from datacleanse.storage.table_column import SCHEMA_VERSION
from tests.auditing.test_draws import frames

BOTH, RELABELLED, DROPPED = 100, 101, 102
"""A row of DATA that CLEAN holds too, and two that a reviewer decided about."""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    data, clean = frames()
    clean = pd.concat([clean, data.iloc[[BOTH]]], ignore_index=True)
    label = data["label"]
    other = "no" if label[RELABELLED] == "yes" else "yes"
    decided = [
        {
            "row": RELABELLED,
            "given_label": label[RELABELLED],
            "action": "relabel",
            "new_label": other,
        },
        {"row": DROPPED, "given_label": label[DROPPED], "action": "drop"},
    ]
    lines = folder / "decisions.jsonl"
    lines.write_text("".join(json.dumps(line) + "\n" for line in decided))
    return dc.audit(data, val=clean, epochs=3, decisions=lines, out=folder / "run", fdr=0.01)


def test_rows_that_are_not_trained_on_are_those_that_the_column_names(result):
    table = result.table
    untrained = [*(() if table["in_training"][BOTH] else (BOTH,)), RELABELLED, DROPPED]
    assert list(np.flatnonzero(~table["in_training"])) == untrained
    given = table["given_label"]
    assert table["verified_label"][BOTH] == given[BOTH]
    assert table["verified_label"][RELABELLED] != given[RELABELLED]
    assert table["verified_label"].notna().sum() == 2
    for name in ("mean_weight", "zero_weight_share", "mean_influence"):
        assert list(np.flatnonzero(table[name].isna())) == untrained
    assert list(np.flatnonzero(table["p_value"].isna())) == [BOTH, RELABELLED, DROPPED]
    calibration = pq.read_table(result.folder.calibration_file).to_pandas()
    assert calibration["data_row"].dropna().tolist() == [BOTH]
    assert calibration["is_wrong"].dropna().tolist() == [False]


def test_the_score_says_what_is_proven_and_the_probability_too(result):
    table = result.table
    assert -1 <= table["suspicion"][RELABELLED] < 0
    assert -2 <= table["suspicion"][BOTH] < -1
    assert table["rank"][[RELABELLED, BOTH]].tolist() == [len(table) - 1, len(table)]
    assert table["suspicion"].drop([BOTH, RELABELLED]).between(0, 1).all()
    assert list(table["mislabel_probability"][[BOTH, RELABELLED]]) == [0.0, 1.0]
    assert table["mislabel_probability"].between(0, 1).all()
    assert table.sort_values("rank")["suspicion"].is_monotonic_decreasing
    assert table["suspicion"].is_unique


def test_rows_that_are_verified_are_not_flagged_and_the_manifest_says_what_the_list_promises(
    result,
):
    flags = result.manifest["flags"]
    assert not result.table["flagged"][[RELABELLED, BOTH]].any()
    assert result.manifest["overlap"]["verified"] == 2
    assert result.manifest["overlap"]["wrong"] == 1
    assert flags["basis"] in {"controlled", "estimated", "none"}
    assert flags["smallest_p_value"] == pytest.approx(1 / (flags["calibration_rows"] + 1))


def test_every_file_carries_kind_version_and_meaning_of_its_columns(result):
    columns = {
        name.removesuffix("_COLUMNS").lower(): value
        for name, value in {**vars(schemas), **vars(suspect_schemas)}.items()
        if name.endswith("_COLUMNS")
    }
    folder = result.folder
    files = {
        "epoch": folder.epoch_file(0),
        "audit": folder.audit_file,
        "likelihoods": folder.likelihoods_file,
        "conflicts": folder.conflicts_file,
        "calibration": folder.calibration_file,
        "neighbours": folder.neighbours_file,
        "telling": folder.telling_file,
    }
    others = {"thumbnails", "duplicates", "unreadable", "terms", "clues"}
    assert set(columns) == set(files) | others
    for kind, file in files.items():
        schema = pq.read_schema(file)
        told = json.loads(schema.metadata[b"datacleanse"])
        assert told == {"kind": kind, "schema_version": SCHEMA_VERSION}
        found = [(each.name, each.type, each.metadata[b"doc"].decode()) for each in schema]
        assert [name for name, _, _ in found] == [each.name for each in columns[kind]]
        assert [doc for _, _, doc in found] == [each.meaning for each in columns[kind]]


def test_every_flagged_row_is_stored_wherever_it_stands():
    """Rows that p-values flag may stand behind others; what is not stored is not known again."""
    rank = np.arange(1, 3001)
    assessment = SimpleNamespace(rank=rank, flagged=(rank < 1200) | (rank == 1250))
    assert FoundRows(None, None, assessment, None, None, None, 50).n_stored == 1250
