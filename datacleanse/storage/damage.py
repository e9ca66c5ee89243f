"""What is said of a file of a run that is missing, damaged or not the one that was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.errors import RunFolderError

if TYPE_CHECKING:
    from pathlib import Path

CURE = "Repeat the audit with --force, or copy the run again from where it was made."

LONGEST = 300
"""Signs of what a library says of a file that are passed on."""


def make_damage_error(file: Path, fault: Exception | str) -> RunFolderError:
    """Name a damaged file of a run, and what is wrong with it: the end of ``... is damaged: ``."""
    said = say_on_one_line(fault)
    return RunFolderError(f"{file} is damaged: {said}.", slug="run-damaged", hint=CURE)


def say_on_one_line(fault: Exception | str) -> str:
    """What a library says of a file, in printable signs and not at length."""
    # The readers of formats say it in several lines, some with bytes of the file.
    words = " ".join(str(fault).split()).removesuffix(".") or type(fault).__name__
    said = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in words)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def make_missing_error(file: Path) -> RunFolderError:
    """Name a file that each run has and this one lacks."""
    return RunFolderError(f"{file} is missing.", slug="run-damaged", hint=CURE)
