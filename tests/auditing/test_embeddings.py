"""Tables whose every column is an embedding: what the second opinion is asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import datacleanse as dc
from datacleanse.auditing.prepared import LEAST_EMBEDDING, prepare_small_table
from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.progress import SILENT
from datacleanse.settings import Settings

N = 60


def make_table(n=N, width=12, seed=0, **columns):
    rng = np.random.default_rng(seed)
    label = np.array(["cat", "dog"])[np.arange(n) % 2]
    seen = rng.normal(size=(n, width)) + (label == "cat")[:, None]
    return pd.DataFrame({"seen": list(seen.round(3)), "label": label} | columns)


def find_kind(table, tmp_path):
    file = tmp_path / "data.parquet"
    table.to_parquet(file)
    inputs = read_inputs(Request(str(file), ()), SILENT)
    prepared = prepare_small_table(inputs, Settings())
    assert prepared is not None
    return prepared.question.kind


def test_a_table_of_embeddings_is_asked_about_without_trees(tmp_path):
    assert find_kind(make_table(), tmp_path) == "features"
    two = make_table(other=list(np.random.default_rng(1).normal(size=(N, 9))))
    assert find_kind(two, tmp_path) == "features"


@pytest.mark.parametrize(
    "table",
    [
        make_table(colour=np.array(["red", "blue", "green"])[np.arange(N) % 3]),
        make_table(weight=np.arange(N) / 7),
        make_table(width=LEAST_EMBEDDING - 1),
    ],
    ids=["with a category", "with a number", "short"],
)
def test_other_tables_are_asked_about_with_trees(table, tmp_path):
    assert find_kind(table, tmp_path) == "table"


def test_rows_that_lack_their_embedding_are_audited(tmp_path):
    table = make_table(n=200)
    wrong = np.arange(0, 40, 4)
    table.loc[wrong, "label"] = np.where(table.loc[wrong, "label"] == "cat", "dog", "cat")
    table.loc[[41, 87], "seen"] = None
    result = dc.audit(table, val=make_table(n=40, seed=1), label="label", epochs=2)
    suspicion = result.table["suspicion"].to_numpy()
    assert np.isfinite(suspicion).all()
    # Of a row that nothing is known of, nothing but the share of errors can be said.
    assert suspicion[[41, 87]].max() < np.median(suspicion[wrong])
