"""Port and token of a review, kept so that a server that is started again takes the open tab back.

The file is for this user alone. A run folder may come from somebody else, who would know a token
that came along: so a file counts only if it names its own place on this disk, which no copy and no
archive can bring with it.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from datacleanse_cli.review_server import make_token

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
_LARGEST = 4096
"""Bytes of a file that is looked at."""
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class KeptAddress:
    """Where a review was served."""

    port: int
    """Of 127.0.0.1; 0: none is known."""
    token: str
    """What each request had to bear."""


def recall_address(file: Path) -> KeptAddress:
    """Recall where the review of a run was served last; a new token and no port where none counts.

    Args:
        file: what `keep_address` wrote, if anything.
    """
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        handle = os.open(file, os.O_RDONLY | _NO_LINK | _NO_WAIT)
        with os.fdopen(handle, "rb") as opened:
            about = os.fstat(handle)
            said = json.loads(opened.read(_LARGEST)) if _is_private(about) else {}
        port, token = said["port"], said["token"]
        is_own = said["place"] == _name_place(about)
        if is_own and type(port) is int and 0 < port < 1 << 16 and _TOKEN.fullmatch(token):
            return KeptAddress(port, token)
    return KeptAddress(0, make_token())


def keep_address(file: Path, address: KeptAddress) -> None:
    """Keep where the review of a run is served, readable by this user alone.

    Where nothing can be written, as on a medium that is only read, nothing is kept.
    """
    aside: str | None = None
    with suppress(OSError):
        handle, aside = tempfile.mkstemp(prefix=file.name, dir=file.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            place = _name_place(os.fstat(handle))
            json.dump({"port": address.port, "token": address.token, "place": place}, opened)
        Path(aside).replace(file)
        aside = None
    if aside is not None:
        with suppress(OSError):
            Path(aside).unlink()


def _is_private(about: os.stat_result) -> bool:
    """Whether it is a file that nobody but this user can read or could have written."""
    if os.name == "nt":
        return stat.S_ISREG(about.st_mode)
    is_closed = not about.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid() and is_closed


def _name_place(about: os.stat_result) -> str:
    return f"{about.st_dev:x}:{about.st_ino:x}"
