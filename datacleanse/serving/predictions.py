"""Predictions as a table for people and programs: for rows and for pictures.

Columns: ``row``, the position in the source from 0; ``id``; ``predicted_label``; and, if asked for,
``probability_<class>`` float64 for each class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import ReadOptions, read_ids, read_portions
from datacleanse.pictures.read import read_pictures_like
from datacleanse.progress import SILENT
from datacleanse.serving.open_model import ServedImageModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.progress import Progress
    from datacleanse.records import Dataset
    from datacleanse.serving.open_model import ServedModel

NOTICES_SHOWN = 5
"""Notices on new rows that are passed on; a long file may give one for each portion."""


def predict_source(
    model: ServedModel | ServedImageModel,
    source: str,
    *,
    scratch: Path,
    proba: bool = True,
    delimiter: str | None = None,
    ignore_extra: bool = False,
    progress: Progress = SILENT,
) -> Iterator[pa.Table]:
    """Classify new rows or pictures: tables as the module says, one below the other.

    Args:
        model: of a run; it says whether rows or pictures are wanted.
        source: a table of any length, or pictures in any form; labels are not needed.
        scratch: folder for a file where memory does not suffice for pictures.
        proba: whether to write the probability of each class.
        delimiter: of a CSV; None for the format's own.
        ignore_extra: whether columns that DATA lacks are passed over; else they are refused.
        progress: is told of stages, of odd rows and of pictures that cannot be read.

    Raises:
        InputError: columns differ from DATA's, or no picture can be read.
    """
    if isinstance(model, ServedImageModel):
        options = ReadOptions(delimiter=delimiter, max_unreadable=1.0)
        table = _predict_pictures(
            model, source, options=options, scratch=scratch, proba=proba, progress=progress
        )
        return iter([table])
    progress.stage("Predicting", None)
    portions = read_portions(source, model.schema, delimiter=delimiter, ignore_extra=ignore_extra)
    told = _say_notices(portions, progress)
    return (predict_rows(model, portion, proba=proba) for portion in told)


def predict_rows(model: ServedModel, data: Dataset, *, proba: bool) -> pa.Table:
    """One row per row of ``data``, in its order; without an id column the id is the row number."""
    rows = pa.array(np.arange(data.first_row, data.first_row + data.n_rows))
    classes = model.schema.classes
    return _tabulate(rows, read_ids(data), classes, model.probabilities(data), proba=proba)


def _predict_pictures(
    model: ServedImageModel,
    source: str,
    *,
    options: ReadOptions,
    scratch: Path,
    proba: bool,
    progress: Progress,
) -> pa.Table:
    """One row per picture that can be read, in the source's order; unreadable ones are counted.

    The id is the picture's path, else its row.
    """
    data, pictures = read_pictures_like(
        source,
        model.schema,
        role="NEW",
        shape=model.size,
        options=options,
        scratch=scratch,
        progress=progress,
    )
    for notice in data.notices:
        if notice.is_warning:
            progress.say(notice.message)
    progress.stage("Predicting", None)
    probability, rows = model.predict_proba(pictures.values), pa.array(pictures.places)
    names = rows.cast(pa.string()) if data.schema.id is None else read_ids(data)
    return _tabulate(rows, names, model.schema.classes, probability, proba=proba)


def _tabulate(
    rows: pa.Array,
    names: pa.Array,
    classes: Sequence[str],
    probability: NDArray[np.float64],
    *,
    proba: bool,
) -> pa.Table:
    """The columns that the module describes; ``probability``: (n, C)."""
    likeliest = pa.array(probability.argmax(axis=1))
    columns = {
        "row": rows,
        "id": names,
        "predicted_label": pa.array(classes, pa.string()).take(likeliest),
    }
    if proba:
        columns |= {
            f"probability_{name}": pa.array(probability[:, k]) for k, name in enumerate(classes)
        }
    return pa.table(columns)


def _say_notices(portions: Iterator[Dataset], progress: Progress) -> Iterator[Dataset]:
    """The portions; what there is to say of them is said once, and not endlessly."""
    known: set[str] = set()
    for portion in portions:
        for notice in portion.notices:
            if notice.message not in known and len(known) < NOTICES_SHOWN:
                progress.say(notice.message)
            known.add(notice.message)
        yield portion
    if len(known) > NOTICES_SHOWN:
        more = len(known) - NOTICES_SHOWN
        progress.say(f"{more} more notices like these, on later rows.")
