"""What cleaning pictures writes: a manifest, or a tree of class folders; never the originals."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data import check_target, write_table
from datacleanse.data.rewriting import Edits
from datacleanse.data.rewriting.cells import apply_edits
from datacleanse.data.sources import split_suffix
from datacleanse.errors import InputError, SettingsError
from datacleanse.pictures.forms.class_folders import ClassFolders
from datacleanse.pictures.sample import tabulate_sample
from datacleanse.pictures.stores import FileStore
from datacleanse.review.write_table import CleanedFiles, diff_lines
from datacleanse.storage.atomic_files import check_place, make_unwritable_error, write_aside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.pictures.interface import Listing
    from datacleanse.review.cleaning_plan import Cleaning


def cleaned_picture_files(out: Path | None) -> CleanedFiles:
    """The places to write to: a manifest, or a folder where the name has no ending."""
    path = Path("cleaned.csv") if out is None else out
    suffix, _ = split_suffix(path.name)
    stem = path.name.partition(suffix)[0] if suffix else path.name
    return CleanedFiles(path, path.with_name(f"{stem}.diff.csv"))


def is_tree(path: Path) -> bool:
    """Whether a folder of class folders is asked for, not a manifest."""
    return not split_suffix(path.name)[0]


def check_picture_files(files: CleanedFiles, listing: Listing, *, force: bool) -> None:
    """Refuse, before any work is done, places where nothing may be written.

    Raises:
        SettingsError: something is there, or the place lies among the pictures themselves.
        OutputError: no file can be written there.
    """
    path = files.cleaned
    if not is_tree(path):
        check_target(path, source=listing.source)
    check_place(files.diff)
    if path.exists() and (is_tree(path) or not force):
        more = "." if is_tree(path) else ", or replace it with --force."
        raise SettingsError(
            f"{path} exists already.",
            slug="file-exists",
            hint=f"Choose another name with -o{more}",
        )
    source = Path(listing.source)
    if is_tree(path) and source.is_dir() and path.resolve().is_relative_to(source.resolve()):
        raise SettingsError(
            f"{path} would lie among the pictures of {listing.source}, which are read.",
            slug="output-is-input",
            hint="Choose a place outside that folder with -o.",
        )


def write_cleaned_pictures(
    cleaning: Cleaning, files: CleanedFiles, *, raw: bool = False, link: bool = False
) -> None:
    """Write the pictures' new labels, and beside it what was changed; all appears whole or not.

    Args:
        cleaning: what is changed.
        files: where to.
        raw: as `write_cleaned`.
        link: fill a tree with symbolic links to the originals instead of copies.

    Raises:
        InputError: a label cannot name a folder, or an original has gone.
        OutputError: the system does not let a file be written.
    """
    listing = cleaning.listing
    assert listing is not None
    changes = cleaning.changes
    edits = Edits(
        {each.row: each.decision.new_label for each in changes if each.decision.new_label},
        frozenset(each.row for each in changes if each.decision.action == "drop"),
    )
    with write_aside(files.diff) as aside:
        text = "".join(diff_lines(cleaning, raw=raw))
        aside.write_text(text, encoding="utf-8", newline="")
        if is_tree(files.cleaned):
            _write_tree(listing, edits, files.cleaned, link=link)
        else:
            rows = np.arange(len(listing.store))
            table = tabulate_sample(listing, rows, files.cleaned)
            write_table(apply_edits(table, edits, label=listing.label or ""), files.cleaned)


def _write_tree(listing: Listing, edits: Edits, place: Path, *, link: bool) -> None:
    """Class folders of copies or links, made aside and renamed."""
    with _made_aside(place) as aside:
        taken: set[Path] = set()
        for row, original, label, name in _entries(listing, edits):
            target = aside / label / name
            if target in taken:
                target = target.with_name(f"{target.stem}-{row}{target.suffix}")
            taken.add(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            if link:
                target.symlink_to(original.absolute())
            else:
                shutil.copy2(original, target)


def _entries(listing: Listing, edits: Edits) -> Iterator[tuple[int, Path, str, PurePosixPath]]:
    """Row, original, new label and name below the label's folder of the pictures that stay."""
    store = listing.store
    assert isinstance(store, FileStore)
    assert listing.label is not None
    labels = listing.table.column(listing.label).to_pylist()
    names = listing.table.column(listing.path).to_pylist()
    is_by_class = listing.form == ClassFolders.name
    for row, original in enumerate(store.paths):
        if row in edits.dropped or not isinstance(original, str) or not Path(original).is_file():
            continue
        label = str(edits.labels.get(row, labels[row]))
        _check_folder(label, row)
        parts = PurePosixPath(names[row]).parts
        # Below a class folder pictures may lie deeper; elsewhere paths say nothing of the class.
        yield row, Path(original), label, PurePosixPath(*(parts[1:] if is_by_class else parts[-1:]))


def _check_folder(label: str, row: int) -> None:
    if label in ("", ".", "..") or "/" in label or os.sep in label or "\0" in label:
        raise InputError(
            f"The label {label!r} of row {row} cannot name a folder.",
            slug="label-no-folder",
            hint="Write a manifest instead, e.g. -o cleaned.csv.",
        )


@contextmanager
def _made_aside(place: Path) -> Iterator[Path]:
    """Give a folder to fill; rename it on success, remove it on failure."""
    aside = place.with_name(f".{place.name}.part")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        yield aside
        aside.replace(place)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if isinstance(error, OSError):
            raise make_unwritable_error(place, error) from error
        raise
