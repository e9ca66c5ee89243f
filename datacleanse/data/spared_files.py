"""Files that a command writes over in no case: what the run it works with was made of."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from datacleanse.data.sources import is_same_file
from datacleanse.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from datacleanse.storage.manifest.numbers import AnyManifest


def refuse_inputs(path: Path, manifest: AnyManifest, *, by_content: bool = True) -> None:
    """Refuse a place where what the run was made of lies, by name or by content.

    Args:
        path: where something is to be written.
        manifest: of the run.
        by_content: whether a file under another name counts, too, if it has the same bytes.

    Raises:
        SettingsError: DATA, CLEAN, TEST or decisions lie there.
    """
    # Of `os.path`, which says no where it may not be looked.
    if not os.path.isfile(path):  # noqa: PTH113
        return
    digest = None
    for role, source, sha256 in _list_inputs(manifest):
        if digest is None and by_content:
            digest = _digest(path)
        is_alike = by_content and sha256 is not None and sha256 == digest
        if is_alike or is_same_file(source, str(path)):
            raise SettingsError(
                f"{path} is {role} of the run, and is not written over.",
                slug="output-is-input",
                hint="Choose another name with -o.",
            )


def _list_inputs(manifest: AnyManifest) -> Iterator[tuple[str, str, str | None]]:
    """What each is, its name and its digest, where it is one file that has one."""
    clean = manifest.clean
    named = {"DATA": manifest.data, "CLEAN": clean, "TEST": manifest.test}
    for role, each in named.items():
        if each is not None:
            yield role, each.source, each.sha256
    if clean is not None:
        yield from (("CLEAN", source, None) for source in clean.sources)
    if manifest.reviewed is not None:
        yield from (("decisions", source, None) for source in manifest.reviewed.sources)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
