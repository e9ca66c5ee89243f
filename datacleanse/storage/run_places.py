"""Where runs lie, and what else the program leaves beside data: told by names alone."""

from __future__ import annotations

import os
from pathlib import Path

from datacleanse.storage.run_files import MANIFEST_NAME, OWN_NAMES

CHANGES_ENDING = ".diff.csv"
"""What the list of changes has behind the name of the cleaned data beside it."""
DEMO_DATA = "-data"
"""What the folder of the demonstration's data has behind the name of its run."""
DEMO_SETS = ("digits", "test")
"""Names, without an ending, of DATA and TEST of the demonstration."""


def find_run(folder: Path) -> str | None:
    """What makes a folder one of runs, as a path below it; None where it is none.

    It is a run or the demonstration's data itself (``""``), or one of its folders is.
    """
    if _is_run(folder) or is_demo_data(folder):
        return ""
    return next(iter(list_runs(folder)), None)


def find_run_of(path: Path) -> Path | None:
    """The folder of the run that a file or folder is part of; None: of none."""
    own = path.resolve()
    for folder in (own, *own.parents):
        if _is_run(folder):
            parts = own.relative_to(folder).parts
            return folder if not parts or parts[0] in OWN_NAMES else None
    return None


def list_runs(folder: Path) -> list[str]:
    """The names of the runs, and of the demonstration's data, right in a folder; sorted."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if is_folder(entry))
    except (OSError, ValueError):  # may not be looked into, or a name that no file can bear
        return []
    return [name for name in names if _is_run(folder / name) or is_demo_data(folder / name)]


def is_demo_data(folder: Path) -> bool:
    """Whether a folder is the demonstration's data: its pictures, or its tables."""
    if not folder.name.endswith(DEMO_DATA):
        return False
    return any(
        all(_exists(folder / f"{name}{ending}") for name in DEMO_SETS) for ending in ("", ".csv")
    )


def _is_run(folder: Path) -> bool:
    return _exists(folder / MANIFEST_NAME)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder that can be looked into."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - says no where it may not be looked
