"""A column of a Parquet file in a run folder, and the Arrow schema of several."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA_VERSION = 1
"""Of all files whose columns stand here.

1: first version.
"""

ROW_GROUP = 65_536
"""Rows of a Parquet row group in the audit table and the epoch files, so that they can be read in
step."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a file, for whoever writes it, reads it or reads about it."""

    name: str
    """As in the file."""
    type: pa.DataType
    """Of its cells."""
    meaning: str
    """What a cell says, for people."""
    least: float | None = None
    """Smallest value; None: any finite one, where the cells are numbers."""
    most: float | None = None
    """Largest value; None: any."""
    is_nullable: bool = False
    """Whether cells may be null; numbers that may be null may also be infinite."""
    may_lack: bool = False
    """Whether the files of early versions lack it."""


def make_arrow_schema(columns: Sequence[TableColumn], *, kind: str) -> pa.Schema:
    """The documented Arrow schema, with version and kind in its metadata."""
    fields = [pa.field(each.name, each.type, metadata={"doc": each.meaning}) for each in columns]
    metadata = {"datacleanse": json.dumps({"kind": kind, "schema_version": SCHEMA_VERSION})}
    return pa.schema(fields, metadata=metadata)
