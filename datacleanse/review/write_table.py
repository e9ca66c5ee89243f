"""The files that cleaning writes: DATA with the changes made, and beside it what was changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.fs as pafs

from datacleanse.data import check_target, hash_rows, read_like
from datacleanse.data.rewriting import Edits, Rewriting, make_inseparable_error, rewrite
from datacleanse.data.sources import Location, is_same_file, split_suffix, would_be_shard
from datacleanse.data.spreadsheets import defuse_formula, format_csv_line
from datacleanse.errors import DatacleanseError, SettingsError
from datacleanse.review.automatic import AUTO
from datacleanse.storage.atomic_files import check_place, write_aside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.review.cleaning_plan import Cleaning

DIFF_COLUMNS = ("row", "id", "action", "old_label", "new_label", "reviewer", "at")
"""Of the file beside the cleaned data: one line a row that was relabelled or dropped, by row of
DATA. ``new_label`` is empty where the row was dropped."""

_COMPRESSION_SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}


@dataclass(frozen=True)
class CleanedFiles:
    """Where cleaned data goes."""

    cleaned: Path
    diff: Path


def cleaned_files(location: Location, out: Path | None) -> CleanedFiles:
    """The files to write; without a name or without a suffix, those of DATA are taken.

    Args:
        location: where DATA lies.
        out: as asked for.
    """
    suffix, _ = ("", None) if out is None else split_suffix(out.name)
    ending = location.suffix + _COMPRESSION_SUFFIXES.get(location.compression or "", "")
    path = Path("cleaned") if out is None else out
    if not suffix:
        path = path.with_name(path.name + ending)
    suffix, compression = split_suffix(path.name)
    extra = len(_COMPRESSION_SUFFIXES.get(compression or "", ""))
    stem = path.name[: len(path.name) - extra - len(suffix)]
    return CleanedFiles(path, path.with_name(f"{stem}.diff.csv"))


def check_files(files: CleanedFiles, location: Location, *, force: bool) -> None:
    """Refuse, before any work is done, places where nothing may be written.

    Raises:
        SettingsError: a file is DATA itself, by whatever name, or is there and ``force`` is off.
        OutputError: no file can be written there.
    """
    for path in (files.cleaned, files.diff):
        check_target(path, source=location.name)
        if isinstance(location.filesystem, pafs.LocalFileSystem):
            for shard in location.paths:
                check_target(path, source=shard)
        check_place(path)
        if path.exists() and not force:
            raise SettingsError(
                f"{path} exists already.",
                slug="file-exists",
                hint="Choose another name with -o, or replace it with --force.",
            )
    if would_be_shard(location.name, files.cleaned):
        raise SettingsError(
            f"{files.cleaned} would become a part of {location.name}, which is read.",
            slug="output-is-input",
            hint="Choose a place outside that folder with -o.",
        )
    if is_same_file(str(files.cleaned), str(files.diff)):
        raise SettingsError(
            f"{files.diff} is the cleaned data itself.",
            slug="output-is-input",
            hint="Choose another name with -o.",
        )


def check_keeps_bytes(files: CleanedFiles, location: Location) -> None:
    """Refuse to write a table of encoded pictures in any other way than it was read.

    Raises:
        SettingsError: the ending is another one, or the table lies in several files.
    """
    suffix, _ = split_suffix(files.cleaned.name)
    if suffix != location.suffix or location.root is not None:
        raise SettingsError(
            f"{files.cleaned} cannot hold the pictures that {location.name} holds as bytes.",
            slug="format-no-bytes",
            hint=f"Clean one {location.suffix} file into another: give it with --data, and -o "
            f"cleaned{location.suffix}.",
        )


def write_cleaned(cleaning: Cleaning, files: CleanedFiles, *, raw: bool = False) -> None:
    """Write both files, which appear whole or not at all; DATA is only read.

    The cleaned data is read back and compared before it comes to stand there.

    Args:
        cleaning: what is changed.
        files: where to.
        raw: leave what a spreadsheet would take for a formula as it is in the diff. The cleaned
            data is never touched by that.

    Raises:
        InputError: DATA's file cannot be taken apart into its rows.
        OutputError: the system does not let a file be written.
    """
    assert cleaning.location is not None
    changes = cleaning.changes
    edits = Edits(
        {each.row: each.decision.new_label for each in changes if each.decision.new_label},
        frozenset(each.row for each in changes if each.decision.action == "drop"),
    )
    task = Rewriting(
        cleaning.location,
        cleaning.data.table,
        cleaning.data.schema.label,
        cleaning.delimiter,
        edits,
    )
    with write_aside(files.diff) as aside:
        text = "".join(diff_lines(cleaning, raw=raw))
        aside.write_text(text, encoding="utf-8", newline="")
        rewrite(task, files.cleaned, check=_Check(cleaning, edits, files.cleaned))


def describe(cleaning: Cleaning, files: CleanedFiles | None) -> dict[str, Any]:
    """The summary as plain values that JSON can hold; ``files`` is None where none was written."""
    changes, refused = cleaning.changes, cleaning.refused
    return {
        "data": cleaning.data.source,
        "data_changed": cleaning.is_changed,
        "rows": cleaning.data.n_rows,
        "rows_after": cleaning.rows_after,
        "relabelled": cleaning.relabelled,
        "dropped": cleaning.dropped,
        "automatic": sum(change.decision.reviewer == AUTO for change in changes),
        "done": cleaning.done,
        "kept": cleaning.kept,
        "unsure": cleaning.unsure,
        "undecided": cleaning.undecided,
        "refused": [
            {"row": each.decision.row, "id": each.decision.id, "reason": each.reason}
            for each in refused
        ],
        "notices": [asdict(notice) for notice in cleaning.notices],
        "written": files is not None,
        "cleaned": None if files is None else str(files.cleaned),
        "diff": None if files is None else str(files.diff),
    }


def diff_lines(cleaning: Cleaning, *, raw: bool) -> Iterator[str]:
    """The lines of the file of changes, its header first; ``raw`` as in `write_cleaned`."""
    yield format_csv_line(DIFF_COLUMNS)
    for change in cleaning.changes:
        made = change.decision
        cells = [
            made.id,
            made.action,
            change.old_label,
            made.new_label or "",
            made.reviewer,
            made.at,
        ]
        safe = cells if raw else map(defuse_formula, cells)
        yield format_csv_line([str(change.row), *safe])


@dataclass(frozen=True)
class _Check:
    """Compares what was written with what was to be written."""

    cleaning: Cleaning
    edits: Edits
    path: Path

    def __call__(self, written: Path) -> None:
        """See `rewrite`."""
        data = self.cleaning.data
        before = self.cleaning.location
        assert before is not None
        suffix, compression = split_suffix(self.path.name)
        place = Location(
            str(self.path),
            pafs.LocalFileSystem(),
            (str(written.absolute()),),
            None,
            suffix,
            compression,
        )
        delimiter = self.cleaning.delimiter if suffix == before.suffix else None
        try:
            # Pictures in a table have columns that the schema, which is of features, does not name.
            after = read_like(
                place, data.schema, role="NEW", delimiter=delimiter, ignore_extra=True
            )
        except DatacleanseError as error:
            raise make_inseparable_error(
                data.source, f"read back, it fails ({error.message})"
            ) from error
        stays = np.ones(data.n_rows, dtype=bool)
        stays[list(self.edits.dropped)] = False
        expected = data.labels.copy()
        codes = {name: code for code, name in enumerate(data.given_labels)}
        for row, label in self.edits.labels.items():
            expected[row] = codes.get(label, -1)
        if not np.array_equal(after.labels, expected[stays]):
            raise make_inseparable_error(
                data.source, "read back, labels differ from what was asked for"
            )
        if not np.array_equal(hash_rows(after), hash_rows(data)[stays]):
            raise make_inseparable_error(data.source, "read back, rows differ from what was read")
