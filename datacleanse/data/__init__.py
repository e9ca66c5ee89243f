"""Tables in, `Dataset` out: reading, typing and comparing. Nothing here knows about networks."""

from __future__ import annotations

from datacleanse.data.column_values import read_categories, read_moments, read_numbers, read_texts
from datacleanse.data.compare import compare, compare_labels, compare_with_overlap
from datacleanse.data.identity import find_narrow_columns, fingerprint, hash_rows, read_ids
from datacleanse.data.interface import ReadOptions
from datacleanse.data.new_values import KnownValues, NewValues, note_unknown_names
from datacleanse.data.portions import split_into_portions
from datacleanse.data.raw_table import Source, hold_source
from datacleanse.data.read import (
    AllowedValues,
    Role,
    read_data,
    read_like,
    read_new_rows,
    read_portions,
)
from datacleanse.data.row_seals import (
    digest_features,
    is_content_hash,
    is_known_by_content,
    make_seal,
    seal_row,
    seal_rows,
)
from datacleanse.data.sample import DrawnRows, draw_rows, sample_rows, take_rows
from datacleanse.data.spared_files import refuse_inputs
from datacleanse.data.write import check_target, write_table, write_tables

__all__ = [
    "AllowedValues",
    "DrawnRows",
    "KnownValues",
    "NewValues",
    "ReadOptions",
    "Role",
    "Source",
    "check_target",
    "compare",
    "compare_labels",
    "compare_with_overlap",
    "digest_features",
    "draw_rows",
    "find_narrow_columns",
    "fingerprint",
    "hash_rows",
    "hold_source",
    "is_content_hash",
    "is_known_by_content",
    "make_seal",
    "note_unknown_names",
    "read_categories",
    "read_data",
    "read_ids",
    "read_like",
    "read_moments",
    "read_new_rows",
    "read_numbers",
    "read_portions",
    "read_texts",
    "refuse_inputs",
    "sample_rows",
    "seal_row",
    "seal_rows",
    "split_into_portions",
    "take_rows",
    "write_table",
    "write_tables",
]
