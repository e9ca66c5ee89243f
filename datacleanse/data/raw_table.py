"""A table of any kind as it is read, before anything is said of its columns."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd
import pyarrow as pa

from datacleanse.data.checks import check_cells, check_shape
from datacleanse.data.class_names import name_classes
from datacleanse.data.column_verdict import Context
from datacleanse.data.label_types import name_label_type
from datacleanse.data.packing import find_declared_categories, pack_table
from datacleanse.data.plain_types import register_pandas_types
from datacleanse.data.readers import find_reader
from datacleanse.data.readers.frame import Frame, convert_frame, hold_frame
from datacleanse.data.sources import Location, locate

if TYPE_CHECKING:
    from datacleanse.data.interface import Request

Source: TypeAlias = str | os.PathLike[str] | Frame

_HEAD = 100
"""Rows of a frame by which `peek` tells its columns' types."""
UNTYPED = (".csv", ".tsv")
"""Endings of formats in which a cell is text and nothing else."""
READ_AS_TEXT = (*UNTYPED, ".jsonl", ".ndjson")
"""Endings of formats of which labels are read as they are spelled."""


@dataclass(frozen=True)
class Raw:
    """A table as read, before anything is said of its columns."""

    name: str
    """How messages name it."""
    table: pa.Table
    declared: frozenset[str]
    """Dictionary columns that the source itself had."""
    text_is_typed: bool
    """The format tells text from numbers."""
    class_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns whose numbers were replaced by the names that the metadata give them, and these."""
    location: Location | None = None
    """Where it lies; None: it is in memory."""

    def count_missing(self, request: Request) -> dict[str, dict[str, int]]:
        """How many cells of each column stand for a missing value, by their text."""
        if self.location is None:
            return {}
        reader = find_reader(self.location)
        return reader.count_missing(self.location, request=request, table=self.table)

    def name_label_type(self, label: str) -> str | None:
        """The type of the labels, where the source tells text from whatever else."""
        is_typed = self.location is None or self.location.suffix not in READ_AS_TEXT
        return name_label_type(self.table.schema.field(label).type, text_is_typed=is_typed)

    def describe_column(self, column: str) -> Context:
        """What is known of a column beside its cells."""
        return Context(self.name, column in self.declared, self.text_is_typed)


def hold_source(source: Source) -> Source:
    """The source in a form that can be read more than once: a path, or a table in memory.

    Raises:
        InputError: it is neither.
    """
    return source if isinstance(source, str | os.PathLike) else hold_frame(source)


def peek(source: Source, request: Request) -> pa.Schema:
    """The columns of a table by its start; text formats tell only their names.

    Raises:
        InputError: nothing is there, or it is broken at its start.
    """
    if not isinstance(source, str | os.PathLike):
        head = source.head(_HEAD) if isinstance(source, pd.DataFrame) else source
        return convert_frame(head).schema
    location = locate(source)
    return find_reader(location).peek(location, request=request)


def read_raw(source: Source | Location, request: Request) -> Raw:
    """Read a table of any kind.

    Raises:
        InputError: nothing is there, or it is broken.
    """
    register_pandas_types()
    if not isinstance(source, str | os.PathLike | Location):
        name = "<Table>" if isinstance(source, pa.Table) else "<DataFrame>"
        table, text_is_typed, location = convert_frame(source), True, None
    else:
        location = source if isinstance(source, Location) else locate(source)
        name, text_is_typed = location.name, location.suffix not in UNTYPED
        table = find_reader(location).read(location, request=request)
    check_shape(table, name)
    check_cells(table, name)
    table, class_names = name_classes(table, request.names, name)
    declared = find_declared_categories(table) if text_is_typed else frozenset()
    packed = pack_table(table, declared=declared)
    return Raw(name, packed, declared, text_is_typed, class_names, location)
