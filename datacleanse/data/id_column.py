"""The column that names the rows of DATA, where nobody says which it is.

It is one that no network reads because it names things. It has a value in each row, none of them
twice. A column that merely counts rows tells no more than their number, so it is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.column_kinds import is_frame_index
from datacleanse.data.column_verdict import has_id_name
from datacleanse.data.columns import MISSING_TEXTS, is_text
from datacleanse.data.identity import check_ids, spell_ids
from datacleanse.records import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.records import Schema, SetAside

_COUNTS_ROWS = re.compile(r"index|row([_ ]?(id|num|number))?|unnamed: ?\d+|", re.IGNORECASE)
"""Names of columns that hold the number of a row in some table."""
_LONGEST = 100
"""Characters of a text that names a row, unless its column has the name of an id."""


def find_id_column(table: pa.Table, set_aside: Sequence[SetAside]) -> str | None:
    """The column that names the rows; None where none plainly does.

    Args:
        table: DATA, N rows.
        set_aside: its columns that no network reads, and why.
    """
    able = [
        each.name
        for each in set_aside
        if each.kind == "identifier" and _names_rows(each.name, table.column(each.name))
    ]
    # The name of an id tells more than values that are all different.
    return next(iter(sorted(able, key=lambda name: not has_id_name(name))), None)


def _names_rows(name: str, cells: pa.ChunkedArray) -> bool:
    if is_frame_index(name) or _COUNTS_ROWS.fullmatch(name.strip()):
        return False
    if not is_text(cells.type) and not pa.types.is_integer(cells.type):
        return False
    if not has_id_name(name) and not _look_like_ids(cells):
        return False
    return not find_unnamed(cells) and pc.count_distinct(spell_ids(cells)).as_py() == len(cells)


def _look_like_ids(cells: pa.ChunkedArray) -> bool:
    """Whether each cell is one word with a letter in it: no number or date, and no sentence."""
    if not is_text(cells.type):
        return False
    texts = spell_ids(cells)
    return all(
        pc.all(each).as_py()
        for each in (
            pc.match_substring_regex(texts, r"\pL"),
            pc.invert(pc.match_substring_regex(texts, r"\s|\d[.,]\d")),
            pc.less_equal(pc.utf8_length(texts), _LONGEST),
        )
    )


def find_unnamed(cells: pa.ChunkedArray) -> list[int]:
    """The rows in which an id column holds nothing, or a text that stands for a missing value."""
    texts = pc.utf8_trim_whitespace(spell_ids(cells))
    missing = pa.array(sorted(MISSING_TEXTS | {""}), pa.string())
    found: list[int] = pc.indices_nonzero(pc.is_in(texts, value_set=missing)).to_pylist()
    return sorted(found + pc.indices_nonzero(pc.is_null(texts)).to_pylist())


def note_id_found(name: str, source: str) -> Notice:
    """Say which column names the rows, and what overrules that."""
    message = (
        f"Column '{name}' of {source} is taken as the id, since every row has another value there. "
        "--id COL takes another column, --no-id none."
    )
    return Notice("id-found", message, column=name, option="--no-id")


def check_row_names(
    table: pa.Table, schema: Schema, *, source: str, is_new: bool, first_row: int = 0
) -> list[Notice]:
    """Refuse an id column that a person named and that cannot name the rows of another file.

    Of one that was found, a notice tells where new rows lack an id; CLEAN is matched without it.

    Args:
        table: of the other file, or a portion of it from ``first_row`` on.
        schema: DATA's.
        source: how messages name the file.
        is_new: whether it holds rows to be classified.
        first_row: number of the portion's first row in the file.

    Raises:
        InputError: values are missing in a column that a person named.
    """
    if not schema.id_is_found:
        check_ids(table, schema.id, source=source, unique=False, first_row=first_row)
        return []
    if not is_new or schema.id not in table.column_names:
        return []
    if not spell_ids(table.column(schema.id)).null_count:
        return []
    # Without numbers, so that many portions of one file say it once.
    message = f"{source}: rows without a value in column '{schema.id}' have no id."
    return [Notice("id-missing", message, is_warning=True, column=schema.id)]
