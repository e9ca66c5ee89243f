"""What a table reader is, and what may be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from datacleanse.data.sources import Location


PORTION = 65_536
"""Rows of a portion, at most, where a format lets us choose."""


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
        as_number: columns that hold numbers, where a format would guess; they may hold others too.
        expected: columns that the file must have. Where each row names its own, a portion whose
            rows name one of them nowhere gets it as nulls if other rows of the file do.
    """

    as_text: frozenset[str] = frozenset()
    delimiter: str | None = None
    as_number: frozenset[str] = frozenset()
    expected: frozenset[str] = frozenset()


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

    def portions(self, location: Location, *, request: Request) -> Iterator[pa.Table]:
        """The same rows a portion at a time, in memory that does not grow with the file.

        A column's type may differ between portions; what is broken is raised where it is met.
        """
