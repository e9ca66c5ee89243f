"""The columns of every Parquet file in a run folder, documented beside their types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("place", pa.int32()),
        ("clean_row", pa.int64()),
        ("label", pa.string()),
        ("distance", pa.float32()),
    ]
)
"""DATA's row, 1 for the neighbour shown first, CLEAN's row with its trusted label, distance."""

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

UNREADABLE = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("place", pa.int64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""Of `unreadable.parquet`: ``data``, ``clean`` or ``test``; the position there from 0, counted with
the unreadable ones, which are no rows of `audit.parquet`; what names the picture; why."""
