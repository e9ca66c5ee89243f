"""The file by which a browser learns the address of a review, which nobody else may."""

from __future__ import annotations

import html
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Review</title>
<p><a href="{address}">Open the review</a></p>
</html>
"""


@contextmanager
def write_entrance(folder: Path, address: str) -> Iterator[str | None]:
    """Write a page that leads to the address and that only this user can read.

    It lies beside what is worked on, because browsers in a box of their own (snap, flatpak) see
    the user's files but neither hidden ones nor the system's folder of temporary files.

    Args:
        folder: where to.
        address: where it leads.

    Yields:
        The page's own address; None where it cannot be written. The page is gone after the block.
    """
    try:
        opened, name = tempfile.mkstemp(prefix="review-", suffix=".html", dir=folder.resolve())
    except OSError:
        yield None
        return
    path = Path(name)
    try:
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            file.write(_PAGE.format(address=html.escape(address)))
        yield path.as_uri()
    finally:
        with suppress(OSError):
            path.unlink()
