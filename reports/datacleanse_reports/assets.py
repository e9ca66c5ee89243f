"""Style sheets and scripts of the pages, and the hashes by which their policies know them."""

from __future__ import annotations

import base64
import hashlib


def read_assets(*names: str) -> str:
    """The files one after the other."""
    from importlib.resources import files

    folder = files("datacleanse_reports") / "templates"
    return "".join((folder / name).read_text(encoding="utf-8") for name in names)


def hash_source(source: str) -> str:
    """For a page's content security policy: nothing else on it may run or restyle it."""
    digest = hashlib.sha256(source.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
