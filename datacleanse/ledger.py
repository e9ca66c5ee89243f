"""The ledger (one Parquet file an epoch) and the audit table made from it.

A Parquet file has no footer until it is closed, so a run that is killed would leave an open file
unreadable: each epoch is therefore a file of its own, written under another name and renamed.

The column documentation below is stored in the files' metadata and is what the docs are made from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.atomic import written_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SCHEMA_VERSION = 1
"""Of the audit table and of the epoch files.

1: first version.
"""

ROW_GROUP = 65_536
"""Rows of a Parquet row group in both kinds of file, so that they can be read in step."""

Documented = tuple[str, pa.DataType, str]

EPOCH_COLUMNS: tuple[Documented, ...] = (
    ("row", pa.int64(), "position in DATA, from 0"),
    ("epoch", pa.int32(), "training epoch, from 0"),
    ("weight", pa.float32(), "learned weight, 1 = plain training's; null: not trained on"),
    ("influence", pa.float32(), "signed meta-gradient before clipping; null: the rule has none"),
    ("loss", pa.float32(), "cross-entropy of the given label before the step, in nats"),
    ("margin", pa.float32(), "logit of the given label minus the best other logit"),
)

AUDIT_COLUMNS: tuple[Documented, ...] = (
    ("row", pa.int64(), "position in DATA, from 0"),
    ("id", pa.string(), "the id column's value, else the row number"),
    ("given_label", pa.string(), "label as found"),
    ("suggested_label", pa.string(), "likeliest label when it is another one, else null"),
    ("suspicion", pa.float64(), "ranking score, higher = more likely mislabelled; no ties"),
    ("rank", pa.int64(), "1 = most suspicious"),
    ("mislabel_probability", pa.float64(), "calibrated estimate in [0, 1]; null: no basis for one"),
    ("p_value", pa.float64(), "conformal p-value of 'this label is right'; null: none possible"),
    ("flagged", pa.bool_(), "in the list whose expected share of false alarms is at most --fdr"),
    ("mean_weight", pa.float64(), "mean learned weight over epochs, 1 = plain training's"),
    ("zero_weight_share", pa.float64(), "share of epochs in which the weight was 0"),
    ("mean_influence", pa.float64(), "mean signed meta-gradient over epochs, before clipping"),
    ("mean_margin", pa.float64(), "mean margin over epochs under the reweighted model"),
    ("mean_loss", pa.float64(), "mean loss over epochs under the reweighted model, in nats"),
    ("weight_by_epoch", pa.list_(pa.float32()), "the learned weight in each epoch"),
    (
        "flag_stability",
        pa.float64(),
        "share of the repeated runs (--repeats) in which the row is flagged; null: there are none",
    ),
    ("control_margin", pa.float64(), "mean margin over epochs under plain, uniform training"),
    ("in_training", pa.bool_(), "False: the row stands in CLEAN too and was not trained on"),
    ("verified_label", pa.string(), "the label that CLEAN gives this very row, else null"),
    (
        "row_sha256",
        pa.string(),
        "sha256 (hex) of the row's cells and given label, by which a decision knows the row again: "
        "of the hex sha256 of all cells but the label (for each column, in the order of the names' "
        "code points: name and value as netstrings, ~ for a missing value; equal numbers, moments "
        "and truths are spelled alike) followed by the label's netstring; null beyond the stored "
        "suspects",
    ),
)


def arrow_schema(columns: Sequence[Documented], *, kind: str) -> pa.Schema:
    """The documented Arrow schema, with version and kind in its metadata."""
    fields = [pa.field(name, type_, metadata={"doc": doc}) for name, type_, doc in columns]
    metadata = {"datacleanse": json.dumps({"kind": kind, "schema_version": SCHEMA_VERSION})}
    return pa.schema(fields, metadata=metadata)


EPOCH_SCHEMA = arrow_schema(EPOCH_COLUMNS, kind="epoch")
AUDIT_SCHEMA = arrow_schema(AUDIT_COLUMNS, kind="audit")


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
        written_aside(path, outlives_power=False) as aside,
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


def write_audit(
    path: Path, columns: Callable[[slice], dict[str, pa.Array]], epochs: Sequence[Path]
) -> None:
    """Write the audit table, a row group at a time so that many rows need little memory.

    Args:
        path: where to.
        columns: given a slice of rows, every column of `AUDIT_COLUMNS` but ``weight_by_epoch``.
        epochs: the epoch files in order; their weights become ``weight_by_epoch``.
    """
    with written_aside(path) as aside, pq.ParquetWriter(aside, AUDIT_SCHEMA) as writer:
        start = 0
        for weights in weights_by_epoch(epochs):
            rows = slice(start, start + weights.shape[1])
            group = {**columns(rows), "weight_by_epoch": _as_lists(weights)}
            writer.write_table(
                pa.Table.from_arrays([group[f.name] for f in AUDIT_SCHEMA], schema=AUDIT_SCHEMA),
                row_group_size=ROW_GROUP,
            )
            start = rows.stop


def _as_lists(weights: NDArray[np.float32]) -> pa.Array:
    """(E, n) to n lists of E; the weights of rows that were not trained on are null."""
    n_epochs, n_rows = weights.shape
    offsets = pa.array(np.arange(n_rows + 1, dtype=np.int32) * n_epochs)
    values = pa.array(np.ascontiguousarray(weights.T).ravel(), from_pandas=True)
    return pa.ListArray.from_arrays(offsets, values)
