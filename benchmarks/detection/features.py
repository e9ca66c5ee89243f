"""Columns as scikit-learn's users feed them to its models; read by the package's readers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from datacleanse.data import read_categories, read_moments, read_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.tables import Rows
    from datacleanse.records import Column, Dataset

MAX_CATEGORIES = 255
"""As many as boosted trees accept in one column; the rarest share a code."""


@lru_cache(maxsize=2)
def ordinal_matrices(
    rows: Rows,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Training and test features (n, F), missing as NaN, and which of them are codes, (F,)."""
    fitted, tested, is_categorical = [], [], []
    for column in rows.train.schema.columns:
        if column.kind == "categorical":
            encoder = OrdinalEncoder(
                handle_unknown="use_encoded_value",
                unknown_value=np.nan,
                encoded_missing_value=np.nan,
                max_categories=MAX_CATEGORIES,
            )
            fitted.append(encoder.fit_transform(_names(rows.train, column)))
            tested.append(encoder.transform(_names(rows.test, column)))
        else:
            fitted.append(_numbers(rows.train, column))
            tested.append(_numbers(rows.test, column))
        is_categorical += [column.kind == "categorical"] * fitted[-1].shape[1]
    return np.hstack(fitted), np.hstack(tested), np.array(is_categorical)


def one_hot_matrix(rows: Rows) -> NDArray[np.float64]:
    """Training, then test rows, (n + m, F), for linear models and distances.

    Numbers are standardised, gaps filled by the median and marked; each category, "missing" and
    "rare" among them, is a column. No label is looked at, so all rows take part in what is learned.
    """
    fitted, tested, is_categorical = ordinal_matrices(rows)
    transformer = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
            ~is_categorical,
        ),
        (OneHotEncoder(sparse_output=False, min_frequency=2), is_categorical),
    )
    matrix: NDArray[np.float64] = transformer.fit_transform(np.vstack([fitted, tested]))
    return matrix


def _names(data: Dataset, column: Column) -> NDArray[np.object_]:
    codes, found = read_categories(data, column)
    return np.array([*found, None], dtype=object)[codes][:, None]


def _numbers(data: Dataset, column: Column) -> NDArray[np.float64]:
    if column.kind == "datetime":
        return read_moments(data, column).astype(np.float64)[:, None]
    return read_numbers(data, column).reshape(data.n_rows, -1)
