"""A table of mixed columns made to any length, for timing; never for quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

N_CLEAN = 200
CARDINALITIES = (2, 3, 8, 20, 100, 1000)
"""Distinct values of the categorical columns."""

N_NUMERIC = 11
FIRST_DAY = np.datetime64("2020-01-01", "s")


def made_table(n_rows: int, *, seed: int) -> pa.Table:
    """20 feature columns (12 numbers, one with gaps, 6 categories, 1 boolean, 1 date), a label.

    The label follows from two numbers and a category; a tenth of the labels is wrong.
    """
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(N_NUMERIC + 1, n_rows))
    codes = [rng.integers(0, k, n_rows) for k in CARDINALITIES]
    signal = numbers[0] - numbers[1] + 0.5 * (codes[2] > 3)
    label = (signal > 0.25) ^ (rng.random(n_rows) < 0.1)
    columns = {f"number_{i}": pa.array(numbers[i]) for i in range(N_NUMERIC)}
    gaps = rng.random(n_rows) < 0.1
    columns["with_gaps"] = pa.array(numbers[N_NUMERIC], mask=gaps)
    columns |= {f"category_{k}": _named(c, k) for k, c in zip(CARDINALITIES, codes, strict=True)}
    columns["flag"] = pa.array(rng.random(n_rows) < 0.3)
    columns["day"] = pa.array(FIRST_DAY + rng.integers(0, 10**8, n_rows).astype("m8[s]"))
    columns["label"] = _named(label.astype(np.int64), 2)
    return pa.table(columns)


def _named(codes: NDArray[np.int64], count: int) -> pa.Array:
    names = pa.array([f"value {k}" for k in range(count)])
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), names).cast(pa.string())


def write_made(directory: Path, n_rows: int, *, suffix: str, seed: int) -> tuple[Path, Path]:
    """Write DATA with ``n_rows`` rows and CLEAN with `N_CLEAN`; return both paths."""
    paths = []
    for name, count, its_seed in (("data", n_rows, seed), ("clean", N_CLEAN, seed + 1)):
        path = directory / f"{name}-{n_rows}{suffix}"
        table = made_table(count, seed=its_seed)
        if suffix == ".csv":
            pyarrow.csv.write_csv(table, path)
        else:
            pq.write_table(table, path)
        paths.append(path)
    return paths[0], paths[1]
