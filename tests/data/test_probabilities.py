"""Class probabilities that the user brings: whose rows they are, and what is no probability."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from datacleanse.data import ReadOptions, read_data, read_like
from datacleanse.data.probabilities import read_probabilities
from datacleanse.errors import InputError

N, N_CLEAN = 6, 3
LABELS = ["yes", "no", "10"]


def table(n, first=0):
    return pd.DataFrame(
        {
            "key": [f"r{first + i}" for i in range(n)],
            "x": np.linspace(0.5, 9.5, n) ** 2,
            "label": [LABELS[i % 3] for i in range(n)],
        }
    )


def read(id_="key"):
    data = read_data(table(N), ReadOptions(label="label", id=id_, numeric=("x",)))
    return data, read_like(table(N_CLEAN, first=50), data.schema, role="CLEAN")


def probabilities(n, seed=0):
    found = np.random.default_rng(seed).random((n, 3)) + 0.1
    return found / found.sum(axis=1, keepdims=True)


def as_table(matrix, names=("10", "no", "yes"), **beside):
    return pd.DataFrame(matrix, columns=list(names)).assign(**beside)


@pytest.mark.parametrize("ending", ["npy", "parquet", "csv", "feather", "jsonl"])
def test_rows_in_the_order_of_data_are_those_of_data(ending, tmp_path):
    matrix, file = probabilities(N), tmp_path / f"p.{ending}"
    if ending == "npy":
        np.save(file, matrix)
    else:
        frame = as_table(matrix)[["yes", "10", "no"]]
        if ending == "csv":
            frame.to_csv(file, index=False)
        elif ending == "jsonl":
            frame.to_json(file, orient="records", lines=True)
        else:
            getattr(frame, f"to_{ending}")(file)
    brought = read_probabilities(str(file), *read(None))

    assert brought.data == pytest.approx(matrix, abs=1e-6)
    assert np.isnan(brought.clean).all()
    assert brought.notices == ()


def test_those_behind_them_are_cleans():
    matrix = probabilities(N + N_CLEAN)
    brought = read_probabilities(matrix, *read(None))

    assert brought.data == pytest.approx(matrix[:N], abs=1e-6)
    assert brought.clean == pytest.approx(matrix[N:], abs=1e-6)


def test_an_id_finds_rows_in_any_order_and_what_is_absent_or_unused_is_told():
    matrix = probabilities(N + 1)
    keys = ["r5", "r51", "r4", "r3", "r2", "r1", "other"]
    brought = read_probabilities(as_table(matrix, key=keys, note="x"), *read())

    assert brought.data[[5, 4, 3, 2, 1]] == pytest.approx(matrix[[0, 2, 3, 4, 5]], abs=1e-6)
    assert np.isnan(brought.data[0]).all()
    assert brought.clean[1] == pytest.approx(matrix[1], abs=1e-6)
    assert np.isnan(brought.clean[[0, 2]]).all()
    said = {each.slug: each.message for each in brought.notices}
    assert "not used, as no class of DATA has such a name: note" in said["probabilities-columns"]
    assert "no probabilities of 1 row of DATA" in said["probabilities-rows"]
    assert "1 row not used" in said["probabilities-ids"]


def test_digits_that_were_cut_are_made_whole():
    brought = read_probabilities(as_table(np.full((N, 3), 0.333)), *read(None))

    assert brought.data == pytest.approx(np.full((N, 3), 1 / 3))


def change(row, *cells):
    matrix = probabilities(N)
    matrix[row] = cells
    return matrix


@pytest.mark.parametrize(
    ("source", "said", "cure"),
    [
        (as_table(probabilities(N))[["yes", "10"]], "no column for the class 'no'", "Name one"),
        (
            as_table(probabilities(N)[:, :2], ("a", "b")),
            "the classes '10', 'no', 'yes'",
            "Name one",
        ),
        (
            as_table(probabilities(N) * 100),
            "6 rows of 6 hold numbers below 0 or above 1",
            "softmax",
        ),
        (as_table(probabilities(N - 1)), "has 5 rows; DATA has 6, or 9 with CLEAN's", "order"),
        (
            as_table(change(2, 0.5, 0.2, 0.2)),
            "does not sum to 1; the first is row 2, with 0.9",
            "all classes",
        ),
        (
            as_table(change(2, -0.1, 0.6, 0.5)),
            "a number below 0 or above 1; the first is row 2, with -0.1",
            "softmax",
        ),
        (
            as_table(change(3, np.nan, 0.6, 0.5)),
            "no finite number; the first is row 3, with nan",
            "finite",
        ),
        (change(4, np.inf, 0.6, 0.5), "1 row of 6 holds what is no finite number", "finite"),
        (as_table(probabilities(N), key="r1"), "id", "id"),
        (as_table(probabilities(N), key=list("abcdef")), "No id of DATA (column 'key')", "ids"),
        (probabilities(N)[:, :2], "float64 of shape (6, 2); DATA has 3 classes", "10, no, yes"),
        (probabilities(N) > 0.2, "bool of shape (6, 3)", "numbers"),
        ("absent.npy", "absent.npy is not there", "path"),
        ("absent.csv", "absent.csv", ""),
    ],
)
def test_what_is_no_probability_of_these_rows_is_refused(source, said, cure):
    data, clean = read()
    with pytest.raises(InputError) as caught:
        read_probabilities(source, data, clean)

    assert said in caught.value.message
    assert cure in (caught.value.hint or "")


def test_a_file_that_is_no_array_is_refused(tmp_path):
    file = tmp_path / "p.npy"
    file.write_bytes(b"\x93NUMPY broken")

    with pytest.raises(InputError, match="cannot be read"):
        read_probabilities(str(file), *read())


def test_what_is_masked_is_missing():
    masked = np.ma.masked_array(probabilities(N), mask=np.eye(N, 3, dtype=bool))
    with pytest.raises(InputError, match=r"3 rows of 6 hold what is no finite number.*with nan"):
        read_probabilities(masked, *read())
