"""What tells rows and files apart: ids, hashes of feature values, fingerprints of bytes."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from datacleanse.data.columns import (
    find_distinct,
    is_text,
    normalise_text,
    parse_categories,
    parse_moments,
    parse_numbers,
    parse_vectors,
    spell_values,
)
from datacleanse.data.messages import format_count, format_rows, quote_value, suggest_nearest
from datacleanse.data.portions import split_into_portions
from datacleanse.data.readers.frame import Frame, convert_frame
from datacleanse.data.sources import BLOCK, locate
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.data.sources import Location
    from datacleanse.records import Column, Dataset

_ABSENT = np.uint64(0x9E3779B97F4A7C15)
"""Hash of a missing value of any kind."""
_EXACT = 2.0**53


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
            hint=suggest_nearest(
                name, names, otherwise=f"Its columns are {', '.join(names[:20])}."
            ),
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
    found = find_distinct(column)
    if pa.types.is_nested(kind):
        return pa.array(map(str, column.to_pylist()), pa.string())
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


def hash_rows(dataset: Dataset) -> NDArray[np.uint64]:
    """The hash of the feature values of each row, (N,); equal rows of any two formats agree.

    Values are compared by the kind of their column: 1, 1.0 and "1" are the same number, numbers
    with a fraction agree to float32 (which is what some formats keep), and all ways of being
    missing are one. The order of columns does not matter.
    """
    total = np.zeros(dataset.n_rows, np.uint64)
    for rows, part in split_into_portions(dataset):
        for column in dataset.schema.columns:
            digest = hashlib.blake2b(column.name.encode(), digest_size=8).digest()
            key = np.uint64(int.from_bytes(digest, "little"))
            total[rows] += _mix(_hash_cells(part.table.column(column.name), column) ^ key)
    return total


def _hash_cells(cells: pa.ChunkedArray, column: Column) -> NDArray[np.uint64]:
    if column.kind == "categorical":
        codes, names = parse_categories(cells)
        hashes = pd.util.hash_array(np.array(names, dtype=object), categorize=False)
        return np.append(hashes.astype(np.uint64), _ABSENT)[codes]
    if column.kind == "datetime":
        parsed = parse_moments(cells)
        return np.where(parsed.find_missing(), _ABSENT, _mix(parsed.values.view(np.uint64)))
    if column.kind == "embedding":
        vectors = parse_vectors(cells, width=column.width)
        total = np.zeros(len(cells), np.uint64)
        for place in range(column.width):
            total = _mix(total ^ _hash_numbers(vectors[:, place]))
        return total
    return _hash_numbers(parse_numbers(cells, flags=column.kind == "boolean").read_floats())


def _hash_numbers(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32).astype(np.float64)
    is_whole = (values == np.rint(values)) & (np.abs(values) < _EXACT)
    kept = np.where(is_whole | np.isinf(narrow), values, narrow) + 0.0  # -0.0 becomes 0.0
    return np.where(np.isnan(values), _ABSENT, _mix(kept.view(np.uint64)))


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64: every input bit reaches every output bit."""
    mixed = bits + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return result


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
