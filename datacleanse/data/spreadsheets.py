"""Separated text that people open in a spreadsheet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datacleanse.data.columns import MISSING_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIKE_MISSING = MISSING_TEXTS - {""}
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def defuse_formula(text: str) -> str:
    """Text that no spreadsheet takes for a formula: ``=cmd()`` becomes ``'=cmd()``.

    Plain numbers such as ``-4.1`` stay as they are.
    """
    if text.startswith(_FORMULA_STARTS) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def format_csv_line(cells: Iterable[str]) -> str:
    """One line of CSV (RFC 4180, but ended by a line feed)."""
    # Not by the csv module: with this line end it leaves a lone carriage return unquoted, and
    # readers take that for a new row.
    return ",".join(map(_quote_cell, cells)) + "\n"


def _quote_cell(cell: str) -> str:
    # In quotes, what reads like a missing value is known to be a name; an empty cell is missing.
    if any(character in cell for character in ',"\r\n') or cell in _LIKE_MISSING:
        return '"' + cell.replace('"', '""') + '"'
    return cell
