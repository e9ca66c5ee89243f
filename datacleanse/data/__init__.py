"""Tables in, `Dataset` out: reading, typing and comparing. Nothing here knows about networks."""

from __future__ import annotations

from datacleanse.data.column_values import categories, moments, numbers
from datacleanse.data.compare import compare, compare_by, compare_labels
from datacleanse.data.identity import fingerprint, ids, row_hashes
from datacleanse.data.interface import ReadOptions
from datacleanse.data.portions import portions
from datacleanse.data.read import Role, Source, read_data, read_like, read_portions
from datacleanse.data.row_seals import features_digests, row_seals, row_sha256
from datacleanse.data.sample import sample_rows, some_rows
from datacleanse.data.write import check_target, write_table, write_tables

__all__ = [
    "ReadOptions",
    "Role",
    "Source",
    "categories",
    "check_target",
    "compare",
    "compare_by",
    "compare_labels",
    "features_digests",
    "fingerprint",
    "ids",
    "moments",
    "numbers",
    "portions",
    "read_data",
    "read_like",
    "read_portions",
    "row_hashes",
    "row_seals",
    "row_sha256",
    "sample_rows",
    "some_rows",
    "write_table",
    "write_tables",
]
