"""Tables in, `Dataset` out: reading, typing and comparing. Nothing here knows about networks."""

from __future__ import annotations

from datacleanse.data.features import categories, moments, numbers
from datacleanse.data.identity import fingerprint, ids, row_hashes
from datacleanse.data.interface import ReadOptions
from datacleanse.data.read import Role, Source, read_data, read_like

__all__ = [
    "ReadOptions",
    "Role",
    "Source",
    "categories",
    "fingerprint",
    "ids",
    "moments",
    "numbers",
    "read_data",
    "read_like",
    "row_hashes",
]
