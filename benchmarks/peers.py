"""scikit-learn's classifiers as their users run them: defaults, categories as ordinal codes."""

from __future__ import annotations

from functools import lru_cache
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.preprocessing import OrdinalEncoder

from benchmarks.network_candidates import Trial
from datacleanse.data import categories, moments, numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.common import Rows
    from datacleanse.records import Column, Dataset

FOREST, BOOSTED = "random forest", "boosted trees"
PEERS = (FOREST, BOOSTED)

MAX_CATEGORIES = 255
"""As many as boosted trees accept in one column; the rarest share a code."""


def train_and_test_peer(name: str, rows: Rows, labels: NDArray[np.int64], *, seed: int) -> Trial:
    """Fit on the given labels, test on true ones."""
    fitted, tested, is_categorical = _matrices(rows)
    if name == FOREST:
        model = RandomForestClassifier(200, n_jobs=1, random_state=seed)
    else:
        model = HistGradientBoostingClassifier(
            categorical_features=is_categorical, random_state=seed
        )
    started = process_time()
    model.fit(fitted, labels)
    seconds = process_time() - started
    return Trial(float(np.mean(model.predict(tested) == rows.test.labels)), seconds)


@lru_cache(maxsize=2)
def _matrices(rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64], list[bool]]:
    """Training and test features (n, F), missing as NaN, and which of them are codes."""
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
    return np.hstack(fitted), np.hstack(tested), is_categorical


def _names(data: Dataset, column: Column) -> NDArray[np.object_]:
    codes, found = categories(data, column)
    return np.array([*found, None], dtype=object)[codes][:, None]


def _numbers(data: Dataset, column: Column) -> NDArray[np.float64]:
    if column.kind == "datetime":
        return moments(data, column).astype(np.float64)[:, None]
    return numbers(data, column).reshape(data.n_rows, -1)
