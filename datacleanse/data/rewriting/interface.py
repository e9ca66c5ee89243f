"""What is to be changed in a table's file, and what carries that out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from datacleanse.data.sources import Location


@dataclass(frozen=True)
class Edits:
    """Changes of rows; all others stay as they are."""

    labels: Mapping[int, str]
    """New label by row (from 0), as the file spells that class."""
    dropped: frozenset[int]
    """Rows to leave out; none of them in ``labels``."""


@dataclass(frozen=True)
class Rewriting:
    """A table's file that is to be written anew with some rows changed."""

    location: Location
    """Where the table lies."""
    table: pa.Table
    """(N rows) as it was read from there."""
    label: str
    """The column whose cells are changed."""
    delimiter: str | None
    """What separates cells of a CSV; None for the format's own."""
    edits: Edits
    missing: tuple[str, ...] | None = None
    """Texts that count as missing in a CSV; None: the usual ones."""


class Rewriter(Protocol):
    """Writes one format into the same one, changing nothing but what is asked for.

    A new one is a file in ``rewriting/`` and a line in its registry.
    """

    @property
    def suffixes(self) -> tuple[str, ...]:
        """File suffixes that are one format, in lower case, without a compression suffix."""

    def rewrite(self, task: Rewriting, sink: pa.NativeFile) -> None:
        """Write the file's content, not compressed around.

        Raises:
            InputError: the file cannot be taken apart into the rows that were read from it.
        """
