"""What a column of text tells of its own convention, and why that may not suffice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.messages import quote_value

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MOSTLY = 0.9
"""Share of the values present that must read as numbers (or dates) for the column to be such."""
FEW_MARKERS = 5
"""Distinct texts that may be markers of missing values among numbers; more are codes."""


@dataclass(frozen=True)
class Evidence:
    """The distinct texts of a column that stand for a value."""

    values: pa.Array
    """(V,) large or plain strings."""
    counts: NDArray[np.int64]
    """(V,) rows with each."""

    def is_tolerable(self, failed: NDArray[np.bool_]) -> bool:
        """Whether so few texts fail, (V,), that they may be markers of missing values."""
        return (
            int(failed.sum()) <= FEW_MARKERS
            and int(self.counts[~failed].sum()) >= MOSTLY * self.counts.sum()
        )

    def quote_first(self, flags: NDArray[np.bool_]) -> str:
        """The first text where ``flags``, (V,), holds, as messages quote it; empty without any."""
        return quote_value(self.values[int(np.argmax(flags))].as_py()) if flags.any() else ""


@dataclass(frozen=True)
class Doubt:
    """Why a column that seems to hold numbers or dates is not read as such."""

    what: str
    """What it seems to hold, a part of a sentence: ``numbers such as '1,234', with ...``."""
    cure: str
    """What settles it, a sentence."""
    option: str | None = None
    """The options among which one is to be chosen, where one settles it."""
