"""Columns to one float32 matrix: learned from training rows, saved as JSON with the model.

A matrix row holds first the numeric features, each robustly scaled and smoothly clipped to
(-3, 3) with NaN for missing, then one category code per categorical column (code 0: missing,
unseen or rare). Filling in, missing indicators, piecewise-linear embeddings and category
embeddings are the network's first layer (`models/tabular.py`), so that the matrix stays narrow.

Scaling and smooth clipping: Holzmüller, Grinsztajn, Steinwart 2024, "Better by Default",
arXiv 2407.04491, section 3. Piecewise-linear bins: Gorishniy, Rubachev, Babenko 2022, "On
Embeddings for Numerical Features in Tabular Deep Learning", arXiv 2203.05556, section 3.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from datacleanse.data import (
    KnownValues,
    read_categories,
    read_moments,
    read_numbers,
    read_texts,
    split_into_portions,
)
from datacleanse.models import calendar_parts
from datacleanse.models.text_columns import read_embedded, read_text_vectors
from datacleanse.models.text_features import TextAxes, TextFeature, fit_text
from datacleanse.models.text_models import UsedTextModel
from datacleanse.sampling import draw_about
from datacleanse.storage.mapped_tables import take_parked

# Read from `model.json`, so that the fields' types must be known when the program runs.
from datacleanse.storage.typed_json import Positive, UnexpectedValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from datacleanse.records import Column, Dataset

N_BINS = 8
"""Piecewise-linear bins per numeric feature, at quantiles. Measured: `docs/network.md`."""

MAX_CATEGORIES = 1024
"""Embedded categories per column, the most frequent; the others share the unseen slot."""

MIN_CATEGORY_COUNT = 2
"""A category seen once in training shares the unseen slot: that is what trains it."""

QUANTILE_SAMPLE = 100_000
"""Rows, about, that quantiles are taken over: their error is then below 0.3 %."""

CLIP = 3.0
"""Smooth clipping bound, in robust standard deviations (2407.04491)."""

EMBEDDED_SAMPLE = 2_000
"""Rows, about, that the scale of a text model's numbers is taken over: such a model may be slow."""

FAR = 1e100
"""Scaled values beyond it count as infinite: the square of a larger one may overflow."""

VECTORS = ("embedding", "text")
"""Kinds of columns that yield a vector a cell."""

IQR_OF_NORMAL = 1.349
"""Interquartile range of the standard normal distribution."""


Texts: TypeAlias = Mapping[str, tuple[TextFeature, TextAxes]]
"""What was learned of columns of text, by their names."""

NO_TEXTS: Texts = MappingProxyType({})


@dataclass(frozen=True)
class NumericFeature:
    """One number per row. ``column`` may yield several (embeddings, dates)."""

    column: str
    part: str
    """Empty for plain columns; ``[3]`` for an embedding's entry; ``month sin`` for a date's."""
    center: float
    """Median over the training rows."""
    scale: Positive
    """Interquartile range / 1.349 (half the range where that is 0), > 0."""
    has_missing: bool
    """Whether training rows lacked it; only then the network gets a missing indicator."""
    edges: tuple[float, ...]
    """Bin edges after scaling, increasing, 0 to `N_BINS` + 1 of them."""


@dataclass(frozen=True)
class CategoricalFeature:
    """One code per row: 0 missing, unseen or rare; k the k-th of ``categories``, from 1."""

    column: str
    categories: tuple[str, ...]
    rare_share: float = 0.0
    """Share of the training rows' values that are none of ``categories``; 0 in older models."""
    has_missing: bool = True
    """Whether training rows lacked it; taken to be so in older models."""


@dataclass(frozen=True)
class Encoding:
    """What was learned about the columns of a table."""

    numeric: tuple[NumericFeature, ...]
    categorical: tuple[CategoricalFeature, ...]
    texts: tuple[TextFeature, ...] = ()
    """Of columns of text; each number that a text becomes is one of ``numeric``."""
    axes: tuple[TextAxes, ...] = ()
    """Of the same columns; they are no part of `model.json`."""
    text_model: UsedTextModel | None = None
    """What else read the texts; its numbers of a text follow those along the axes."""

    @property
    def width(self) -> int:
        """Number of columns F of the encoded matrix."""
        return len(self.numeric) + len(self.categorical)

    @property
    def is_of_embeddings(self) -> bool:
        """Whether each column of the table is an embedding."""
        is_entry = [feature.part.startswith("[") for feature in self.numeric]
        return all(is_entry) and not self.categorical and not self.texts

    def list_known(self) -> tuple[KnownValues, ...]:
        """What was learned of each column's values, by which those of new rows are judged."""
        lacking: dict[str, bool] = {}
        for feature in self.numeric:
            lacking[feature.column] = lacking.get(feature.column, False) or feature.has_missing
        numbers = (KnownValues(name, None, 0.0, missing) for name, missing in lacking.items())
        names = (
            KnownValues(each.column, each.categories, each.rare_share, each.has_missing)
            for each in self.categorical
        )
        return (*numbers, *names)

    def to_json(self) -> dict[str, Any]:
        """The encoding as plain values, but for ``axes``; floats survive JSON exactly."""
        plain: dict[str, Any] = {
            name: [asdict(feature) for feature in features]
            for name, features in (
                ("numeric", self.numeric),
                ("categorical", self.categorical),
                ("texts", self.texts),
            )
        }
        if self.text_model is not None:
            plain["text_model"] = asdict(self.text_model)
        return plain

    def find_embedded(self) -> NDArray[np.int64]:
        """Columns of the encoded matrix that a text model's numbers stand in."""
        axes = {feature.column: feature.width for feature in self.texts}
        met: dict[str, int] = {}
        found = []
        for place, feature in enumerate(self.numeric):
            number = met.get(feature.column, 0)
            met[feature.column] = number + 1
            if feature.column in axes and number >= axes[feature.column]:
                found.append(place)
        return np.array(found, dtype=np.int64)

    def find_not_of_texts(self) -> NDArray[np.int64]:
        """Columns of the encoded matrix that no text stands in."""
        texts = {feature.column for feature in self.texts}
        is_other = [feature.column not in texts for feature in self.numeric]
        return np.flatnonzero([*is_other, *([True] * len(self.categorical))])

    def list_tensors(self) -> list[str]:
        """Names of what stands of it beside the network's parameters."""
        return [name for number in range(len(self.texts)) for name in _name_axes(number)]

    def name_tensors(self) -> dict[str, NDArray[np.float32]]:
        """What stands of it beside the network's parameters, by name."""
        values = (each for found in self.axes for each in (found.rarity, found.axes))
        return dict(zip(self.list_tensors(), values, strict=True))

    def take_tensors(self, tensors: Mapping[str, NDArray[np.float32]]) -> Encoding:
        """Return the encoding with its ``axes``, as `name_tensors` named them.

        Raises:
            UnexpectedValueError: one is missing, or of another shape or type.
        """
        axes = []
        for number, feature in enumerate(self.texts):
            shapes = (feature.n_terms,), (feature.n_terms, feature.width)
            rarity, along = (
                _take_tensor(tensors, name, shape)
                for name, shape in zip(_name_axes(number), shapes, strict=True)
            )
            axes.append(TextAxes(rarity, along))
        return replace(self, axes=tuple(axes))


def _name_axes(number: int) -> tuple[str, str]:
    return f"texts.{number}.rarity", f"texts.{number}.axes"


def _take_tensor(
    tensors: Mapping[str, NDArray[np.float32]], name: str, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    values = tensors.get(name)
    if values is None or values.shape != shape or values.dtype != np.float32:
        found = "missing" if values is None else f"{values.shape} {values.dtype}"
        raise UnexpectedValueError(f"{name} is {found}, where {shape} float32 was expected")
    return values


def fit_encoding(
    data: Dataset, rows: NDArray[np.int64], text_model: UsedTextModel | None = None
) -> Encoding:
    """Learn the encoding from ``rows`` of ``data``, (K,) positions of training rows, K >= 1.

    ``text_model`` reads texts, too. Categories are counted over all of them; what is learned of
    numbers comes from at most twice `QUANTILE_SAMPLE` rows.
    """
    sample = _take_rows(data, rows[draw_about(len(rows), QUANTILE_SAMPLE)])
    numeric: list[NumericFeature] = []
    categorical: list[CategoricalFeature] = []
    texts: dict[str, tuple[TextFeature, TextAxes]] = {}
    for column in data.schema.columns:
        if column.kind == "categorical":
            categorical.append(_fit_categories(data, column, rows))
        elif column.kind in VECTORS:
            if column.kind == "text":
                codes, found = read_texts(data, column)
                texts[column.name] = fit_text(column.name, codes[rows], found)
            vectors = _read_vectors(sample, column, texts)
            numeric += _fit_vector(column.name, vectors)
            if column.kind == "text" and text_model is not None:
                few = _take_rows(data, rows[draw_about(len(rows), EMBEDDED_SAMPLE)])
                embedded = read_embedded(few, column, text_model)
                numeric += _fit_vector(column.name, embedded, start=vectors.shape[1])
        else:
            for part, values in _split_column(sample, column):
                numeric.append(_fit_numeric(column.name, part, values))
    features, axes = zip(*texts.values(), strict=True) if texts else ((), ())
    used = text_model if features else None
    return Encoding(tuple(numeric), tuple(categorical), features, axes, used)


def encode_into(matrix: NDArray[np.float32], data: Dataset, encoding: Encoding) -> None:
    """Fill ``matrix``, (N, F) float32, with the encoded rows of ``data``.

    A portion of rows at a time, so that float64 copies of columns take little memory. Category
    codes are stored as floats: they stay far below 2**24, where float32 is exact.
    """
    for rows, part in split_into_portions(data):
        _encode_portion(matrix[rows], part, encoding)


def _take_rows(data: Dataset, rows: NDArray[np.int64]) -> Dataset:
    """A data set of some rows, ascending."""
    return replace(data, table=take_parked(data.table, rows), labels=data.labels[rows])


def _encode_portion(matrix: NDArray[np.float32], data: Dataset, encoding: Encoding) -> None:
    numeric = {(feature.column, feature.part): i for i, feature in enumerate(encoding.numeric)}
    categorical = {feature.column: feature for feature in encoding.categorical}
    texts = {
        feature.column: (feature, axes)
        for feature, axes in zip(encoding.texts, encoding.axes, strict=True)
    }
    n_coded = len(encoding.numeric)
    for column in data.schema.columns:
        if column.kind == "categorical":
            matrix[:, n_coded] = _look_up_codes(data, column, categorical[column.name])
            n_coded += 1
            continue
        for part, values in _split_column(data, column, texts, encoding.text_model):
            position = numeric[column.name, part]
            matrix[:, position] = _scale_smoothly(values, encoding.numeric[position])


def encode(data: Dataset, encoding: Encoding) -> NDArray[np.float32]:
    """The encoded rows of ``data``, (N, F) float32."""
    matrix = np.empty((data.n_rows, encoding.width), dtype=np.float32)
    encode_into(matrix, data, encoding)
    return matrix


def _read_vectors(data: Dataset, column: Column, texts: Texts) -> NDArray[np.float64]:
    """(N, R) numbers of a column of vectors or of text; NaN where missing."""
    if column.kind == "text":
        return read_text_vectors(data, column, *texts[column.name])
    return read_numbers(data, column)


def _split_column(
    data: Dataset,
    column: Column,
    texts: Texts = NO_TEXTS,
    text_model: UsedTextModel | None = None,
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """The numbers that a column yields, (N,) each, with the name of the part."""
    if column.kind == "datetime":
        yield from calendar_parts.split_moments(read_moments(data, column))
        return
    if column.kind in VECTORS:
        vectors = _read_vectors(data, column, texts)
        if column.kind == "text" and text_model is not None:
            vectors = np.hstack([vectors, read_embedded(data, column, text_model)])
        for index, entries in enumerate(vectors.T):
            yield f"[{index}]", entries
        return
    yield "", read_numbers(data, column)


def _fit_vector(
    column: str, values: NDArray[np.float64], *, start: int = 0
) -> list[NumericFeature]:
    """Entries of one scale, so that they keep their proportions; no bins: a vector is one thing.

    One indicator, with the first entry, tells that a vector is missing. ``start`` is the first
    one's number.
    """
    known = np.clip(values[~np.isnan(values).any(axis=1)], -FAR, FAR)
    has_missing = len(known) < len(values)
    if not len(known):
        known = np.zeros((1, values.shape[1]))
    centers = known.mean(axis=0)
    scale = float(np.sqrt(np.square(known - centers).mean())) or 1.0
    return [
        NumericFeature(column, f"[{index}]", float(center), scale, has_missing and not index, ())
        for index, center in enumerate(centers, start)
    ]


def _fit_numeric(column: str, part: str, values: NDArray[np.float64]) -> NumericFeature:
    missing = np.isnan(values)
    known = values[~missing]
    if known.size == 0:
        return NumericFeature(column, part, 0.0, 1.0, bool(missing.any()), ())
    finite = np.nan_to_num(known, posinf=np.finfo(np.float64).max, neginf=np.finfo(np.float64).min)
    low, center, high = (float(np.quantile(finite, q, method="lower")) for q in (0.25, 0.5, 0.75))
    scale = (high - low) / IQR_OF_NORMAL
    if not 0 < scale < np.inf:
        scale = min(float(finite.max() / 2 - finite.min() / 2), np.finfo(np.float64).max) or 1.0
    feature = NumericFeature(column, part, center, scale, bool(missing.any()), ())
    scaled = _scale_smoothly(known, feature).astype(np.float64)
    edges = np.unique(np.quantile(scaled, np.linspace(0, 1, N_BINS + 1)))
    return NumericFeature(
        column, part, center, scale, feature.has_missing, tuple(float(edge) for edge in edges)
    )


def _scale_smoothly(values: NDArray[np.float64], feature: NumericFeature) -> NDArray[np.float32]:
    """Scale robustly, then clip smoothly: x / sqrt(1 + (x / 3)^2), bounded by 3."""
    with np.errstate(over="ignore", invalid="ignore"):
        x = values / feature.scale - feature.center / feature.scale
        clipped = x / np.sqrt(1.0 + (x / CLIP) ** 2)
    far = np.abs(x) > FAR
    clipped[far] = np.sign(x[far]) * CLIP
    result: NDArray[np.float32] = clipped.astype(np.float32)
    return result


def _fit_categories(data: Dataset, column: Column, rows: NDArray[np.int64]) -> CategoricalFeature:
    codes, names = read_categories(data, column)
    chosen = codes[rows]
    counts = np.bincount(chosen[chosen >= 0], minlength=len(names))
    # Stable, so that ties go by name and the encoding does not depend on the platform's sort.
    frequent = np.argsort(-counts, kind="stable")[:MAX_CATEGORIES]
    kept = np.sort(frequent[counts[frequent] >= MIN_CATEGORY_COUNT])
    present = int(counts.sum())
    return CategoricalFeature(
        column.name,
        tuple(names[k] for k in kept),
        rare_share=1 - int(counts[kept].sum()) / present if present else 0.0,
        has_missing=present < len(rows),
    )


def _look_up_codes(
    data: Dataset, column: Column, feature: CategoricalFeature
) -> NDArray[np.float32]:
    codes, names = read_categories(data, column)
    code_of = {name: k for k, name in enumerate(feature.categories, start=1)}
    lookup = np.array([*(code_of.get(name, 0) for name in names), 0], dtype=np.float32)
    result: NDArray[np.float32] = lookup[codes]  # -1, missing, picks the last entry
    return result
