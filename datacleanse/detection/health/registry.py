"""All checks of the data beside its labels. A new one is a file beside this one and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.detection.health.copies import Copies
from datacleanse.detection.health.drift import Drift
from datacleanse.detection.health.leaking_columns import LeakingColumns
from datacleanse.detection.health.row_order import RowOrder
from datacleanse.detection.health.shared_rows import SharedRows
from datacleanse.detection.health.small_classes import SmallClasses
from datacleanse.detection.health.unlike_rows import UnlikeRows
from datacleanse.detection.health.useless_columns import UselessColumns

if TYPE_CHECKING:
    from datacleanse.detection.health.interface import Check

CHECKS: tuple[Check, ...] = (
    LeakingColumns(),
    SharedRows(),
    Drift(),
    SmallClasses(),
    UnlikeRows(),
    Copies(),
    RowOrder(),
    UselessColumns(),
)
"""In the order in which findings are told."""
