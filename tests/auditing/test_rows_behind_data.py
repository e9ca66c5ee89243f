"""Files with CLEAN's rows behind DATA's are matched to CLEAN as it was given, copies included."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from datacleanse.auditing.image_features import use_features
from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.data import ReadOptions
from datacleanse.errors import InputError
from datacleanse.progress import SILENT
from datacleanse.settings import Settings
from tests.review.verifying import draw, verify

N, N_CLEAN = 60, 20
REPEATED = [0, 1, 1, 2, 3, 4, 0, 5]
"""Rows of a CLEAN with two copies; those at 2 and 6 do not count."""
KEPT = [0, 1, 3, 4, 5, 7]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table and pictures, each with clean ones that repeat."""
    place = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(0)
    x = rng.normal(size=N + N_CLEAN)
    rows = pd.DataFrame({"x": x, "z": x[::-1], "label": np.where(x > 0, "a", "b")})
    rows[:N].to_csv(place / "data.csv", index=False)
    rows[N:].to_csv(place / "more.csv", index=False)
    rows[N:].iloc[REPEATED].to_csv(place / "clean.csv", index=False)
    for name, picks in (("data", range(12)), ("clean", [12 + at for at in REPEATED])):
        (place / name).mkdir()
        for number, pick in enumerate(picks):
            values = np.random.default_rng(pick).integers(0, 255, (8, 8, 3), np.uint8)
            Image.fromarray(values).save(place / name / f"{number}.png")
        listed = {"file_name": [f"{number}.png" for number in range(len(picks))]}
        labels = ["ab"[pick % 2] for pick in picks]
        pd.DataFrame({**listed, "label": labels}).to_csv(place / f"{name}/metadata.csv")
    return place


def read(data, *clean, **how):
    return read_inputs(Request(str(data), tuple(map(str, clean)), **how), SILENT)


def told(n):
    """(n, 2) probabilities that tell the rows apart."""
    first = np.linspace(0.1, 0.9, n)
    return np.column_stack([first, 1 - first])


def test_probabilities_of_rows_that_do_not_count_are_passed_over(folder):
    matrix = told(N + len(REPEATED))
    inputs = read(folder / "data.csv", folder / "clean.csv", probabilities=matrix)
    assert inputs.brought.data == pytest.approx(matrix[:N], abs=1e-6)
    assert inputs.brought.clean == pytest.approx(matrix[N:][KEPT], abs=1e-6)

    with pytest.raises(InputError, match=f"or {N + len(REPEATED)} with CLEAN's behind them"):
        read(folder / "data.csv", folder / "clean.csv", probabilities=told(N + len(KEPT)))


def test_tables_follow_each_other_and_verdicts_are_rows_of_data(folder, tmp_path):
    labels = pd.read_csv(folder / "data.csv")["label"].tolist()
    verdicts = verify(tmp_path / "v.jsonl", draw(folder / "data.csv", 10), labels)
    matrix = told(N + len(REPEATED) + N_CLEAN)
    sources = (folder / "clean.csv", verdicts, folder / "more.csv")
    inputs = read(folder / "data.csv", *sources, probabilities=matrix)

    own = inputs.brought.clean
    assert np.isnan(own[:10]).all()  # they take those of DATA
    first, second = matrix[N:][: len(REPEATED)], matrix[N + len(REPEATED) :]
    # Of the second table the rows that the first one has count once.
    left = np.setdiff1d(np.arange(N_CLEAN), REPEATED)
    assert own[10:] == pytest.approx(np.vstack([first[KEPT], second[left]]), abs=1e-6)


def test_features_of_pictures_that_do_not_count_are_passed_over(folder, tmp_path):
    inputs = read(folder / "data", folder / "clean", test=str(folder / "data"))
    matrix = np.random.default_rng(0).normal(size=(12 + len(REPEATED) + 12, 4)).astype(np.float32)
    np.save(tmp_path / "f.npy", matrix)
    found = use_features(inputs, Settings(features=tmp_path / "f.npy"))
    sets = [
        np.stack(e.table["features"].to_pylist()) for e in (found.data, found.clean, found.test)
    ]
    behind = matrix[12 : 12 + len(REPEATED)]
    for values, expected in zip(sets, (matrix[:12], behind[KEPT], matrix[-12:]), strict=True):
        np.testing.assert_array_equal(values, expected)


def test_verified_and_reviewed_pictures_have_the_features_of_data(folder, tmp_path):
    labels = ["ab"[pick % 2] for pick in range(12)]
    verdicts = verify(tmp_path / "v.jsonl", draw(folder / "data", 5), labels)
    taken = {json.loads(line)["row"] for line in verdicts.read_text().splitlines()}
    row = next(row for row in range(12) if row not in taken)
    decided = tmp_path / "decided.jsonl"
    decision = {"row": row, "given_label": labels[row], "action": "keep"}
    decided.write_text(json.dumps(decision) + "\n", encoding="utf-8")
    inputs = read(folder / "data", verdicts, decisions=(decided,), options=ReadOptions())
    matrix = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    np.save(tmp_path / "f.npy", matrix)

    found = use_features(inputs, Settings(features=tmp_path / "f.npy"))
    own = np.stack(found.clean.table["features"].to_pylist())
    assert len(own) == 6
    overlap = inputs.comparison.overlap
    np.testing.assert_array_equal(own[overlap.clean_rows], matrix[overlap.data_rows])
