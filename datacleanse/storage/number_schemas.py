"""The columns of `audit.parquet` where labels are numbers, beside those of `schemas`."""

from __future__ import annotations

import pyarrow as pa

from datacleanse.storage.schemas import AUDIT_COLUMNS
from datacleanse.storage.table_column import TableColumn, make_arrow_schema

NUMBER_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn(
        "predicted", pa.float64(), "what the label is predicted to be without its own label's help"
    ),
    TableColumn("predicted_low", pa.float64(), "90 % of right labels lie above it and below"),
    TableColumn("predicted_high", pa.float64(), "this"),
    TableColumn(
        "slip",
        pa.string(),
        "what made the label wrong, likelier than not, e.g. × 10 or + 300; null: no such slip",
        is_nullable=True,
    ),
)
"""Behind `AUDIT_COLUMNS` where labels are numbers. ``mean_margin`` and ``control_margin`` are mean
residuals there, label minus prediction, in robust deviations of DATA's labels."""

NUMBER_AUDIT_COLUMNS = (*AUDIT_COLUMNS, *NUMBER_COLUMNS)

NUMBER_AUDIT_SCHEMA = make_arrow_schema(NUMBER_AUDIT_COLUMNS, kind="audit")
