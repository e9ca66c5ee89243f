"""What a table reader is, and what may be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from datacleanse.data.sources import Location


@dataclass(frozen=True)
class ReadOptions:
    """What a person says about the columns of DATA.

    Attributes:
        label: the label column; None looks for one of the usual names.
        id: the column that names rows; None knows rows by their number.
        drop: columns to leave out of the features.
        categorical: columns whose values are names, whatever they look like.
        numeric: columns whose values are numbers; other values count as missing.
        delimiter: what separates cells of a CSV; None takes ``,`` (a tab for .tsv).
    """

    label: str | None = None
    id: str | None = None
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    delimiter: str | None = None


@dataclass(frozen=True)
class Request:
    """What a reader must know to read a file.

    Attributes:
        as_text: columns whose cells stay as written (``007`` is not 7), where a format would guess.
            Names that the file lacks are ignored.
        delimiter: what separates cells of a CSV; None for the format's own.
    """

    as_text: frozenset[str] = frozenset()
    delimiter: str | None = None


class TableReader(Protocol):
    """Reads one format. A new one is a file in ``readers/`` and a line in its registry."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """File suffixes in lower case, with the dot, without a compression suffix."""

    @property
    def compressible(self) -> bool:
        """Whether the format is also read with ``.gz`` or ``.zst`` behind its suffix."""

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read all rows and columns in the file's order; raise InputError for what is broken."""
