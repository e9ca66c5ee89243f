"""Tables in memory that are no data frames: columns by name, records, and what libraries hand out.

Each kind becomes one Arrow table. What is of no kind is refused in a sentence that names the kinds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.class_names import add_class_names
from datacleanse.data.half_signs import replace_half_signs
from datacleanse.data.messages import format_list, quote_error, quote_value
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

ACCEPTED = (
    "a path, a pandas or polars frame, an Arrow table, reader or dataset, a Hugging Face "
    "dataset, a dictionary of columns, a list of dictionaries or a structured NumPy array"
)
"""What is read, for messages."""


def find_loose_kind(source: object) -> Callable[[Any], pa.Table] | None:
    """What makes a table of an object; None where it is of no kind that is read."""
    for is_kind, convert in _KINDS:
        if is_kind(source):
            return convert
    return None


def make_no_table_error(source: object) -> InputError:
    """The error for an object that is no table."""
    kind = type(source).__name__
    cure = f"Give {ACCEPTED}."
    if isinstance(source, np.ndarray) and source.ndim == 2:
        cure = "Name its columns, e.g. with pandas.DataFrame(array, columns=[...])."
    elif isinstance(source, pd.Series) and _is_row(source):
        cure = "It is a single row. Give a table that has one row, as frame.iloc[[0]] makes it."
    elif hasattr(source, "to_frame") or isinstance(source, pa.Array | pa.ChunkedArray):
        cure = f"It is a single column. {cure}"
    elif isinstance(source, bytes):
        cure = "Give a path as text (os.fsdecode)."
    elif hasattr(source, "read") and hasattr(source, "name"):
        cure = "Give the file's path instead of the open file."
    elif _comes_from(source, "datasets"):
        cure = "It is a stream. Take rows of it: datasets.Dataset.from_list(list(stream.take(n)))."
    elif _comes_from(source, "torch"):
        cure = "A torch dataset is audited by datacleanse.audit_dataset, with a network of yours."
    elif hasattr(source, "to_pandas"):
        cure = "Give what its to_pandas() returns."
    return InputError(f"<{kind}> is no table.", slug="no-table", hint=cure)


def _is_row(series: pd.Series) -> bool:
    """Whether it is a row of a frame: its cells have names of columns, and no column names it."""
    names = series.index.tolist()
    return all(isinstance(each, str) for each in names) and not isinstance(series.name, str)


def convert_values(values: Any, name: str) -> pa.Array | pa.ChunkedArray:  # noqa: ANN401
    """The cells of one column, of whatever sequence; cells of several types become text.

    Raises:
        InputError: it is no sequence, or Arrow cannot hold it.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__len__"):
        raise _make_no_column_error(values, name)
    try:
        if hasattr(values, "__arrow_c_stream__") and not isinstance(values, pd.Series):
            return pa.chunked_array(values)
        if isinstance(values, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
            return pa.array(pd.Series(values).reset_index(drop=True), from_pandas=True)
        if not isinstance(values, list | tuple):
            return _convert_array(np.ma.asanyarray(values))
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        return _spell_cells(values, name, error)


def _convert_array(values: NDArray[Any]) -> pa.Array:
    """An array's cells; rows of several numbers are vectors, bytes are text."""
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    if values.ndim > 1:
        vectors = values.reshape(len(values), -1)
        return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    mask = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else None
    return pa.array(np.ma.getdata(values), mask=mask, from_pandas=True)


def _spell_cells(values: Iterable[Any], name: str, error: Exception) -> pa.Array:
    """Cells of several types as text, in which the schema looks for numbers again."""
    try:
        texts = [None if _is_missing(cell) else replace_half_signs(str(cell)) for cell in values]
        return pa.array(texts, pa.string())
    except (pa.ArrowException, TypeError, ValueError):
        raise InputError(
            f"Column {quote_value(name)} cannot be read: {quote_error(error)}.",
            slug="column-type-unknown",
            hint="Turn it into text or numbers, or leave it out.",
        ) from error


def _is_missing(cell: object) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell))


def _is_table(values: object) -> bool:
    """Whether it has columns of its own; asked of its type, as lazy frames warn of the question."""
    return hasattr(type(values), "columns") or hasattr(type(values), "column_names")


def _make_no_column_error(values: object, name: str) -> InputError:
    kind = type(values).__name__
    if _is_table(values):
        return InputError(
            f"{quote_value(name)} of the dictionary is a table ({kind}), not a column.",
            slug="no-table",
            hint=f"Give one of the tables, e.g. data[{name!r}].",
        )
    return InputError(
        f"{quote_value(name)} of the dictionary is {kind}, not a column of cells.",
        slug="no-table",
        hint="Give a list or an array for each column, all of one length.",
    )


def _convert_columns(columns: Mapping[Any, Any]) -> pa.Table:
    for name, values in columns.items():
        if _is_table(values):
            raise _make_no_column_error(values, str(name))
    named = [(replace_half_signs(str(name)), values) for name, values in columns.items()]
    arrays = {name: convert_values(values, name) for name, values in named}
    lengths = {name: len(cells) for name, cells in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = [f"{quote_value(name)} {length:,}" for name, length in lengths.items()]
        raise InputError(
            f"The columns of the dictionary have different lengths: {format_list(told)}.",
            slug="columns-ragged",
            hint="Give each column one cell for each row.",
        )
    return pa.table(arrays)


def _convert_records(records: Iterable[Any]) -> pa.Table:
    """Rows that name their cells; what one leaves out is missing there."""
    rows: list[Mapping[Any, Any]] = []
    for row in records:
        if not isinstance(row, Mapping):
            raise InputError(
                f"Row {len(rows)} of the list is {type(row).__name__}, not a dictionary.",
                slug="no-table",
                hint="Give a dictionary of column and cell for each row.",
            )
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return _convert_columns({name: [row.get(name) for row in rows] for name in names})


def _convert_fields(array: NDArray[Any]) -> pa.Table:
    records = array.reshape(-1)
    return _convert_columns({name: records[name] for name in array.dtype.names or ()})


def _convert_arrow(source: Any) -> pa.Table:  # noqa: ANN401  # pyarrow is untyped
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    return source.read_all() if isinstance(source, pa.RecordBatchReader) else source.to_table()


def _convert_batches(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(batches)


def _convert_hugging_face(source: Any) -> pa.Table:  # noqa: ANN401  # need not be installed
    """A `datasets.Dataset`: its rows in their order, selections and shuffles included."""
    table = _name_files(source.with_format("arrow")[:], source.features)
    names = {
        name: list(feature.names)
        for name, feature in source.features.items()
        if type(feature).__name__ == "ClassLabel" and feature.names
    }
    return add_class_names(table, names)


def _name_files(table: pa.Table, features: Mapping[str, Any]) -> pa.Table:
    """The table with the paths of pictures that it only points to in place of empty bytes."""
    for name, feature in features.items():
        cells = table.column(name)
        if type(feature).__name__ != "Image" or not pa.types.is_struct(cells.type):
            continue
        content, path = (pc.struct_field(cells, field) for field in ("bytes", "path"))
        if content.null_count == len(table) > path.null_count:
            table = table.set_column(table.column_names.index(name), name, path)
    return table


def _comes_from(source: object, library: str) -> bool:
    return any(kind.__module__.split(".")[0] == library for kind in type(source).__mro__)


def _is_records(source: object) -> bool:
    """Whether it is a list or stream of dictionaries; what is first may not be lost."""
    if isinstance(source, list | tuple):
        return not source or isinstance(source[0], Mapping)
    return isinstance(source, Iterator) and not hasattr(source, "read")


def _is_hugging_face(source: object) -> bool:
    return _comes_from(source, "datasets") and all(
        hasattr(source, name) for name in ("with_format", "features", "__len__", "column_names")
    )


_KINDS: tuple[tuple[Callable[[object], bool], Callable[[Any], pa.Table]], ...] = (
    (_is_hugging_face, _convert_hugging_face),
    (
        lambda source: (
            isinstance(source, pa.RecordBatch | pa.RecordBatchReader)
            or (_comes_from(source, "pyarrow") and hasattr(source, "to_table"))
        ),
        _convert_arrow,
    ),
    (
        lambda source: (
            isinstance(source, list | tuple)
            and bool(source)
            and all(isinstance(each, pa.RecordBatch) for each in source)
        ),
        _convert_batches,
    ),
    (lambda source: isinstance(source, np.ndarray) and bool(source.dtype.names), _convert_fields),
    (lambda source: isinstance(source, Mapping), _convert_columns),
    (_is_records, _convert_records),
)
"""What an object is, and what makes a table of it; the first that fits."""
