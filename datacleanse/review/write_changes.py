"""What the writers of cleaned data share: the places, and the list of changes beside the data."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from datacleanse.data.number_labels import spell_as_written
from datacleanse.data.rewriting import Edits
from datacleanse.data.sources import split_suffix
from datacleanse.data.spreadsheets import defuse_formula, format_csv_line
from datacleanse.storage.atomic_files import write_aside
from datacleanse.storage.run_places import CHANGES_ENDING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from datacleanse.records import Convention, Notice
    from datacleanse.review.cleaning_plan import Change, Cleaning

DIFF_COLUMNS = ("row", "id", "action", "old_label", "new_label", "reviewer", "at", "comment")
"""Of the file beside the cleaned data: one line a row that was relabelled or dropped, by row of
DATA. ``new_label`` is empty where the row was dropped."""

COMPRESSION_SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}
"""Ending of a file's name by its codec."""


@dataclass(frozen=True)
class CleanedFiles:
    """Where cleaned data goes."""

    cleaned: Path
    """The cleaned data: a file, or a folder of class folders."""
    diff: Path
    """The list of changes, CSV with the columns `DIFF_COLUMNS`."""


class CleanedOutput(Protocol):
    """One way to write cleaned data."""

    @property
    def files(self) -> CleanedFiles:
        """Where it goes."""

    def check(self, *, force: bool) -> None:
        """Refuse, before any work is done, places where nothing may be written.

        Raises:
            SettingsError: a place is DATA's own, by whatever name, or is taken and ``force`` is
                off.
            OutputError: no file can be written there.
        """

    def note_losses(self, cleaning: Cleaning) -> tuple[Notice, ...]:
        """Name what stays by the decisions, but cannot be put there; nothing is written."""

    def write(self, cleaning: Cleaning, *, raw: bool = False) -> None:
        """Write both files, which appear whole or not at all; DATA is only read.

        Args:
            cleaning: what is changed.
            raw: leave what a spreadsheet would take for a formula as it is in the list of changes.
                The cleaned data is never touched by that.

        Raises:
            InputError: DATA cannot be written again with these changes.
            OutputError: the system does not let a file be written.
        """


def name_files(cleaned: Path) -> CleanedFiles:
    """Name the list of changes after the cleaned data, whose ending it does without."""
    suffix, compression = split_suffix(cleaned.name)
    ending = suffix + COMPRESSION_SUFFIXES.get(compression or "", "") if suffix else ""
    stem = cleaned.name[: len(cleaned.name) - len(ending)]
    return CleanedFiles(cleaned, cleaned.with_name(f"{stem}{CHANGES_ENDING}"))


@contextmanager
def write_diff_around(cleaning: Cleaning, diff: Path, *, raw: bool) -> Iterator[Edits]:
    """Write the list of changes aside; it comes to stand if the block, which gets them, succeeds.

    Raises:
        OutputError: the system does not let it be written.
    """
    with write_aside(diff) as aside:
        text = "".join(format_diff(cleaning, raw=raw))
        aside.write_text(text, encoding="utf-8", newline="")
        yield make_edits(cleaning.changes, cleaning.data.schema.label_convention)


def make_edits(changes: Sequence[Change], convention: Convention | None = None) -> Edits:
    """The new label by row, and the rows to drop; ``convention``: how DATA writes its numbers."""
    labels = {each.row: each.decision.new_label for each in changes if each.decision.new_label}
    return Edits(
        {row: spell_as_written(label, convention) for row, label in labels.items()},
        frozenset(each.row for each in changes if each.decision.action == "drop"),
    )


def format_diff(cleaning: Cleaning, *, raw: bool) -> Iterator[str]:
    """The lines of the list of changes, its header first; ``raw`` as in `CleanedOutput.write`."""
    yield format_csv_line(DIFF_COLUMNS)
    for change in cleaning.changes:
        made = change.decision
        cells = [
            str(made.row) if made.id is None else made.id,
            made.action,
            change.old_label,
            made.new_label or "",
            made.reviewer,
            made.at,
            made.comment,
        ]
        safe = cells if raw else map(defuse_formula, cells)
        yield format_csv_line([str(change.row), *safe])
