"""The columns of every Parquet file in a run folder, documented beside their types.

Each file carries them: its schema's metadata have its kind and version, each field's its ``doc``.
What is kept of suspects alone stands in `suspect_schemas`.
Only `suspects.parquet` has no schema of its own: its columns are DATA's, behind a first ``row``.
"""

from __future__ import annotations

import pyarrow as pa

from datacleanse.storage.table_column import TableColumn, make_arrow_schema

EPOCH_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("row", pa.int64(), "position in DATA, from 0", least=0),
    TableColumn("epoch", pa.int32(), "training epoch, from 0", least=0),
    TableColumn(
        "weight",
        pa.float32(),
        "learned weight, 1 = what plain training gives each row; null: not trained on",
        least=0,
        is_nullable=True,
    ),
    TableColumn(
        "influence",
        pa.float32(),
        "signed meta-gradient before clipping; null: not trained on, or the rule has none",
        is_nullable=True,
    ),
    TableColumn(
        "loss",
        pa.float32(),
        "cross-entropy of the given label in nats, before the step; of rows that are not trained "
        "on, at the epoch's end. Where labels are numbers, half the squared residual",
        least=0,
        is_nullable=True,
    ),
    TableColumn(
        "margin",
        pa.float32(),
        "logit of the given label minus the best other logit, at the same moment; where labels are "
        "numbers, the residual: label minus prediction, in robust deviations of DATA's labels",
        is_nullable=True,
    ),
)

AUDIT_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("row", pa.int64(), "position in DATA, from 0", least=0),
    TableColumn(
        "id",
        pa.string(),
        "the value of the id column, named by --id or found; or the path of a picture; where there "
        "is neither, what a data frame's index calls the row, or the row number",
        is_nullable=True,
    ),
    TableColumn(
        "given_label",
        pa.string(),
        "label as found; a class that is spelled in several ways bears its first spelling",
    ),
    TableColumn(
        "suggested_label",
        pa.string(),
        "likeliest true label where it is another one, CLEAN's where CLEAN proves the given one "
        "wrong; else null",
        is_nullable=True,
    ),
    TableColumn(
        "suspicion",
        pa.float64(),
        "ranking score, higher = more likely mislabelled; no ties. In [0, 1], the probability of "
        "being wrong whatever is verified; less 1 where a verified label proves the given one "
        "wrong, less 2 where it proves it right",
    ),
    TableColumn("rank", pa.int64(), "1 = most suspicious; verified rows stand last", least=1),
    TableColumn(
        "mislabel_probability",
        pa.float64(),
        "estimated probability that the label is wrong, in [0, 1]; 1 or 0 where a verified label "
        "proves it. Calibrated by verified rows where at least 10 of them can (run.json: "
        "flags.calibration_rows, noise.basis), else the suspicion",
        least=0,
        most=1,
        is_nullable=True,
    ),
    TableColumn(
        "p_value",
        pa.float64(),
        "conformal p-value of 'this label is right'; null: the row is verified, or was not trained "
        "on, or fewer than 10 right rows calibrate, or CLEAN leaves out the class of the label",
        least=0,
        most=1,
        is_nullable=True,
    ),
    TableColumn(
        "flagged",
        pa.bool_(),
        "the row, verified by nobody, is on the list for --fdr. What the list is worth stands in "
        "run.json, flags.basis: controlled (the expected share of false alarms is at most --fdr), "
        "calibrated (at most --fdr by probabilities that verified rows of DATA calibrate), "
        "estimated (about --fdr by the probabilities, no promise) or none (no list)",
    ),
    TableColumn(
        "mean_weight",
        pa.float64(),
        "mean learned weight over epochs, 1 = plain training's; null: not trained on",
        least=0,
        is_nullable=True,
    ),
    TableColumn(
        "zero_weight_share",
        pa.float64(),
        "share of epochs in which the weight was 0; null: not trained on",
        least=0,
        most=1,
        is_nullable=True,
    ),
    TableColumn(
        "mean_influence",
        pa.float64(),
        "mean signed meta-gradient over epochs, before clipping; null: not trained on, or the rule "
        "has none",
        is_nullable=True,
    ),
    TableColumn(
        "mean_margin",
        pa.float64(),
        "mean margin over epochs in the run's own training (reweighted, unless --rule uniform)",
        is_nullable=True,
    ),
    TableColumn(
        "mean_loss",
        pa.float64(),
        "mean loss over epochs in the run's own training, in nats",
        least=0,
        is_nullable=True,
    ),
    TableColumn(
        "weight_by_epoch",
        pa.list_(pa.float32()),
        "the learned weight in each epoch; nulls: not trained on",
        is_nullable=True,
    ),
    TableColumn(
        "flag_stability",
        pa.float64(),
        "share of the repeated runs (--repeats) in which the row is flagged; null: there are none",
        least=0,
        most=1,
        is_nullable=True,
    ),
    TableColumn(
        "control_margin",
        pa.float64(),
        "mean margin over epochs under plain, uniform training",
        is_nullable=True,
    ),
    TableColumn(
        "in_training",
        pa.bool_(),
        "False: the row was not trained on by the run's own network, as its verified label steers, "
        "or as several rows match it in CLEAN, or as a reviewer decided about it (--decisions): "
        "kept and relabelled rows count among CLEAN's, dropped ones nowhere, and have no "
        "verified_label",
    ),
    TableColumn(
        "verified_label",
        pa.string(),
        "the label that CLEAN, or a reviewer's decision (--decisions), gives this very row; null: "
        "none does, or several rows of CLEAN and DATA match each other",
        is_nullable=True,
    ),
    TableColumn(
        "false_at_most",
        pa.int64(),
        "with 90 % confidence at most so many of the unverified rows from rank 1 down to this one "
        "have a right label; null: verified, beyond the first 20,000 rows, or no verified rows of "
        "DATA calibrate",
        least=0,
        is_nullable=True,
        may_lack=True,
    ),
    TableColumn(
        "final_weight",
        pa.float64(),
        "how much the row counts in the exported model, the one that counts most 1; of a verified "
        "row, how much its verified label does",
        least=0,
        most=1,
        is_nullable=True,
        may_lack=True,
    ),
    TableColumn(
        "verdict",
        pa.string(),
        "likely wrong: another class is twice as likely as any other, or a verified label proves "
        "it; ambiguous: the likeliest class is less than twice as likely as the next; unlike the "
        "rest: the row is far from all others, so that no class is clear; fine: the given label is "
        "clear",
        is_nullable=True,
        may_lack=True,
    ),
    TableColumn(
        "unlike_p_value",
        pa.float64(),
        "conformal p-value of 'the row is as like DATA as the rows of CLEAN are'; null: fewer than "
        "20 rows of CLEAN, or the row was not looked at",
        least=0,
        most=1,
        is_nullable=True,
        may_lack=True,
    ),
    TableColumn(
        "copy_group",
        pa.int64(),
        "number of the group of rows that repeat each other, from 0; null: the row is in none, or "
        "repeated rows are not told (run.json: health)",
        least=0,
        is_nullable=True,
        may_lack=True,
    ),
    TableColumn(
        "row_sha256",
        pa.string(),
        "sha256 (hex) of the row's cells and given label, by which a decision knows the row again: "
        "of the hex sha256 of all cells but the label (for each column, in the order of the names' "
        "code points: name and value as netstrings, ~ for a missing value; equal numbers, moments "
        "and truths are spelled alike) followed by the label's netstring; null beyond the stored "
        "suspects and the verified rows",
        is_nullable=True,
        may_lack=True,
    ),
)

CONFLICTS_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn(
        "group",
        pa.int64(),
        "number of a group of equal rows with more than one label, from 0, by the "
        "rank of its most suspicious row",
        least=0,
    ),
    TableColumn(
        "group_rows",
        pa.int64(),
        "how many rows the group has, those that are not told here too",
        least=2,
    ),
    TableColumn("row", pa.int64(), "position in DATA, from 0", least=0),
    TableColumn("rank", pa.int64(), "the row's rank, 1 = most suspicious", least=1),
    TableColumn("label", pa.string(), "the row's given label"),
)

CALIBRATION_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn(
        "row", pa.int64(), "position in CLEAN, from 0; rows of --decisions stand last", least=0
    ),
    TableColumn(
        "part",
        pa.string(),
        "steering: it steers; calibration: it calibrates, and steers in the other fold where there "
        "are two; held back: models are compared on it; reviewed: it steers in every fold",
    ),
    TableColumn(
        "score", pa.float64(), "its suspicion where it calibrates; null: nowhere", is_nullable=True
    ),
    TableColumn(
        "data_row",
        pa.int64(),
        "the row of DATA that it is, from 0; null: it is none, or not known to be one",
        least=0,
        is_nullable=True,
        may_lack=True,
    ),
    TableColumn(
        "is_wrong",
        pa.bool_(),
        "whether its given label is another one than the verified; null: it is no row of DATA",
        is_nullable=True,
        may_lack=True,
    ),
    TableColumn(
        "given_label",
        pa.string(),
        "the label it was judged by: DATA's, or the one before it was corrected; null: likewise",
        is_nullable=True,
        may_lack=True,
    ),
)

DUPLICATES_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn(
        "group",
        pa.int64(),
        "number of a group of pictures that show the same, from 0; groups with more than one label "
        "come first",
        least=0,
    ),
    TableColumn("row", pa.int64(), "position in DATA, from 0", least=0),
    TableColumn("id", pa.string(), "what names the picture"),
    TableColumn("given_label", pa.string(), "label as found"),
    TableColumn(
        "match",
        pa.string(),
        "exact where another picture of the group has the same bytes, else near",
    ),
    TableColumn("conflicting", pa.bool_(), "whether the group has more than one label"),
)

UNREADABLE_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("source", pa.string(), "data, clean or test"),
    TableColumn(
        "place",
        pa.int64(),
        "position there, from 0, counted with the unreadable pictures, which are no rows of "
        "audit.parquet",
        least=0,
    ),
    TableColumn("id", pa.string(), "what names the picture", is_nullable=True),
    TableColumn("reason", pa.string(), "why it was left out"),
)


SUSPECTS_ROW = TableColumn(
    "row", pa.int64(), "position of a stored suspect in DATA, from 0", least=0
)
"""The first column of `suspects.parquet`; named otherwise where DATA has a column of its name."""

CLEAN_ROW = TableColumn("clean_row", pa.int64(), "position in CLEAN, from 0", least=0)
"""The first column of `clean_rows.parquet`; named otherwise where CLEAN has one of its name."""


EPOCH_SCHEMA = make_arrow_schema(EPOCH_COLUMNS, kind="epoch")

AUDIT_SCHEMA = make_arrow_schema(AUDIT_COLUMNS, kind="audit")

CONFLICTS_SCHEMA = make_arrow_schema(CONFLICTS_COLUMNS, kind="conflicts")
"""Its metadata have ``groups`` and ``rows`` too, the numbers of all, and ``by``: ``values`` or
``pictures``."""

CALIBRATION_SCHEMA = make_arrow_schema(CALIBRATION_COLUMNS, kind="calibration")

DUPLICATES_SCHEMA = make_arrow_schema(DUPLICATES_COLUMNS, kind="duplicates")

UNREADABLE_SCHEMA = make_arrow_schema(UNREADABLE_COLUMNS, kind="unreadable")
