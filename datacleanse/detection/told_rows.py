"""The part of DATA that tells how common something is in each class, beside rows to be told of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.sampling import draw_spread
from datacleanse.storage.mapped_tables import take_parked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.records import Column, Dataset


@dataclass(frozen=True)
class ToldRows:
    """Some rows of DATA, with the columns that are looked at."""

    part: Dataset
    """The n rows: the sample and those that are asked for."""
    sample: NDArray[np.int64]
    """(S,) positions in DATA of the sample."""
    at: NDArray[np.int64]
    """(S,) where the sample stands in ``part``."""
    asked: NDArray[np.int64]
    """(K,) where the rows that are asked for stand there."""


def take_told_rows(
    data: Dataset, rows: NDArray[np.int64], columns: Sequence[Column], size: int
) -> ToldRows:
    """Take a sample, spread over DATA, and the rows that are asked for.

    Args:
        data: DATA, its N rows.
        rows: (K,) ascending, those that are asked for.
        columns: to be read.
        size: rows of the sample, at most.
    """
    sample = draw_spread(data.n_rows, size)
    taken = np.union1d(sample, rows)
    table = take_parked(data.table.select([each.name for each in columns]), taken)
    part = replace(data, table=table, labels=data.labels[taken])
    return ToldRows(part, sample, np.searchsorted(taken, sample), np.searchsorted(taken, rows))
