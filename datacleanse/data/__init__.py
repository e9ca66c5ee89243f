"""Tables in, `Dataset` out: reading, typing and comparing. Nothing here knows about networks."""

from __future__ import annotations

from datacleanse.data.column_values import read_categories, read_moments, read_numbers
from datacleanse.data.compare import compare, compare_with_overlap, compare_labels
from datacleanse.data.identity import fingerprint, read_ids, hash_rows
from datacleanse.data.interface import ReadOptions
from datacleanse.data.portions import split_into_portions
from datacleanse.data.read import Role, Source, read_data, read_like, read_portions
from datacleanse.data.row_seals import digest_features, seal_rows, seal_row
from datacleanse.data.sample import sample_rows, take_rows
from datacleanse.data.write import check_target, write_table, write_tables

__all__ = [
    "ReadOptions",
    "Role",
    "Source",
    "read_categories",
    "check_target",
    "compare",
    "compare_with_overlap",
    "compare_labels",
    "digest_features",
    "fingerprint",
    "read_ids",
    "read_moments",
    "read_numbers",
    "split_into_portions",
    "read_data",
    "read_like",
    "read_portions",
    "hash_rows",
    "seal_rows",
    "seal_row",
    "sample_rows",
    "take_rows",
    "write_table",
    "write_tables",
]
