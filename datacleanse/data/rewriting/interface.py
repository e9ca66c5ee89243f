"""What is to be changed in a table's file, and what carries that out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from datacleanse.data.sources import Location

_TOGETHER = 4096
"""Pieces joined before they are written: each write costs as much as many of them."""


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


def make_inseparable_error(name: str, why: str) -> InputError:
    """The error for the file ``name``; ``why`` is a sentence part."""
    return InputError(
        f"{name} cannot be written again row by row: {why}.",
        slug="rows-not-separable",
        hint="Give an output of another format, e.g. -o cleaned.parquet, which is written from the "
        "values that were read.",
    )


def write_pieces(sink: pa.NativeFile, pieces: Iterator[bytes]) -> None:
    """Write all pieces in order, many of them at a time."""
    while some := list(islice(pieces, _TOGETHER)):
        sink.write(b"".join(some))
