"""Whether a folder may be replaced by cleaned pictures: it must be such a folder, and ours.

A folder that is replaced is gone with all that lies in it. So ``--force`` asks for two things that
no folder of a person's own has both: the list of changes beside it, which `apply` writes with it,
and nothing in it but pictures in the folders of their classes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.data.spreadsheets import format_csv_line
from datacleanse.errors import SettingsError
from datacleanse.pictures.forms.folders import is_picture
from datacleanse.review.write_changes import DIFF_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datacleanse.review.write_changes import CleanedFiles

_LEFT_BY_SYSTEMS = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
"""Files, in lower case, that file managers leave wherever somebody looks."""


def check_replaceable(files: CleanedFiles, read: Sequence[Path]) -> None:
    """Refuse to replace a folder that `apply` did not write, or that holds what is read.

    Args:
        files: the folder, which exists, and the list of changes beside it.
        read: DATA, and all its pictures.

    Raises:
        SettingsError: it is no such folder; the message says why.
    """
    why = _find_obstacle(files) or _find_source_below(files.cleaned, read)
    if why is not None:
        raise SettingsError(
            f"{files.cleaned} is not replaced: {why}.",
            slug="folder-not-ours",
            hint="Choose another name with -o, or remove that folder yourself.",
        )


def _find_obstacle(files: CleanedFiles) -> str | None:
    if files.cleaned.is_symlink():
        return "it is a link"
    if not files.cleaned.is_dir():
        return "it is no folder"
    if not any(files.cleaned.iterdir()):
        return None
    if not _is_list_of_changes(files.diff):
        return (
            f"no list of changes, {files.diff.name}, lies beside it, so that it was not written by "
            "datacleanse apply"
        )
    odd = next(_iterate_odd(files.cleaned), None)
    if odd is not None:
        return f"{str(odd.relative_to(files.cleaned))!r} in it is no picture in a class's folder"
    return None


def _is_list_of_changes(path: Path) -> bool:
    with suppress(OSError, UnicodeDecodeError), path.open(encoding="utf-8", newline="") as file:
        return file.readline().rstrip("\r\n") == format_csv_line(DIFF_COLUMNS).rstrip("\r\n")
    return False


def _iterate_odd(root: Path) -> Iterator[Path]:
    """What `apply` would not have put there; links are not followed."""
    for place, folders, names in os.walk(root):
        here = Path(place)
        for name in folders:
            if name.startswith(".") or (here / name).is_symlink():
                yield here / name
        for name in names:
            is_ours = here != root and is_picture(name) and not name.startswith(".")
            if not is_ours and name.lower() not in _LEFT_BY_SYSTEMS:
                yield here / name


def _find_source_below(folder: Path, read: Sequence[Path]) -> str | None:
    """Where the folder holds what is read: it must not go. Links are looked at themselves, too."""
    real = os.path.realpath(folder)
    for path in read:
        for place in (os.path.abspath(path), os.path.realpath(path)):  # noqa: PTH100 - keeps links
            with suppress(ValueError):  # another drive
                if os.path.commonpath([place, real]) == real:
                    return f"it holds {path}, which is read"
    return None
