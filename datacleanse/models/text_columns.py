"""Columns of text as vectors, and as the weighted counts of their terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data import read_texts
from datacleanse.models.text_features import project, weigh_texts
from datacleanse.models.text_models import embed_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from scipy import sparse

    from datacleanse.models.text_features import TextAxes, TextFeature
    from datacleanse.models.text_models import UsedTextModel
    from datacleanse.records import Column, Dataset


def read_text_vectors(
    data: Dataset, column: Column, feature: TextFeature, axes: TextAxes
) -> NDArray[np.float64]:
    """(N, R) numbers of a column of text; NaN where it is missing."""
    codes, texts = read_texts(data, column)
    used, at = np.unique(codes, return_inverse=True)
    weighed = weigh_texts(feature, axes.rarity, ["" if c < 0 else texts[c] for c in used])
    vectors = project(weighed, axes).astype(np.float64)
    vectors[used < 0] = np.nan
    found: NDArray[np.float64] = vectors[at]
    return found


def read_embedded(data: Dataset, column: Column, used: UsedTextModel) -> NDArray[np.float64]:
    """(N, E) numbers that a text model makes of a column of text; NaN where it is missing."""
    codes, texts = read_texts(data, column)
    met, at = np.unique(codes, return_inverse=True)
    vectors = embed_texts(used, ["" if code < 0 else texts[code] for code in met])
    wide = vectors.astype(np.float64)
    wide[met < 0] = np.nan
    found: NDArray[np.float64] = wide[at]
    return found


def weigh_columns(
    data: Dataset, learned: Iterable[tuple[TextFeature, TextAxes]]
) -> sparse.csr_array:
    """The weighted counts of columns of text, one at least, side by side: (N, V) float32."""
    from scipy import sparse

    columns = {column.name: column for column in data.schema.columns}
    blocks = []
    for feature, axes in learned:
        codes, texts = read_texts(data, columns[feature.column])
        used, at = np.unique(codes, return_inverse=True)
        weighed = weigh_texts(feature, axes.rarity, ["" if c < 0 else texts[c] for c in used])
        blocks.append(weighed[at])
    return sparse.hstack(blocks, format="csr")
