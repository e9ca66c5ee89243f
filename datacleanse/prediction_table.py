"""Predictions as a table for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import ids

if TYPE_CHECKING:
    from datacleanse.records import Dataset
    from datacleanse.serving import ServedModel


def prediction_table(model: ServedModel, data: Dataset, *, proba: bool) -> pa.Table:
    """One row per row of ``data``, in its order.

    Columns: ``row``, its position in the file; ``id`` (the id column, else the row number);
    ``predicted_label``; and with ``proba`` ``probability_<class>`` float64 for each class.
    """
    probability = model.probabilities(data)
    classes = model.schema.classes
    columns = {
        "row": pa.array(np.arange(data.first_row, data.first_row + data.n_rows)),
        "id": ids(data),
        "predicted_label": pa.array(classes, pa.string()).take(
            pa.array(probability.argmax(axis=1))
        ),
    }
    if proba:
        columns |= {
            f"probability_{name}": pa.array(probability[:, k]) for k, name in enumerate(classes)
        }
    return pa.table(columns)
