"""Predictions as a table for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import ReadOptions, read_ids
from datacleanse.pictures.read import read_pictures_like
from datacleanse.progress import SILENT

if TYPE_CHECKING:
    from pathlib import Path

    from datacleanse.data import Source
    from datacleanse.progress import Progress
    from datacleanse.records import Dataset
    from datacleanse.serving.open_model import ServedImageModel, ServedModel


def prediction_table(model: ServedModel, data: Dataset, *, proba: bool) -> pa.Table:
    """One row per row of ``data``, in its order.

    Columns: ``row``, its position in the file; ``id`` (the id column, else the row number);
    ``predicted_label``; and with ``proba`` ``probability_<class>`` float64 for each class.
    """
    probability = model.probabilities(data)
    classes = model.schema.classes
    columns = {
        "row": pa.array(np.arange(data.first_row, data.first_row + data.n_rows)),
        "id": read_ids(data),
        "predicted_label": pa.array(classes, pa.string()).take(
            pa.array(probability.argmax(axis=1))
        ),
    }
    if proba:
        columns |= {
            f"probability_{name}": pa.array(probability[:, k]) for k, name in enumerate(classes)
        }
    return pa.table(columns)


def picture_predictions(
    predictor: ServedImageModel,
    source: Source,
    *,
    scratch: Path,
    proba: bool = True,
    delimiter: str | None = None,
    progress: Progress = SILENT,
) -> pa.Table:
    """One row per picture of ``source`` that can be read, in its order.

    Args:
        predictor: of the run.
        source: pictures in any form, labels not needed; a folder may hold them without classes.
        scratch: folder for a file where memory does not suffice.
        proba: whether to write the probability of each class.
        delimiter: of a CSV; None for the format's own.
        progress: is told of stages, and of pictures that cannot be read.

    Returns:
        Columns ``row``, the picture's position in ``source`` from 0, unreadable ones counted;
        ``id`` (its path, else the row); ``predicted_label``; and with ``proba``
        ``probability_<class>`` float64 for each class.

    Raises:
        InputError: it holds no pictures, or none that can be read.
    """
    data, pictures = read_pictures_like(
        source,
        predictor.schema,
        role="NEW",
        shape=predictor.size,
        options=ReadOptions(delimiter=delimiter, max_unreadable=1.0),
        scratch=scratch,
        progress=progress,
    )
    for notice in data.notices:
        if notice.is_warning:
            progress.say(notice.message)
    progress.stage("Predicting", None)
    probability = predictor.predict_proba(pictures.values)
    classes, rows = predictor.schema.classes, pa.array(pictures.places)
    columns = {
        "row": rows,
        "id": rows.cast(pa.string()) if data.schema.id is None else read_ids(data),
        "predicted_label": pa.array(classes, pa.string()).take(
            pa.array(probability.argmax(axis=1))
        ),
    }
    if proba:
        columns |= {
            f"probability_{name}": pa.array(probability[:, k]) for k, name in enumerate(classes)
        }
    return pa.table(columns)
