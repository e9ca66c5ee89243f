"""A real data set with planted errors, as a table or as pictures, and rows of it verified."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from datacleanse.data import ReadOptions
from datacleanse.review.drawn_rows import draw_from
from datacleanse.review.verification import open_verification
from datacleanse.storage.atomic_files import make_folder, write_aside
from datacleanse.storage.run_places import DEMO_SETS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from datacleanse.progress import Progress

MISTAKEN_FOR = np.array([6, 7, 1, 8, 9, 3, 5, 1, 3, 4])
"""Handwritten digits that tired eyes take for another one: 0 for 6, 1 for 7, 3 for 8, ..."""

SHARE = 0.15
"""Share of the rows of DATA, of classes that are mistaken, whose label is changed."""
N_VERIFIED = 200
"""Rows of DATA that are verified."""
N_TEST = 300
"""Rows of TEST."""
LABEL = "digit"
"""Name of the label column."""
SCALE = 2
"""Pixels of a picture for one of a digit's 8 x 8, along each side."""


@dataclass(frozen=True)
class Demo:
    """Files written, and the truth about them."""

    data: Path
    """A table, or a folder of pictures in folders of classes."""
    test: Path
    """The like with true labels, of other digits."""
    truth: tuple[str, ...]
    """(N,) true label of each row of ``data``."""
    planted: NDArray[np.bool_]
    """(N,) True where the label of a row of ``data`` is a planted error."""


@dataclass(frozen=True)
class _Digits:
    """Handwritten digits, and their labels."""

    pixels: NDArray[np.int64]
    """(n, 64), 0 to 16."""
    truth: NDArray[np.int64]
    """(n,)."""
    given: NDArray[np.int64]
    """(n,) with planted errors."""

    def at(self, rows: NDArray[np.int64]) -> _Digits:
        """The same of some rows."""
        return _Digits(self.pixels[rows], self.truth[rows], self.given[rows])


def write_demo(directory: Path, *, seed: int) -> Demo:
    """Write ``digits.csv`` with planted errors, and ``test.csv`` without."""
    make_folder(directory)
    data, test = _draw(seed)
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    files = directory / f"{DEMO_SETS[0]}.csv", directory / f"{DEMO_SETS[1]}.csv"
    for file, part in zip(files, (data, test), strict=True):
        with write_aside(file) as aside:
            frame = pd.DataFrame(part.pixels, columns=names)
            frame.assign(**{LABEL: part.given}).to_csv(aside, index=False)
    return Demo(*files, tuple(map(str, data.truth)), data.given != data.truth)


def write_picture_demo(directory: Path, *, seed: int) -> Demo:
    """Write the same digits as PNG files in folders of classes, ``digits`` and ``test``."""
    data, test = _draw(seed)
    # Rows of pictures are in the order of their paths.
    data = data.at(np.argsort(data.given, kind="stable"))
    folders = directory / DEMO_SETS[0], directory / DEMO_SETS[1]
    for folder, part in zip(folders, (data, test), strict=True):
        if folder.exists():
            shutil.rmtree(folder)
        for number, (pixels, label) in enumerate(zip(part.pixels, part.given, strict=True)):
            place = folder / str(label) / f"{number:04d}.png"
            make_folder(place.parent)
            _draw_picture(pixels).save(place)
    return Demo(*folders, tuple(map(str, data.truth)), data.given != data.truth)


def verify_by_truth(demo: Demo, verified: Path, *, seed: int, progress: Progress) -> None:
    """Draw rows of DATA at random and verify them, as a person does by `datacleanse verify`."""
    options = ReadOptions() if demo.data.is_dir() else ReadOptions(label=LABEL)
    drawing = draw_from(
        str(demo.data), options, N_VERIFIED, seed=seed, by_class=False, progress=progress
    )
    verified.unlink(missing_ok=True)
    with open_verification(verified, drawing) as verification:
        for drawn in drawing.rows:
            truth = demo.truth[drawn.row]
            verification.record(drawn.row, "relabel", truth, reviewer="demo", blind=False)


def _draw(seed: int) -> tuple[_Digits, _Digits]:
    """DATA with planted errors, and TEST.

    1,797 handwritten digits, 8 x 8 pixels of 0 to 16, from the UCI repository as bundled with
    scikit-learn (Alpaydin and Kaynak 1998).
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    truth = digits.target.astype(np.int64)
    everything = _Digits(digits.data.astype(np.int64), truth, truth)
    rows, test = train_test_split(
        np.arange(len(truth)), test_size=N_TEST, stratify=truth, random_state=seed
    )
    rows.sort()
    noisy = flip_labels(truth[rows], MISTAKEN_FOR, SHARE, seed=seed)
    return replace(everything.at(rows), given=noisy), everything.at(test)


def _draw_picture(pixels: NDArray[np.int64]) -> Image.Image:
    """A digit in ink on paper."""
    from PIL import Image

    ink = (255 - pixels.reshape(8, 8) * 255 // 16).astype(np.uint8)
    return Image.fromarray(ink.repeat(SCALE, axis=0).repeat(SCALE, axis=1))


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
