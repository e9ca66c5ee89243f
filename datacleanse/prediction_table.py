"""Predictions as a table for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import ids, read_like
from datacleanse.errors import InputError
from datacleanse.predictor import ImagePredictor, Predictor

if TYPE_CHECKING:
    from datacleanse.data import Source


def prediction_table(
    predictor: Predictor | ImagePredictor, source: Source, *, delimiter: str | None = None
) -> pa.Table:
    """One row per row of ``source``, in its order.

    Columns: ``row`` from 0, ``id`` (the id column, else the row number), ``predicted_label``, and
    ``probability_<class>`` float64 for each class.
    """
    if isinstance(predictor, ImagePredictor):
        raise InputError(
            "The model of this run classifies images, and NEW is read as a table.",
            slug="new-not-images",
            hint="In Python: datacleanse.load_predictor(RUN / 'model').predict(images).",
        )
    data = read_like(source, predictor.schema, role="NEW", delimiter=delimiter)
    probability = predictor.probabilities(data)
    names = np.array(predictor.classes, dtype=object)
    return pa.table(
        {
            "row": pa.array(np.arange(data.n_rows)),
            "id": ids(data),
            "predicted_label": pa.array(names[probability.argmax(axis=1)], pa.string()),
            **{
                f"probability_{name}": probability[:, k] for k, name in enumerate(predictor.classes)
            },
        }
    )
