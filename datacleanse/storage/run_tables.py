"""The Parquet files of a run, held to their columns' names, types and ranges as they are read."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacleanse.errors import is_shortage
from datacleanse.storage.damage import make_damage_error, make_missing_error
from datacleanse.storage.typed_json import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from datacleanse.storage.table_column import TableColumn

_DIGITS = 19
"""Of a number of rows, fewer than."""


class UnexpectedTableError(ValueError):
    """What a file of a run cannot hold; the message completes ``... is damaged: ``."""


@dataclass(frozen=True)
class RunTable:
    """An open file of a run."""

    parquet: pq.ParquetFile
    """Its reader."""
    columns: tuple[TableColumn, ...]
    """Its columns, in order; others may stand behind them."""
    below: Mapping[str, int] = field(default_factory=dict)
    """By column of whole numbers, what all of them lie below."""
    among: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By column of labels, the classes that `run.json` names; a cell is one of them, or null."""

    @property
    def n_rows(self) -> int:
        """Rows of the whole file."""
        rows: int = self.parquet.metadata.num_rows
        return rows

    def read(self, names: Sequence[str] | None = None) -> pa.Table:
        """Read all rows.

        Args:
            names: columns that are wanted, in this order; None: all.

        Raises:
            UnexpectedTableError: a value is not in its column's range.
        """
        wanted = self._find(names)
        held = [each.name for each in wanted if each.name in self.parquet.schema_arrow.names]
        return self._check(self.parquet.read(columns=held), wanted)

    def read_groups(self, names: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Read row group by row group, so that not all rows are in memory at once.

        Args:
            names: columns that are wanted, in this order; None: all.

        Raises:
            UnexpectedTableError: a value is not in its column's range.
        """
        wanted = self._find(names)
        held = [each.name for each in wanted if each.name in self.parquet.schema_arrow.names]
        for group in range(self.parquet.num_row_groups):
            yield self._check(self.parquet.read_row_group(group, columns=held), wanted)

    def _find(self, names: Sequence[str] | None) -> list[TableColumn]:
        if names is None:
            return list(self.columns)
        by_name = {each.name: each for each in self.columns}
        return [by_name[name] for name in names]

    def _check(self, table: pa.Table, wanted: Sequence[TableColumn]) -> pa.Table:
        # Texts may be no UTF-8, and lists may lead beyond their values.
        table.validate(full=True)
        cells = []
        for column in wanted:
            if column.name not in table.column_names:
                cells.append(pa.chunked_array([pa.nulls(table.num_rows, column.type)]))
                continue
            cells.append(_take_type(table[column.name], column))
            check_cells(cells[-1], column, self.below.get(column.name))
            if column.name in self.among:
                check_labels(cells[-1], column.name, self.among[column.name])
        made = pa.table(cells, names=[column.name for column in wanted])
        # pandas would obey what is said to it there.
        told = {k: v for k, v in (table.schema.metadata or {}).items() if k != b"pandas"}
        return made.replace_schema_metadata(told)


@contextmanager
def open_run_table(
    file: Path,
    columns: Sequence[TableColumn],
    *,
    n_rows: int | None = None,
    below: Mapping[str, int] | None = None,
    among: Mapping[str, Collection[str]] | None = None,
    coded: Sequence[str] = (),
) -> Iterator[RunTable]:
    """Open a file of a run; whatever is wrong with it is said of it within the block, too.

    Args:
        file: the file.
        columns: that it must have.
        n_rows: that it must have; None: any number.
        below: see `RunTable`.
        among: see `RunTable`.
        coded: columns of texts that are read as codes, since few of them differ.

    Raises:
        RunFolderError: it is missing or damaged.
    """
    with report_damage_as(file), pq.ParquetFile(file, read_dictionary=list(coded)) as parquet:
        _check_columns(parquet.schema_arrow, columns)
        if n_rows is not None and parquet.metadata.num_rows != n_rows:
            raise UnexpectedTableError(
                f"it has {parquet.metadata.num_rows:,} rows, where run.json says {n_rows:,}"
            )
        yield RunTable(parquet, tuple(columns), below or {}, among or {})


@contextmanager
def report_damage_as(file: Path) -> Iterator[None]:
    """Say which file of a run is missing or damaged while the block reads it.

    Raises:
        RunFolderError: it is.
    """
    try:
        if not file.is_file():  # a pipe would be waited for
            raise make_missing_error(file)
        yield
    except FileNotFoundError as error:
        raise make_missing_error(file) from error
    except (OSError, ValueError, pa.ArrowException) as error:
        if is_shortage(error):
            raise
        raise make_damage_error(file, error) from error


def check_cells(cells: pa.ChunkedArray, column: TableColumn, below: int | None) -> None:
    """See that all cells are in their column's range.

    Raises:
        UnexpectedTableError: one is not; it names the row and the value met.
    """
    if not column.is_nullable and cells.null_count:
        raise _make_cell_error(cells, column.name, cells.is_null(), "a value")
    if not (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)):
        return
    if pa.types.is_floating(cells.type) and not column.is_nullable:
        _check_all(cells, column.name, pc.is_finite(cells), "a finite number")
    slack = ROUNDING if pa.types.is_floating(cells.type) else 0
    if column.least is not None:
        fits = pc.greater_equal(cells, pa.scalar(column.least - slack, cells.type))
        _check_all(cells, column.name, fits, f"a number from {column.least:g} on")
    if column.most is not None:
        fits = pc.less_equal(cells, pa.scalar(column.most + slack, cells.type))
        _check_all(cells, column.name, fits, f"a number up to {column.most:g}")
    if below is not None:
        fits = pc.less(cells, pa.scalar(below, cells.type))
        _check_all(cells, column.name, fits, f"a number below {below:,}")


def check_labels(cells: pa.ChunkedArray, name: str, classes: Collection[str]) -> None:
    """See that all labels are classes of DATA; those that are null are none.

    Raises:
        UnexpectedTableError: one is not.
    """
    for label in _count_labels(cells):
        if label is not None and label not in classes:
            raise UnexpectedTableError(
                f"its column {name!a} holds {label!a}, which is none of the classes that "
                "run.json names"
            )


def check_rows_by_label(cells: pa.ChunkedArray, name: str, rows: Mapping[str, int]) -> None:
    """See that each label stands in as many rows as `run.json` says.

    Raises:
        UnexpectedTableError: one does not.
    """
    found = _count_labels(cells)
    for label, expected in rows.items():
        if found.get(label, 0) != expected:
            raise UnexpectedTableError(
                f"its column {name!a} holds {label!a} {found.get(label, 0):,} times, where "
                f"run.json says {expected:,}"
            )


def _count_labels(cells: pa.ChunkedArray) -> dict[str | None, int]:
    """Rows by text, null included."""
    counts = cells.unify_dictionaries().value_counts()
    texts, rows = counts.field("values"), counts.field("counts")
    if pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_decode()
    return dict(zip(texts.to_pylist(), rows.to_pylist(), strict=True))


def check_numbered(
    cells: pa.ChunkedArray, name: str, *, first: int, is_in_order: bool = False
) -> None:
    """See that cells count up from the first number on, in any order or in theirs.

    Raises:
        UnexpectedTableError: a number is missing or in another's place.
    """
    found = cells.to_numpy()
    if not np.array_equal(
        found if is_in_order else np.sort(found), np.arange(first, first + len(found))
    ):
        raise UnexpectedTableError(
            f"its column {name!a} does not hold each number from {first} to "
            f"{first + len(found) - 1:,} once{', in order' if is_in_order else ''}"
        )


def check_equal(cells: pa.ChunkedArray, name: str, value: int) -> None:
    """See that all cells hold one value.

    Raises:
        UnexpectedTableError: one does not.
    """
    fits = pc.equal(cells, pa.scalar(value, cells.type))
    _check_all(cells, name, fits, f"{value:,}")


def check_distinct(cells: pa.ChunkedArray, name: str) -> None:
    """See that no cell's value stands in another one.

    Raises:
        UnexpectedTableError: one does.
    """
    if len(pc.unique(cells)) < len(cells):
        raise UnexpectedTableError(f"its column {name!a} holds a number twice")


def check_counts(metadata: Mapping[bytes, bytes] | None, names: Sequence[str]) -> None:
    """See that a table's metadata have whole numbers by these names.

    Raises:
        UnexpectedTableError: one is missing or something else.
    """
    for name in names:
        told = (metadata or {}).get(name.encode(), b"")
        if not (told.isdigit() and len(told) < _DIGITS):
            raise UnexpectedTableError(
                f"its metadata say {told[:20]!a} for {name}, where a whole number was expected"
            )


def check_first_column(schema: pa.Schema) -> None:
    """See that a table's first column is of whole numbers.

    Raises:
        UnexpectedTableError: it is not, or there is none.
    """
    if not len(schema) or not pa.types.is_integer(schema.field(0).type):
        found = schema.field(0).type if len(schema) else "missing"
        raise UnexpectedTableError(
            f"its first column is {found}, where the rows' numbers were expected"
        )


def _check_columns(schema: pa.Schema, columns: Sequence[TableColumn]) -> None:
    names = schema.names
    for column in columns:
        if names.count(column.name) != 1:
            if not names.count(column.name) and column.may_lack:
                continue
            many = "more than one" if column.name in names else "no"
            raise UnexpectedTableError(f"it has {many} column {column.name!a}")
        found = schema.field(column.name).type
        if not _is_alike(found, column):
            raise UnexpectedTableError(
                f"its column {column.name!a} is of type {found}, where {column.type} was expected"
            )


def _is_alike(found: pa.DataType, column: TableColumn) -> bool:
    """Whether a column's cells can be taken for what they should be."""
    wanted = column.type
    if found == wanted or (column.is_nullable and pa.types.is_null(found)):
        return True
    if pa.types.is_dictionary(found):
        return bool(found.value_type == wanted)
    kinds = (pa.types.is_integer, pa.types.is_floating, _is_text)
    return any(kind(found) and kind(wanted) for kind in kinds)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _take_type(cells: pa.ChunkedArray, column: TableColumn) -> pa.ChunkedArray:
    is_coded = pa.types.is_dictionary(cells.type)
    return cells if is_coded or cells.type == column.type else cells.cast(column.type)


def _check_all(cells: pa.ChunkedArray, name: str, fits: pa.ChunkedArray, expected: str) -> None:
    # Null: the cell is, which is no fault of its range.
    if not pc.all(fits, min_count=0).as_py():
        raise _make_cell_error(cells, name, pc.invert(fits), expected)


def _make_cell_error(
    cells: pa.ChunkedArray, name: str, is_wrong: pa.ChunkedArray, expected: str
) -> UnexpectedTableError:
    row = pc.index(is_wrong, True).as_py()
    value = cells[row].as_py()
    return UnexpectedTableError(
        f"cell {row:,} of its column {name!a} is {'null' if value is None else value}, where "
        f"{expected} was expected"
    )
