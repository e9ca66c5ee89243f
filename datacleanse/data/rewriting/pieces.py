"""Many small pieces of a file, written in few goes."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_TOGETHER = 4096
"""Pieces joined before they are written: each write costs as much as many of them."""


def write_pieces(sink: pa.NativeFile, pieces: Iterator[bytes]) -> None:
    """Write all pieces in order, many of them at a time."""
    while some := list(islice(pieces, _TOGETHER)):
        sink.write(b"".join(some))
