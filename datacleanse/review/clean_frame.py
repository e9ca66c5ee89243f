"""Cleaned data as a data frame: DATA with the changes of a cleaning plan, in its own types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import is_integer_dtype, is_numeric_dtype

from datacleanse.data.any_number import make_label_finder
from datacleanse.data.label_types import type_classes
from datacleanse.data.number_labels import spell_as_written
from datacleanse.data.packing import unpack_table
from datacleanse.data.readers.frame import name_columns
from datacleanse.errors import InputError
from datacleanse.records import Notice
from datacleanse.review.write_changes import make_edits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.records import Dataset
    from datacleanse.review.cleaning_plan import Cleaning

_NAMED = 5
"""Rows that a notice names before it says how many more there are."""


def clean_frame(cleaning: Cleaning) -> pd.DataFrame:
    """DATA as a new data frame, relabelled and without the rows that are dropped.

    A data frame keeps its index, its columns and their types. Other tables become one.

    Raises:
        InputError: the labels stand in the frame's index.
    """
    data, source = cleaning.data, cleaning.run.in_memory
    frame = source if isinstance(source, pd.DataFrame) else _make_frame(data)
    edits = make_edits(cleaning.changes)
    position = _find_label(frame, data.schema.label)
    given = frame.iloc[:, position]
    labels = given.copy()
    finder = make_label_finder(data)
    for name in dict.fromkeys(edits.labels.values()):
        rows = [row for row, label in edits.labels.items() if label == name]
        value = _find_value(given, data, name, finder(name))
        if isinstance(labels.dtype, pd.CategoricalDtype) and value not in labels.cat.categories:
            labels = labels.cat.add_categories([value])
        labels.iloc[rows] = value
    cleaned = frame.copy(deep=False)
    # Not its array: of objects, texts would become pandas' own type.
    cleaned.isetitem(position, labels)  # type: ignore[arg-type]  # the stubs leave series out
    stays = np.ones(len(frame), dtype=bool)
    stays[list(edits.dropped)] = False
    return cleaned[stays]


def note_refusals(cleaning: Cleaning) -> Iterator[Notice]:
    """A warning of decisions that were not carried out, with the rows and the reasons."""
    if not cleaning.refused:
        return
    n = len(cleaning.refused)
    what = "1 decision was" if n == 1 else f"{n:,} decisions were"
    named = "; ".join(f"row {each.decision.row}: {each.why}" for each in cleaning.refused[:_NAMED])
    more = f"; and {n - _NAMED:,} more" if n > _NAMED else ""
    yield Notice(
        "decisions-refused", f"{what} not carried out ({named}{more}).", is_warning=True, cells=n
    )


def _make_frame(data: Dataset) -> pd.DataFrame:
    """A table as a data frame, its labels in their own type."""
    frame: pd.DataFrame = unpack_table(data.table).to_pandas()
    label = data.schema.label
    if data.numbers is not None:
        if not is_numeric_dtype(frame[label].dtype):
            frame[label] = data.targets
    elif label in frame.columns:
        classes = type_classes(data.given_labels, data.schema.label_type)
        frame[label] = classes[data.labels]
    return frame


def _find_label(frame: pd.DataFrame, label: str) -> int:
    names = name_columns(frame)
    if label not in names:
        raise InputError(
            f"The labels ('{label}') stand in the frame's index, where they cannot be changed.",
            slug="label-in-index",
            hint="Make them a column with reset_index(), and audit that frame.",
        )
    return names.index(label)


def _find_value(given: pd.Series[Any], data: Dataset, name: str, code: int | None) -> Any:  # noqa: ANN401
    """What stands for a class in the frame: what its rows there have."""
    rows = np.flatnonzero(data.labels == (-2 if code is None else code))
    if len(rows):
        return given.iloc[int(rows[0])]
    if data.numbers is not None:
        if not is_numeric_dtype(given.dtype):
            return spell_as_written(name, data.schema.label_convention)
        return int(float(name)) if is_integer_dtype(given.dtype) else float(name)
    known = (*data.given_labels, *([] if name in data.given_labels else [name]))
    return type_classes(known, data.schema.label_type)[known.index(name)]
