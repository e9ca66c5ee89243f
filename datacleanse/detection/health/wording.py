"""Words that several findings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacleanse.detection.health.interface import Material

FIRST_ROWS = 20
"""Rows that a finding names."""


def say_part(seen: Material) -> str:
    """That not all rows were looked at, as a further sentence; empty where they were."""
    if not seen.is_part:
        return ""
    return f" {seen.n_data:,} of {seen.n_rows:,} rows were looked at, evenly spaced."
