"""What is said of the cells of a table that count as missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from datacleanse.data.columns import MISSING_TEXTS, find_distinct, is_text
from datacleanse.data.messages import LISTED, format_count, format_list, quote_value
from datacleanse.records import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from datacleanse.records import Schema


def note_missing(
    table: pa.Table, schema: Schema, counts: Mapping[str, Mapping[str, int]], *, source: str
) -> list[Notice]:
    """One notice on all cells that count as missing by their text; none where there are none.

    Args:
        table: DATA as read.
        schema: DATA's.
        counts: by column and text, the cells that the reader of a CSV found missing.
        source: how messages name DATA.
    """
    by_text: Counter[str] = Counter()
    columns: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, found in (*counts.items(), *_count_in_text(table, schema)):
        for text, count in found.items():
            by_text[text] += count
            columns[text][name] += count
    if not by_text:
        return []
    total = sum(by_text.values())
    kinds = [_describe(text, columns[text]) for text, _ in by_text.most_common()]
    verb = "counts" if total == 1 else "count"
    message = (
        f"{format_count(total, 'cell')} of {source} {verb} as missing: {'; '.join(kinds[:LISTED])}"
        f"{f'; and {len(kinds) - LISTED} more texts' if len(kinds) > LISTED else ''}."
    )
    if any(by_text.keys() - {""}):
        message += (
            " In a CSV, --missing says which texts do, and in --categorical columns only empty "
            "cells do."
        )
    return [Notice("cells-missing", message, cells=total, option="--missing")]


def note_missing_unused(source: str) -> Notice:
    """A warning that the texts said to count as missing are not looked for in DATA."""
    message = (
        f"--missing says which texts count as missing in CSV files; {source} is none, so that no "
        "cell of it counts as missing by its text. To have some counted so, make them null there."
    )
    # In Python those are told that count cells.
    return Notice("missing-unused", message, is_warning=True, cells=0, option="--missing")


def _describe(text: str, columns: Counter[str]) -> str:
    named = [f"'{name}' {count:,}" for name, count in columns.most_common()]
    what = quote_value(text) if text else "empty"
    return f"{what} {columns.total():,} (column {format_list(named)})"


def _count_in_text(table: pa.Table, schema: Schema) -> list[tuple[str, Counter[str]]]:
    """Texts among the numbers and dates of text columns that stand for a missing value there."""
    counts = []
    for column in schema.columns:
        cells = table.column(column.name)
        if column.is_worded or column.kind == "embedding" or not is_text(cells.type):
            continue
        found = find_distinct(cells)
        pairs = zip(found.values.to_pylist(), found.count_rows().tolist(), strict=True)
        missing = Counter({text: n for text, n in pairs if text.strip() in MISSING_TEXTS})
        if missing:
            counts.append((column.name, missing))
    return counts
