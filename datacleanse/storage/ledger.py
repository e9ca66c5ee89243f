"""The ledger: what each epoch showed of each row of DATA, one Parquet file an epoch.

A Parquet file has no footer until it is closed, so a run that is killed would leave an open file
unreadable: each epoch is therefore a file of its own, written under another name and renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.storage.atomic_files import write_aside
from datacleanse.storage.schemas import EPOCH_SCHEMA, ROW_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch showed of each row of DATA. NaN stands for null."""

    weight: NDArray[np.float32]
    """(N,) >= 0, mean 1 over each batch; NaN for rows that were not trained on."""
    influence: NDArray[np.float32]
    """(N,) signed; NaN throughout where the rule computes none."""
    loss: NDArray[np.float32]
    """(N,) nats, >= 0."""
    margin: NDArray[np.float32]
    """(N,) logits."""


def write_epoch(path: Path, epoch: int, record: EpochRecord) -> None:
    """Write one closed epoch file; it appears whole or not at all."""
    # The audit table, which waits for the disk, will hold the weights of all epochs again.
    with (
        write_aside(path, outlives_power=False) as aside,
        pq.ParquetWriter(aside, EPOCH_SCHEMA) as writer,
    ):
        for start in range(0, len(record.weight), ROW_GROUP):
            writer.write_table(_epoch_group(epoch, record, start), row_group_size=ROW_GROUP)


def _epoch_group(epoch: int, record: EpochRecord, start: int) -> pa.Table:
    """The rows of one row group; few enough that copies of them do not matter."""
    columns = [record.weight, record.influence, record.loss, record.margin]
    parts = [
        pa.array(values[start : start + ROW_GROUP], type=pa.float32(), from_pandas=True)
        for values in columns
    ]
    n = len(parts[0])
    row = pa.array(np.arange(start, start + n))
    return pa.Table.from_arrays(
        [row, pa.repeat(pa.scalar(epoch, pa.int32()), n), *parts], schema=EPOCH_SCHEMA
    )


def weights_by_epoch(paths: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
    """Yield the weights of all epochs, (E, n), for each successive group of `ROW_GROUP` rows."""
    files = [pq.ParquetFile(path) for path in paths]
    try:
        for group in range(files[0].num_row_groups):
            yield np.stack(
                [
                    file.read_row_group(group, columns=["weight"])
                    .column("weight")
                    .to_numpy()
                    .astype(np.float32, copy=False)
                    for file in files
                ]
            )
    finally:
        for file in files:
            file.close()
