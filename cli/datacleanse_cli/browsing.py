"""How a page that is served comes into a browser, and whose work it then is."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from datacleanse_cli.printing import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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

    from datacleanse_cli.entrance import write_entrance

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
