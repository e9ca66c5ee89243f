"""A run folder given where data is wanted: it holds Parquet files, and none of them is the data."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from datacleanse.errors import DatacleanseError, InputError
from datacleanse.storage.run_folder import RunFolder


def refuse_run(source: object) -> None:
    """Refuse the folder of a run; ``source`` is a place or a table in memory.

    Raises:
        InputError: the source is one.
    """
    if not isinstance(source, str | os.PathLike) or "://" in os.fspath(source):
        return
    folder = RunFolder(Path(source).expanduser())
    try:
        is_run = folder.manifest_file.is_file() and (
            folder.audit_file.is_file() or folder.has_checkpoint()
        )
    except (OSError, ValueError):  # may not be looked into, or a name that no file can bear
        return
    if not is_run:
        return
    name = os.fspath(source)
    place = shlex.quote(name)
    raise InputError(
        f"{name} is the folder of a run: what an audit found, and not the data that it read.",
        slug="data-is-run",
        hint=f"To see it: `datacleanse report {place}`. To decide on its suspects: `datacleanse "
        f"review {place}`. To audit the data again: `datacleanse audit {_find_data(folder)}`.",
    )


def _find_data(folder: RunFolder) -> str:
    """The data of the run as it was named; a word for it where that is not known or no file."""
    try:
        source = folder.manifest().data.source
    except DatacleanseError:
        return "DATA"
    return "DATA" if source.startswith("<") else shlex.quote(source)
