"""What tells rows and files apart: ids, hashes of feature values, fingerprints of bytes."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from datacleanse.data.column_values import list_missing_texts
from datacleanse.data.columns import (
    find_distinct,
    is_list,
    is_text,
    normalise_text,
    parse_categories,
    parse_numbers,
    parse_vectors,
    spell_values,
)
from datacleanse.data.conventions import rewrite_plainly
from datacleanse.data.exact_moments import hash_moments
from datacleanse.data.exact_numbers import hash_cells_as_numbers, hash_floats, mix
from datacleanse.data.messages import format_count, format_rows, quote_value, suggest_column
from datacleanse.data.portions import split_into_portions
from datacleanse.data.readers.frame import Frame, convert_frame
from datacleanse.data.sources import BLOCK, locate
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from datacleanse.data.sources import Location
    from datacleanse.records import Column, Dataset

_ABSENT = np.uint64(0x9E3779B97F4A7C15)
"""Hash of a missing value of any kind."""


def check_ids(
    table: pa.Table, name: str | None, *, source: str, unique: bool, first_row: int = 0
) -> None:
    """Refuse an id column that cannot name rows; an absent one is refused only if ``unique``.

    Raises:
        InputError: the column is not there, lacks values or (``unique``) repeats one.
    """
    if name is None:
        return
    if name not in table.column_names:
        if not unique:
            return
        names = table.column_names
        raise InputError(
            f"{source} has no column '{name}' for the id.",
            slug="id-column-missing",
            hint=suggest_column(name, names),
        )
    cells = spell_ids(table.column(name))
    missing = np.flatnonzero(cells.is_null().to_numpy(zero_copy_only=False))
    if len(missing):
        raise InputError(
            f"{source}: the id (column '{name}') is missing in "
            f"{format_count(len(missing), 'row')}: "
            f"{format_rows([int(row) + first_row for row in missing[:5]], total=len(missing))}.",
            slug="id-missing",
            hint="Fill it in, or leave --id out to know rows by their number.",
        )
    if unique:
        _check_unique(cells, name=name, source=source)


def _check_unique(cells: pa.Array, *, name: str, source: str) -> None:
    found = find_distinct(pa.chunked_array([cells]))
    if len(found.values) == len(cells):
        return
    counts = found.count_rows()
    first = int(np.argmax(counts > 1))
    rows = [int(row) for row in np.flatnonzero(found.codes == first)]
    others = int((counts > 1).sum()) - 1
    more = f"; {format_count(others, 'more id')} repeated too" if others else ""
    raise InputError(
        f"{source}: the id {quote_value(found.values[first].as_py())} (column '{name}') stands in "
        f"more than one row: {format_rows(rows)}{more}.",
        slug="id-duplicate",
        hint="Make ids unique, or leave --id out to know rows by their number.",
    )


def spell_ids(column: pa.ChunkedArray) -> pa.Array:
    """The ids as strings (N,); whole floats without their ``.0``, so that files agree."""
    kind = column.type
    if is_text(kind) or pa.types.is_integer(kind):
        flat = column.cast(pa.string())
        return flat.combine_chunks() if isinstance(flat, pa.ChunkedArray) else flat
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    if pa.types.is_nested(kind):
        cells = column.to_pylist()
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())
    found = find_distinct(column)
    names = [None if text == "nan" else normalise_text(text) for text in spell_values(found.values)]
    codes = pa.array(found.codes, mask=found.codes < 0)
    return pa.array(names, pa.string()).take(codes)


def read_ids(dataset: Dataset) -> pa.Array:
    """What names each row, (N,) strings: the id column's value, or else the row's number."""
    name = dataset.schema.id
    if name is None or name not in dataset.table.column_names:
        first = dataset.first_row
        return pa.array(np.arange(first, first + dataset.n_rows)).cast(pa.string())
    return spell_ids(dataset.table.column(name))


def hash_rows(
    dataset: Dataset, *, narrow: Mapping[str, np.dtype[np.floating]] | None = None
) -> NDArray[np.uint64]:
    """The hash of the feature values of each row, (N,); equal rows of any two formats agree.

    Values are compared by the kind of their column: 1, 1.0 and "1" are the same number, and all
    ways of being missing are one. Nothing is rounded: every digit of a number and of a moment
    counts, and what cannot be read as the kind counts as it stands. The order of columns does not
    matter.

    Args:
        dataset: whose feature columns are read.
        narrow: columns whose numbers are compared after rounding to a narrower type, since another
            file that they are held against knows no more of them: see `find_narrow_columns`.
    """
    narrow = narrow or {}
    total = np.zeros(dataset.n_rows, np.uint64)
    for rows, part in split_into_portions(dataset):
        for column in dataset.schema.columns:
            digest = hashlib.blake2b(column.name.encode(), digest_size=8).digest()
            key = np.uint64(int.from_bytes(digest, "little"))
            cells = part.table.column(column.name)
            missing = list_missing_texts(dataset.schema, column)
            total[rows] += mix(_hash_cells(cells, column, narrow.get(column.name), missing) ^ key)
    return total


def hash_texts(texts: pa.Array) -> NDArray[np.uint64]:
    """The hash of each text, (N,); all missing ones have one."""
    values = texts.fill_null("").to_numpy(zero_copy_only=False).astype(object)
    hashes = pd.util.hash_array(values, categorize=False).astype(np.uint64)
    return np.where(texts.is_valid().to_numpy(zero_copy_only=False), hashes, _ABSENT)


def find_narrow_columns(*datasets: Dataset) -> dict[str, np.dtype[np.floating]]:
    """The feature columns that one of the data sets holds as float16 or float32, and as which.

    Of a number that was rounded so in one file, another file's digits beyond say nothing.
    """
    narrow: dict[str, np.dtype[np.floating]] = {}
    for dataset in datasets:
        for column in dataset.schema.columns:
            kind = dataset.table.schema.field(column.name).type
            kind = kind.value_type if is_list(kind) or pa.types.is_dictionary(kind) else kind
            if pa.types.is_float16(kind) or (
                column.name not in narrow and pa.types.is_float32(kind)
            ):
                narrow[column.name] = np.dtype(kind.to_pandas_dtype())
    return narrow


def _hash_cells(
    cells: pa.ChunkedArray,
    column: Column,
    narrow: np.dtype[np.floating] | None,
    missing: frozenset[str],
) -> NDArray[np.uint64]:
    cells = rewrite_plainly(cells, column)
    if column.is_worded:
        codes, names = parse_categories(cells, missing)
        hashes = pd.util.hash_array(np.array(names, dtype=object), categorize=False)
        return np.append(hashes.astype(np.uint64), _ABSENT)[codes]
    if column.kind == "datetime":
        return hash_moments(cells, _ABSENT)
    if column.kind == "embedding":
        return _hash_vectors(cells, column.width, narrow)
    if narrow is not None:
        values = parse_numbers(cells, flags=column.kind == "boolean").read_floats()
        return hash_floats(_narrow(values, narrow), _ABSENT)
    return hash_cells_as_numbers(cells, _ABSENT, flags=column.kind == "boolean")


def _hash_vectors(
    cells: pa.ChunkedArray, width: int, narrow: np.dtype[np.floating] | None
) -> NDArray[np.uint64]:
    kind = cells.type
    if is_list(kind) and not pa.types.is_floating(kind.value_type) and narrow is None:
        items = np.full((len(cells), width), _ABSENT)
        rows = np.flatnonzero(cells.is_valid().to_numpy())
        flat = pa.chunked_array([chunk.drop_null().flatten() for chunk in cells.chunks])
        items[rows] = hash_cells_as_numbers(flat, _ABSENT, flags=False).reshape(-1, width)
    else:
        vectors = parse_vectors(cells, width=width)
        items = hash_floats(vectors if narrow is None else _narrow(vectors, narrow), _ABSENT)
    total = np.zeros(len(cells), np.uint64)
    for place in range(width):
        total = mix(total ^ items[:, place])
    return total


def _narrow(values: NDArray[np.float64], kind: np.dtype[np.floating]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return values.astype(kind).astype(np.float64)


def fingerprint(source: str | os.PathLike[str] | Frame) -> str:
    """The sha256 (hex) of a file's bytes, of shards' digests or of a frame's Arrow stream."""
    if not isinstance(source, str | os.PathLike):
        return _digest_table(convert_frame(source))
    location = locate(source)
    digests = [_digest_file(location, path) for path in location.paths]
    if location.root is None:
        return digests[0].hex()
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _digest_file(location: Location, path: str) -> bytes:
    digest = hashlib.sha256()
    with location.filesystem.open_input_stream(path, compression=None) as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.digest()


class _DigestSink:
    """A file to write to that keeps nothing but the digest."""

    closed = False

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Add bytes to the digest and return how many they are."""
        self.digest.update(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing, since nothing is buffered."""

    def close(self) -> None:
        """Do nothing, since nothing is held open."""


def _digest_table(table: pa.Table) -> str:
    sink = _DigestSink()
    table = table.replace_schema_metadata(None)
    with pa.PythonFile(sink, mode="w") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return sink.digest.hexdigest()
