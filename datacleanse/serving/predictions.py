"""Predictions as a table for people and programs: for rows and for pictures.

Columns: ``row``, the position in the source from 0; ``id``; ``predicted_label``, float64 of
numbers; and, if asked for, ``probability_<class>`` float64 for each class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import NewValues, ReadOptions, read_ids, read_portions
from datacleanse.pictures.read import read_pictures_like
from datacleanse.progress import SILENT
from datacleanse.serving.open_model import ServedImageModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.notices import NoticeLog
    from datacleanse.progress import Progress
    from datacleanse.records import Dataset
    from datacleanse.serving.open_model import AnyServedModel, ServedModel


@dataclass(frozen=True)
class NewRowsOptions:
    """How new rows or pictures are read and classified."""

    proba: bool = True
    """Whether the probability of each class is written."""
    delimiter: str | None = None
    """Of a CSV; None for the format's own."""
    ignore_extra: bool = False
    """Whether columns that DATA lacks are passed over; else they are refused."""
    allow_unknown: bool = False
    """Whether a column may hold no value that can be read or that the model knows."""


def predict_source(
    model: AnyServedModel,
    source: str,
    *,
    scratch: Path,
    options: NewRowsOptions,
    log: NoticeLog,
    progress: Progress = SILENT,
) -> Iterator[pa.Table]:
    """Predict the labels of new rows or pictures: tables as the module says, one below the other.

    Args:
        model: of a run; it says whether rows or pictures are wanted.
        source: a table of any length, or pictures in any form; labels are not needed.
        scratch: folder for a file where memory does not suffice for pictures.
        options: how to read and classify them.
        log: is complete when the last table was taken: values that are unknown, unreadable or
            missing, columns passed over, pictures that cannot be read.
        progress: is told of stages.

    Raises:
        InputError: columns differ from DATA's, one holds no value that the model knows, or no
            picture can be read. Some of this is only known behind the last row.
    """
    if isinstance(model, ServedImageModel):
        table = _predict_pictures(
            model, source, options=options, scratch=scratch, log=log, progress=progress
        )
        return iter([table])
    progress.stage("Predicting", None)
    portions = _read_judged(model, source, options, log)
    return (predict_rows(model, portion, proba=options.proba) for portion in portions)


def _read_judged(
    model: ServedModel, source: str, options: NewRowsOptions, log: NoticeLog
) -> Iterator[Dataset]:
    """The new rows, a portion at a time; see `_judge_portions`."""
    allow_unknown = options.allow_unknown
    portions = read_portions(
        source,
        model.schema,
        delimiter=options.delimiter,
        ignore_extra=options.ignore_extra,
        allow_unknown=allow_unknown,
    )
    return _judge_portions(portions, NewValues(model.known), log, allow_unknown=allow_unknown)


def predict_rows(model: ServedModel, data: Dataset, *, proba: bool) -> pa.Table:
    """One row per row of ``data``, in its order; without an id column the id is the row number."""
    rows = pa.array(np.arange(data.first_row, data.first_row + data.n_rows))
    return _tabulate(rows, read_ids(data), model.schema.classes, model.answer(data), proba=proba)


def _predict_pictures(
    model: ServedImageModel,
    source: str,
    *,
    options: NewRowsOptions,
    scratch: Path,
    log: NoticeLog,
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
        options=ReadOptions(delimiter=options.delimiter, max_unreadable=1.0),
        scratch=scratch,
        progress=progress,
    )
    log.add(notice for notice in data.notices if notice.is_warning)
    progress.stage("Predicting", None)
    rows = pa.array(pictures.places)
    names = rows.cast(pa.string()) if data.schema.id is None else read_ids(data)
    answers = model.answer(pictures.values)
    return _tabulate(rows, names, model.schema.classes, answers, proba=options.proba)


def _tabulate(
    rows: pa.Array,
    names: pa.Array,
    classes: Sequence[str],
    answers: NDArray[np.float64],
    *,
    proba: bool,
) -> pa.Table:
    """The columns that the module describes; ``answers``: (n, C), or (n,) without classes."""
    columns = {"row": rows, "id": names}
    if not classes:
        return pa.table({**columns, "predicted_label": answers})
    likeliest = pa.array(answers.argmax(axis=1))
    columns["predicted_label"] = pa.array(classes, pa.string()).take(likeliest)
    if proba:
        columns |= {
            f"probability_{name}": pa.array(answers[:, k]) for k, name in enumerate(classes)
        }
    return pa.table(columns)


def _judge_portions(
    portions: Iterator[Dataset], values: NewValues, log: NoticeLog, *, allow_unknown: bool
) -> Iterator[Dataset]:
    """The portions; behind the last one, what there is to say of all of them is in the log."""
    for portion in portions:
        log.add(portion.notices)
        values.add(portion)
        yield portion
    if not allow_unknown:
        values.check()
    log.add(values.make_notices())
