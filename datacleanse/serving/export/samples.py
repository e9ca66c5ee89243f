"""Rows on which an export must agree with the run's own predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import read_like
from datacleanse.data.written_numbers import SHARES
from datacleanse.errors import OutputError
from datacleanse.models.number_predictor import NumberImagePredictor, NumberPredictor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.models.encoding import Encoding
    from datacleanse.models.predictor import ImagePredictor, Predictor
    from datacleanse.records import Column, Convention, Dataset, Schema
    from datacleanse.serving.export.interface import Exported, FinishedRun

TOLERANCE = 1e-4
"""Largest difference of a probability, or of a number in deviations of DATA's labels."""

_LARGEST_WRITTEN = 1e12
"""Numbers from which on none is written with a unit."""
N_MADE = 256
N_IMAGES = 64

EXTREMES = (np.nan, np.inf, -np.inf, 1.7e308, -1.7e308, 5e-324, 0.0, -0.0, 2.0**53 + 1, -1e-9)
MOMENTS = (
    "0001-01-01T00:00:00",
    "1583-03-01T23:59:59.999999",
    "1899-12-31T12:00:00",
    "1969-12-31T23:59:59.999999",
    "1970-01-01T00:00:00",
    "2000-02-29T06:30:00",
    "2024-12-31T23:00:00",
    "9999-12-31T23:59:59",
)
UNSEEN = ("", "never seen before", "NaN", "-0", "1e3", "日本")


def read_sample_rows(run: FinishedRun, predictor: Predictor | NumberPredictor) -> list[Dataset]:
    """The stored suspects, as DATA had them, and made rows that no table has."""
    schema, encoding = predictor.schema, predictor.encoding
    stored = run.folder.read_suspects(run.manifest.data.rows)
    tables = [stored.drop_columns([stored.column_names[0]])] if stored.num_rows else []
    tables.append(make_rows(schema, encoding, n=N_MADE, seed=0))
    # Suspects of earlier runs may hold columns that their schema does not name.
    return [read_like(table, schema, role="NEW", ignore_extra=True) for table in tables]


def make_sample_images(
    predictor: ImagePredictor | NumberImagePredictor,
) -> NDArray[np.uint8]:
    """Black, white and noisy images, of one grey and of contrasts, (n, C, H, W)."""
    rng = np.random.default_rng(0)
    shape = (N_IMAGES, *predictor.size)
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    images[0], images[1] = 0, 255
    images[2:N_IMAGES:3] = rng.integers(0, 256, (len(images[2:N_IMAGES:3]), 1, 1, 1))
    images[3:N_IMAGES:3] = 255 * (images[3:N_IMAGES:3] > 127)
    return images


def make_rows(schema: Schema, encoding: Encoding, *, n: int, seed: int) -> pa.Table:
    """Rows with missing, unseen and extreme values among usual ones, (n, columns of the schema)."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {column.name: _make_cells(column, encoding, n, rng) for column in schema.columns}
    )


def _make_cells(column: Column, encoding: Encoding, n: int, rng: np.random.Generator) -> pa.Array:
    if column.kind == "categorical":
        known = next(f.categories for f in encoding.categorical if f.column == column.name)
        return pa.array(rng.choice([*UNSEEN, *known], n), pa.string())
    if column.kind == "datetime":
        drawn = np.array(MOMENTS, "datetime64[us]")[rng.integers(0, len(MOMENTS), n)]
        return pa.array(drawn, mask=rng.random(n) < 0.1)
    if column.kind == "boolean":
        return pa.array(rng.random(n) < 0.5, mask=rng.random(n) < 0.1)
    parts = [f for f in encoding.numeric if f.column == column.name]
    center, scale = np.array([f.center for f in parts]), np.array([f.scale for f in parts])
    usual = center + scale * rng.standard_cauchy((n, column.width))
    values = np.where(rng.random((n, column.width)) < 0.3, rng.choice(EXTREMES, usual.shape), usual)
    if column.convention is not None and column.convention.unit:
        return pa.array([_write_number(value, column.convention) for value in values[:, 0]])
    return pa.array(values[:, 0] if column.kind != "embedding" else list(values))


def _write_number(value: float, convention: Convention) -> str | None:
    """A number with its unit, as DATA writes it: of shares the bare number would mean nothing."""
    if not abs(value) < _LARGEST_WRITTEN:
        return None
    factor = {"e-2": 100, "e-3": 1000}.get(SHARES.get(convention.unit, ""), 1)
    text = f"{value * factor:.6f}".replace(".", convention.decimal or ".")
    return f"{text} {convention.unit}"


def choose_tolerance(predictor: Exported) -> float:
    """Largest difference of what an export gives, in the unit of what it gives."""
    if isinstance(predictor, NumberPredictor | NumberImagePredictor):
        return TOLERANCE * predictor.label.scale
    return TOLERANCE


def check_agreement(
    name: str,
    expected: NDArray[np.float64],
    found: NDArray[np.float64],
    *,
    tolerance: float,
) -> None:
    """Refuse an export that does not give what the run itself gives.

    Args:
        name: of the format.
        expected: (n, C) probabilities or (n,) numbers by the run.
        found: the same by the export.
        tolerance: see `choose_tolerance`.

    Raises:
        OutputError: some differ by more than ``tolerance``.
    """
    gap = np.abs(expected - found).reshape(len(expected), -1)
    # NaN is no agreement.
    wrong = ~(gap <= tolerance)
    if wrong.any():
        row, _ = np.unravel_index(int(np.argmax(np.nan_to_num(gap, nan=np.inf))), gap.shape)
        raise OutputError(
            f"The {name} export does not do what the run does: {int(wrong.any(axis=1).sum())} of "
            f"{len(gap)} rows tried differ by more than {tolerance:g}, at most by {gap[row].max()} "
            f"(row {row}). Nothing was written.",
            slug="export-disagrees",
            hint="This is a bug of the export: please report it. `datacleanse predict` is right.",
        )
