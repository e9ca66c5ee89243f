"""Images with label errors for the detection benchmark; `cells.py` does the same for tables.

A cell is a set, a kind of error and a seed. All kinds of one set and seed are put on the same
images. Planted errors are those of `cells.py`; ``feature15`` asks a logistic regression on the
images' first principal components.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from sklearn.decomposition import PCA

from benchmarks.detection.cells import PLANTED, of_others, seed_of, uniform
from benchmarks.tables import LABEL

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Pixels = NDArray[np.uint8]

SETS = {"mnist": ("L", 28), "flowers": ("RGB", 32), "cifar10n_a": ("RGB", 32)}
"""Pillow's mode and the pixels a side that images are scaled to."""

NATIVE = {
    "cifar10n_a": (
        "worse_label",
        "aggre_label",
        "random_label1",
        "random_label2",
        "random_label3",
    )
}
"""Columns of labels as people gave them, where the true ones are known."""

EXTRA = {"uniform40": (uniform, 0.4), "background40": (of_others, 0.4)}
"""The shares of Ren et al. 2018, section 4.3; made only where they are asked for."""

COMPONENTS = 50
"""Principal components that feature-dependent errors follow."""


@dataclass(frozen=True)
class Limits:
    """How many images each part of a cell holds."""

    noisy: int
    clean: int
    test: int = 500


@dataclass(frozen=True, eq=False)
class Drawn:
    """Images of one set and seed with true labels: N to audit, m clean, then those to test on."""

    images: Pixels
    """(N + m + T, C, H, W)."""
    truth: Codes
    """(N + m,) positions in ``classes``."""
    test_truth: Codes
    """(T,)."""
    classes: tuple[str, ...]
    n_noisy: int
    found: dict[str, Codes]
    """(N,) labels as people gave them, by column."""

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """(N + m, `COMPONENTS`) standardised."""
        flat = self.images[: len(self.truth)].reshape(len(self.truth), -1).astype(np.float64)
        parts: NDArray[np.float64] = PCA(COMPONENTS, random_state=0).fit_transform(flat)
        return parts / parts.std(axis=0)


@dataclass(frozen=True, eq=False)
class ImageCell:
    """Images with label errors, beside clean ones."""

    name: str
    kind: str
    drawn: Drawn
    given: Codes
    """(N,)."""
    seed: int

    @property
    def n_noisy(self) -> int:
        """N."""
        return len(self.given)

    @property
    def is_wrong(self) -> NDArray[np.bool_]:
        """(N,)."""
        return self.given != self.drawn.truth[: self.n_noisy]

    @property
    def labels(self) -> Codes:
        """(N + m,) what a method trains on: the given labels, then the clean images' true ones."""
        return np.concatenate([self.given, self.drawn.truth[self.n_noisy :]])

    @property
    def images(self) -> Pixels:
        """(N + m, C, H, W)."""
        return self.drawn.images[: len(self.drawn.truth)]


def cell_kinds(name: str) -> tuple[str, ...]:
    """Kinds of error of a set: what people got wrong where that is known, else planted ones."""
    return NATIVE.get(name, tuple(PLANTED))


def make_cell(folder: Path, name: str, kind: str, limits: Limits, *, seed: int) -> ImageCell:
    """Draw the images and make, or look up, the labels with errors."""
    drawn = draw(folder, name, limits, seed)
    if kind in drawn.found:
        given = drawn.found[kind]
    else:
        flip, share = (PLANTED | EXTRA)[kind]
        given = flip(drawn, share, seed_of(kind, seed))
    return ImageCell(f"{name}/{kind}/{seed}", kind, drawn, given, seed)


@lru_cache(maxsize=1)
def draw(folder: Path, name: str, limits: Limits, seed: int) -> Drawn:
    """Draw clean images, images to audit and test images at random, and decode them."""
    native = NATIVE.get(name, ())
    table = pq.read_table(folder / name / "data.parquet", columns=["image", LABEL, *native])
    order = np.random.default_rng(seed_of(name, seed)).permutation(table.num_rows)
    ends = np.cumsum([limits.clean, limits.noisy, limits.test])
    clean, noisy, test = np.split(order[: ends[-1]], ends[:-1])
    rows = table.take(np.concatenate([noisy, clean, test]))
    mode, side = SETS[name]
    images = np.stack([_decoded(each, mode, side) for each in rows["image"].to_pylist()])
    classes = np.unique(np.array(table[LABEL].to_pylist(), dtype=str))

    def codes(column: str) -> Codes:
        return np.searchsorted(classes, np.array(rows[column].to_pylist(), dtype=str))

    truth, n = codes(LABEL), len(noisy)
    return Drawn(
        images=images,
        truth=truth[: n + len(clean)],
        test_truth=truth[n + len(clean) :],
        classes=tuple(classes.tolist()),
        n_noisy=n,
        found={column: codes(column)[:n] for column in native},
    )


def _decoded(blob: bytes, mode: str, side: int) -> Pixels:
    image = Image.open(io.BytesIO(blob)).convert(mode)
    if image.size != (side, side):
        image = image.resize((side, side), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
