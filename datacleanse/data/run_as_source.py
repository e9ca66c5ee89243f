"""A run folder, or one of runs, given where data is wanted: none of its tables is the data."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from datacleanse.data.messages import format_list, quote_value
from datacleanse.errors import DatacleanseError, InputError
from datacleanse.given_paths import expand_home
from datacleanse.storage.run_folder import RunFolder
from datacleanse.storage.run_places import DEMO_SETS, is_demo_data, list_runs


def refuse_run(source: object) -> None:
    """Refuse the folder of a run, or of runs; ``source`` is a place or a table in memory.

    Raises:
        InputError: the source is one.
    """
    if not isinstance(source, str | os.PathLike) or "://" in os.fspath(source):
        return
    folder = RunFolder(expand_home(os.fspath(source)))
    _refuse_folder_of_runs(folder.path, os.fspath(source))
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


def _refuse_folder_of_runs(folder: Path, name: str) -> None:
    """Refuse a folder that holds nothing but runs and the demonstration's data."""
    runs = list_runs(folder)
    if not runs:
        return
    seen = {entry for entry in os.listdir(folder) if not entry.startswith(".")}  # noqa: PTH208 - names alone
    if seen != set(runs):
        return
    first = next((run for run in runs if not is_demo_data(folder / run)), None)
    base = name.rstrip("/")
    hint = (
        f"To audit, give the data itself, e.g. {shlex.quote(f'{base}/{runs[0]}/{DEMO_SETS[0]}')}."
    )
    if first is not None:
        report = f"datacleanse report {shlex.quote(f'{base}/{first}')}"
        hint = f"To see a run: `{report}`. To audit, give the table or the folder of pictures."
    raise InputError(
        f"{name} holds runs and no data: {format_list([quote_value(run) for run in runs])}."
        if first is not None
        else f"{name} holds only what the demonstration made: {quote_value(runs[0])}.",
        slug="data-is-run",
        hint=hint,
    )


def _find_data(folder: RunFolder) -> str:
    """The data of the run as it was named; a word for it where that is not known or no file."""
    try:
        source = folder.manifest().data.source
    except DatacleanseError:
        return "DATA"
    return "DATA" if source.startswith("<") else shlex.quote(source)
