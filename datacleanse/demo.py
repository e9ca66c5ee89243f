"""A real data set with planted errors, as the two files that an audit starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from datacleanse.storage.atomic_files import make_folder, write_aside

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MISTAKEN_FOR = np.array([6, 7, 1, 8, 9, 3, 5, 1, 3, 4])
"""Handwritten digits that tired eyes take for another one: 0 for 6, 1 for 7, 3 for 8, ..."""

SHARE = 0.15
"""Share of the rows of DATA, of classes that are mistaken, whose label is changed."""
N_CLEAN = 200
"""Rows of CLEAN."""
N_TEST = 300
"""Rows of TEST."""
LABEL = "digit"
"""Name of the label column."""


@dataclass(frozen=True)
class Demo:
    """Files written, and the truth about them."""

    data: Path
    clean: Path
    test: Path
    planted: NDArray[np.bool_]
    """(N,) True where the label of a row of ``data`` is a planted error."""


def write_demo(directory: Path, *, seed: int) -> Demo:
    """Write ``digits.csv`` with planted errors, and ``clean.csv`` and ``test.csv`` without.

    The data: 1,797 handwritten digits, 8 x 8 pixels of 0 to 16, from the UCI repository as bundled
    with scikit-learn (Alpaydin and Kaynak 1998).
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    frame = pd.DataFrame(digits.data.astype(np.int64), columns=names)
    truth = digits.target.astype(np.int64)
    rest, clean = train_test_split(
        np.arange(len(truth)), test_size=N_CLEAN, stratify=truth, random_state=seed
    )
    dirty, test = train_test_split(rest, test_size=N_TEST, stratify=truth[rest], random_state=seed)
    dirty.sort()
    noisy = flip_labels(truth[dirty], MISTAKEN_FOR, SHARE, seed=seed)
    make_folder(directory)
    parts = {"digits": (dirty, noisy), "clean": (clean, truth[clean]), "test": (test, truth[test])}
    files = [directory / f"{name}.csv" for name in parts]
    for file, (rows, labels) in zip(files, parts.values(), strict=True):
        with write_aside(file) as aside:
            frame.iloc[rows].assign(**{LABEL: labels}).to_csv(aside, index=False)
    data, clean_file, test_file = files
    return Demo(data, clean_file, test_file, noisy != truth[dirty])


def flip_labels(
    labels: NDArray[np.int64], mistaken_for: NDArray[np.int64], share: float, *, seed: int
) -> NDArray[np.int64]:
    """Change a share of the labels, each class always into the same other one.

    Such errors, unlike evenly spread ones, pull a classifier towards the wrong class.

    Args:
        labels: (n,) true classes.
        mistaken_for: (C,) the class that each class is taken for; itself: never changed.
        share: of the rows whose class can be changed, in [0, 1].
        seed: of the draw.

    Returns:
        (n,) labels with errors; rows where they differ from ``labels`` are the planted ones.
    """
    changeable = np.flatnonzero(mistaken_for[labels] != labels)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(changeable, size=round(share * len(changeable)), replace=False)
    noisy = labels.copy()
    noisy[chosen] = mistaken_for[labels[chosen]]
    return noisy
