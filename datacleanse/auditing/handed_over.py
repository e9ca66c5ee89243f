"""What a caller in Python handed over to be audited, so that results fit it row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from datacleanse.data.readers.frame import name_columns
from datacleanse.storage.schemas import AUDIT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.data import Source

_AUDIT_NAMES = frozenset(column.name for column in AUDIT_COLUMNS)


@dataclass(frozen=True)
class HandedOver:
    """DATA as it was handed over."""

    source: Source
    """A path, or a table in memory, which is held and not copied."""
    index: pd.Index[Any] | None = None
    """(N,) of the data frame when it was audited; None: the source was none."""
    in_index: frozenset[str] = frozenset()
    """Columns of DATA that are levels of that index, by the same name."""
    dtype: Any = None
    """pandas' type of the label column; None: the source was no data frame, or that is in its
    index."""

    def name_rows(self, unread: Sequence[int]) -> pd.Index[Any] | None:
        """What the caller calls the rows of the audit table; None: nothing but their numbers.

        Args:
            unread: rows of DATA that the audit table lacks, since their pictures are unreadable.
        """
        if self.index is None or not unread:
            return self.index
        return self.index.delete(list(unread))


def take_over(source: Source, label: str) -> HandedOver:
    """Remember of a source what results need to fit it.

    Args:
        source: as it is held.
        label: name of the label column.
    """
    if not isinstance(source, pd.DataFrame):
        return HandedOver(source)
    names = name_columns(source)
    dtype = source.iloc[:, names.index(label)].dtype if label in names else None
    index = drop_ambiguous_names(source.index)
    levels = {str(name) for name in index.names if name is not None and name not in source.columns}
    return HandedOver(source, index, frozenset(levels), dtype)


def drop_ambiguous_names(index: pd.Index[Any]) -> pd.Index[Any]:
    """The index without names that the audit table has for columns, such as ``id``.

    pandas cannot sort or group by a name that both have.
    """
    names = [None if name in _AUDIT_NAMES else name for name in index.names]
    return index if names == list(index.names) else index.set_names(names)
