"""Pictures of digits whose label is how much ink they hold, with wrong ones, for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from tests.cli.conftest import run_here

INKED = ("audit", "data.csv", "--val", "clean.csv", "--task", "regression", "--epochs", "2")


def write_inked(folder):
    """Write 240 pictures, 24 with ten times their ink, 60 verified ones, 60 others.

    Returns which are wrong.
    """
    drawn = load_digits().images[:300]
    (folder / "img").mkdir()
    names = [f"img/p{row:03}.png" for row in range(len(drawn))]
    for name, picture in zip(names, drawn, strict=True):
        Image.fromarray((picture * 15.9).astype(np.uint8)).save(folder / name)
    ink = (drawn.sum(axis=(1, 2)) / 10).round(1)
    whole = pd.DataFrame({"path": names, "label": ink})
    data = whole.iloc[:240].copy()
    data.to_csv(folder / "truth.csv", index=False)
    data.iloc[::4].to_csv(folder / "clean.csv", index=False)
    whole.iloc[240:].to_csv(folder / "test.csv", index=False)
    wrong = np.arange(240) % 10 == 2
    data.loc[wrong, "label"] = (10 * data.loc[wrong, "label"]).round(1)
    data.to_csv(folder / "data.csv", index=False)
    return wrong


@pytest.fixture(scope="module")
def inked(tmp_path_factory):
    """The pictures, audited: their folder, which are wrong, and what the program said."""
    folder = tmp_path_factory.mktemp("inked")
    wrong = write_inked(folder)
    done = run_here(*INKED, "--test", "test.csv", "-o", "run", cwd=folder)
    assert done.code == 0, done.err
    return folder, wrong, done
