"""The ledger: what each epoch showed of each row of DATA, one Parquet file an epoch.

A Parquet file has no footer until it is closed, so a run that is killed would leave an open file
unreadable: each epoch is therefore a file of its own, written under another name and renamed.
Where several processes trained, an epoch is a folder, and each of them wrote a file of successive
rows in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.storage.atomic_files import write_aside
from datacleanse.storage.damage import make_damage_error
from datacleanse.storage.mapped_files import release_mapped
from datacleanse.storage.run_tables import check_equal, check_numbered, open_run_table
from datacleanse.storage.schemas import EPOCH_COLUMNS, EPOCH_SCHEMA
from datacleanse.storage.table_column import ROW_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch showed of each row of DATA. NaN stands for null."""

    weight: NDArray[np.float32]
    """(N,) >= 0, mean 1 over each batch, unless all are 0 or the rule has a scale of its own; NaN
    for rows that were not trained on."""
    influence: NDArray[np.float32]
    """(N,) signed; NaN throughout where the rule computes none."""
    loss: NDArray[np.float32]
    """(N,) nats, >= 0."""
    margin: NDArray[np.float32]
    """(N,) logits."""


def write_epoch(path: Path, epoch: int, record: EpochRecord, rows: slice = slice(None)) -> None:
    """Write one closed epoch file; it appears whole or not at all.

    Args:
        path: where to.
        epoch: its number.
        record: of all rows of DATA.
        rows: which ones the file holds.
    """
    first, end, _ = rows.indices(len(record.weight))
    # The audit table, which waits for the disk, will hold the weights of all epochs again. The
    # other columns hardly repeat a value: by dictionaries they take a quarter more room, and four
    # times as long.
    with (
        write_aside(path, outlives_power=False) as aside,
        pq.ParquetWriter(aside, EPOCH_SCHEMA, use_dictionary=["epoch"]) as writer,
    ):
        for start in range(first, end, ROW_GROUP):
            group = _read_epoch_group(epoch, record, start, min(start + ROW_GROUP, end))
            writer.write_table(group, row_group_size=ROW_GROUP)
            release_mapped()


def _read_epoch_group(epoch: int, record: EpochRecord, start: int, end: int) -> pa.Table:
    """The rows of one row group; few enough that copies of them do not matter."""
    columns = [record.weight, record.influence, record.loss, record.margin]
    parts = [pa.array(values[start:end], type=pa.float32(), from_pandas=True) for values in columns]
    n = len(parts[0])
    row = pa.array(np.arange(start, start + n))
    return pa.Table.from_arrays(
        [row, pa.repeat(pa.scalar(epoch, pa.int32()), n), *parts], schema=EPOCH_SCHEMA
    )


def gather_weights(paths: Sequence[Path], n_rows: int) -> Iterator[NDArray[np.float32]]:
    """Yield the weights of all epochs, (E, n), for each successive group of `ROW_GROUP` rows.

    Args:
        paths: the epochs' files or folders, in order; one at least.
        n_rows: rows of DATA.

    Raises:
        RunFolderError: a file is missing or damaged, as a run that was gone on with may have it.
    """
    groups = [
        _join_parts(path, epoch, n_rows) if path.is_dir() else _read_weights(path, epoch, n_rows)
        for epoch, path in enumerate(paths)
    ]
    for start in range(0, n_rows, ROW_GROUP):
        size = min(ROW_GROUP, n_rows - start)
        parts = [next(group, None) for group in groups]
        for path, part in zip(paths, parts, strict=True):
            if part is None or len(part) != size:
                raise make_damage_error(path, "its rows are grouped as those of no ledger")
        yield np.stack([part for part in parts if part is not None])


def list_parts(path: Path) -> list[Path]:
    """The files of an epoch, in the order of their rows: itself, or those in its folder."""
    if not path.is_dir():
        return [path]
    # Numbers have two digits at least: the hundredth is longer, and follows the others.
    return sorted(path.glob("part-*.parquet"), key=lambda part: (len(part.name), part.name))


def _join_parts(path: Path, epoch: int, n_rows: int) -> Iterator[NDArray[np.float32]]:
    """The weights of an epoch in a folder, in groups as those of one file."""
    held = np.empty(0, dtype=np.float32)
    start = 0
    for part in list_parts(path):
        for weights in _read_weights(part, epoch, None, first=start):
            start += len(weights)
            held = np.concatenate([held, weights])
            while len(held) >= ROW_GROUP:
                yield held[:ROW_GROUP]
                held = held[ROW_GROUP:]
    if start != n_rows:
        raise make_damage_error(path, f"its files have {start:,} rows, where {n_rows:,} are DATA's")
    if len(held):
        yield held


def _read_weights(
    path: Path, epoch: int, n_rows: int | None, *, first: int = 0
) -> Iterator[NDArray[np.float32]]:
    """The weights of one file, a row group at a time; its rows count up from ``first``."""
    start = first
    with open_run_table(path, EPOCH_COLUMNS, n_rows=n_rows) as table:
        for group in table.read_groups(["row", "epoch", "weight"]):
            check_numbered(group["row"], "row", first=start, is_in_order=True)
            check_equal(group["epoch"], "epoch", epoch)
            start += group.num_rows
            weights: NDArray[np.float32] = group["weight"].to_numpy()
            yield weights.astype(np.float32, copy=False)


def read_epoch(path: Path, n_rows: int | None) -> pa.Table:
    """All that an epoch's file or folder holds, in the order of rows.

    Args:
        path: the epoch's.
        n_rows: rows of DATA; None: any number.

    Raises:
        RunFolderError: a file is missing or damaged.
    """
    files = list_parts(path)
    parts = []
    for file in files:
        with open_run_table(file, EPOCH_COLUMNS, n_rows=None if path.is_dir() else n_rows) as table:
            parts.append(table.read())
    n_read = sum(part.num_rows for part in parts)
    if n_rows is not None and n_read != n_rows:
        raise make_damage_error(
            path, f"its files have {n_read:,} rows, where {n_rows:,} are DATA's"
        )
    return pa.concat_tables(parts)
