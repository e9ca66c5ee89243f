"""Cells of the user's tables as text, and which of them to show first."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from datacleanse.storage.run_folder import RunFolder

SHOWN_FIRST = 6
"""Cells of a suspect that are shown before anybody asks for more."""

_EMPTY_FRACTION = re.compile(r"\.0+(?=$|[Z+-])")
_TRAILING_ZEROS = re.compile(r"(\.\d*?[1-9])0+(?=$|[Z+-])")


def spell_column(column: pa.ChunkedArray, field: pa.Field | None = None) -> list[str | None]:
    """Every cell of a column as a person would have typed it; None where it is missing or empty.

    Args:
        column: the cells.
        field: of the table they stand in; it may be marked to give back how they are spelled.
    """
    import pyarrow as pa

    from datacleanse.data.spelled_rows import SPELLED_MARK

    kind = column.type
    if field is not None and field.metadata and SPELLED_MARK.items() <= field.metadata.items():
        return [None if value is None else str(value) or None for value in column.to_pylist()]
    if pa.types.is_dictionary(kind):
        return spell_column(column.cast(kind.value_type))
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return [_shorten_time(text) for text in column.cast(pa.string()).to_pylist()]
    if pa.types.is_floating(kind):
        # Arrow knows the shortest spelling of a float32; Python would widen it first.
        texts = column.cast(pa.string()).to_pylist()
        return [None if text in (None, "nan") else text.removesuffix(".0") for text in texts]
    return [_spell(value) for value in column.to_pylist()]


def _shorten_time(text: str | None) -> str | None:
    if text is None:
        return None
    return _TRAILING_ZEROS.sub(r"\1", _EMPTY_FRACTION.sub("", text))


def _spell(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def choose_cells(
    cells: Sequence[str | None], places: Mapping[str, int], wanted: Sequence[str]
) -> tuple[int, ...]:
    """Places of the cells to show first, `SHOWN_FIRST` at most.

    Args:
        cells: of a row.
        places: where the columns stand that may be shown, by name, those for people first.
        wanted: columns that tell most, most telling first.
    """
    ordered = [places[name] for name in dict.fromkeys((*wanted, *places)) if name in places]
    # What a cell has told already, another one need not tell: "No internet service", six times.
    seen: set[str | None] = set()
    first, again = list[int](), list[int]()
    for place in ordered:
        (again if cells[place] in seen else first).append(place)
        seen.add(cells[place])
    return tuple([*first, *again][:SHOWN_FIRST])


def read_clean_cells(
    folder: RunFolder, n_clean: int, columns: Sequence[str]
) -> dict[int, tuple[str | None, ...]]:
    """Cells of the verified rows that are kept, by row of CLEAN, in the order of ``columns``.

    Of a column that CLEAN lacks they are missing.
    """
    table = folder.read_clean_rows(n_clean) if columns else None
    if table is None:
        return {}
    texts: dict[tuple[str, int], list[str | None]] = {}
    met: Counter[str] = Counter()
    for number, name in enumerate(table.column_names):
        if number:
            texts[name, met[name]] = spell_column(table.column(number), table.field(number))
            met[name] += 1
    nothing: list[str | None] = [None] * table.num_rows
    wanted: Counter[str] = Counter()
    lists = []
    for name in columns:
        lists.append(texts.get((name, wanted[name]), nothing))
        wanted[name] += 1
    rows = table.column(0).to_pylist()
    return {row: tuple(text[i] for text in lists) for i, row in enumerate(rows)}


def is_same_cell(one: str | None, other: str | None) -> bool:
    """Whether two cells say the same, however they spell numbers and truths."""
    if not one or not other:
        return not one and not other
    if one == other or one.casefold() == other.casefold():
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return False
