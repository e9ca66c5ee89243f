"""A table of numbers to predict, with wrong ones, and its audit, for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.cli.conftest import run_here

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--label", "price", "--id", "key")
REGRESSION = (*AUDIT, "--task", "regression", "--epochs", "2")


def houses(n, *, seed):
    rng = np.random.default_rng(seed)
    size, town = rng.uniform(20, 200, n).round(1), rng.choice(["Ulm", "Genf"], n)
    price = 3 * size + 100 * (town == "Genf") + rng.normal(scale=10, size=n)
    keys = [f"h{seed}-{i}" for i in range(n)]
    return pd.DataFrame({"key": keys, "size": size, "town": town, "price": price.round(1)})


def write_houses(folder):
    """Write 300 houses, 30 with ten times their price, and 80 verified ones; which are wrong."""
    data = houses(300, seed=0)
    data.to_csv(folder / "truth.csv", index=False)
    data.iloc[::4].head(80).to_csv(folder / "clean.csv", index=False)
    wrong = np.arange(300) % 10 == 2
    data.loc[wrong, "price"] = (10 * data.loc[wrong, "price"]).round(1)
    data.to_csv(folder / "data.csv", index=False)
    houses(100, seed=1).to_csv(folder / "test.csv", index=False)
    return wrong


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """The houses, audited: their folder, which are wrong, and what the program said."""
    folder = tmp_path_factory.mktemp("houses")
    wrong = write_houses(folder)
    done = run_here(
        *REGRESSION, "--test", "test.csv", "--hold-back", "0.1", "-o", "run", cwd=folder
    )
    assert done.code == 0, done.err
    return folder, wrong, done
