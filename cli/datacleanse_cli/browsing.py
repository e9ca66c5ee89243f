"""How a page that is served comes into a browser, and whose work it then is."""

from __future__ import annotations

import getpass
import html
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from datacleanse_cli.printing import say

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
def open_browser(folder: Path, address: str, *, wanted: bool) -> Iterator[None]:
    """Have the browser open the address; within the block the way there is open.

    Every user of a machine can read the arguments of its programs. So the browser is not handed the
    address, which holds the token, but a file of this user's that leads to it.
    """
    if not wanted:
        yield
        return
    import webbrowser

    with write_entrance(folder, address) as entrance:
        if entrance is None:
            say("The browser was not opened, since no file can be written: open the address above.")
        else:
            # In a thread of its own: a browser in the terminal would keep the server from
            # answering it.
            Thread(target=webbrowser.open, args=(entrance,), daemon=True).start()
        yield


def find_user_name() -> str:
    """Find the name of this user; empty where the system does not know it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user that the system does not know by name
        return ""


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
