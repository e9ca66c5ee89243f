"""Cleaned pictures: a manifest, or a tree of class folders; never the originals."""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data import check_target
from datacleanse.data.messages import format_count, format_list, quote_value
from datacleanse.data.rewriting.cells import edit_spelled
from datacleanse.data.sources import split_suffix
from datacleanse.data.write_spelled import write_spelled
from datacleanse.errors import InputError, SettingsError
from datacleanse.pictures.forms.class_folders import ClassFolders
from datacleanse.pictures.forms.folders import is_passed_over, is_picture, walk
from datacleanse.pictures.sample import spell_sample
from datacleanse.pictures.stores import FileStore
from datacleanse.records import Notice
from datacleanse.review.replaced_tree import check_replaceable
from datacleanse.review.write_changes import (
    CleanedFiles,
    make_edits,
    name_files,
    write_diff_around,
)
from datacleanse.storage.atomic_files import check_free, check_place, write_folder_aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datacleanse.data.rewriting import Edits
    from datacleanse.pictures.interface import Listing
    from datacleanse.review.cleaning_plan import Cleaning


_AS_MANIFEST = "Write a manifest instead, e.g. -o cleaned.csv."
ENDINGS = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"RIFF": ".webp",
}
"""Ending of a picture by the signature that it begins with."""
_LONGEST_SIGNATURE = max(map(len, ENDINGS))
_LONGEST_NAME = 255
"""Bytes; what most systems take."""


@dataclass(frozen=True)
class PictureOutput:
    """A manifest of the cleaned pictures, or a folder of them; see `CleanedOutput`."""

    files: CleanedFiles
    listing: Listing
    """DATA's pictures, which lie in files."""
    link: bool = False
    """Whether a folder is filled with symbolic links instead of copies."""

    def check(self, *, force: bool) -> None:
        """Refuse a place that is taken, or among the pictures; only `apply`'s folder may go."""
        path, source = self.files.cleaned, Path(self.listing.source)
        if not is_tree(path):
            check_target(path, source=self.listing.source)
        check_place(self.files.diff)
        check_free(path, force=force)
        if is_tree(path) and source.is_dir() and path.resolve().is_relative_to(source.resolve()):
            raise SettingsError(
                f"{path} would lie among the pictures of {self.listing.source}, which are read.",
                slug="output-is-input",
                hint="Choose a place outside that folder with -o.",
            )
        if is_tree(path) and path.exists():
            check_replaceable(self.files, [source, *list_originals(self.listing)])

    def note_losses(self, cleaning: Cleaning) -> tuple[Notice, ...]:
        """Name the pictures that a folder cannot hold, since they have no file."""
        if not is_tree(self.files.cleaned):
            return ()
        return note_absent_pictures(self.listing, make_edits(cleaning.changes))

    def write(self, cleaning: Cleaning, *, raw: bool = False) -> None:
        """Write pictures and list of changes; a label that cannot name a folder is refused."""
        path = self.files.cleaned
        with write_diff_around(cleaning, self.files.diff, raw=raw) as edits:
            if is_tree(path):
                if path.exists():  # it was looked at before the work began
                    check_replaceable(self.files, list_originals(self.listing))
                write_tree(self.listing, edits, path, link=self.link, replaces=True)
            else:
                write_manifest(self.listing, edits, path)


@dataclass(frozen=True)
class TreeEntry:
    """A picture on its way into a folder of class folders."""

    row: int
    """Of DATA, from 0."""
    original: Path
    """Its file."""
    parts: tuple[str, ...]
    """Where it is to lie: the folder of its label, perhaps folders below that, and its name."""


def choose_picture_files(out: Path | None) -> CleanedFiles:
    """Choose the places to write to: a manifest, or a folder where the name has no ending."""
    return name_files(Path("cleaned.csv") if out is None else out)


def is_tree(path: Path) -> bool:
    """Whether a folder of class folders is asked for, not a manifest."""
    return not split_suffix(path.name)[0]


def write_manifest(listing: Listing, edits: Edits, path: Path) -> None:
    """Write a table of the pictures that stay, with their new labels."""
    rows = np.arange(len(listing.store))
    spelled = spell_sample(listing, rows, path)
    edited = edit_spelled(spelled, edits, label=listing.label or "", first=0)
    write_spelled(lambda: iter([edited]), path)


def list_originals(listing: Listing) -> list[Path]:
    """The files of all pictures that have one."""
    store = listing.store
    assert isinstance(store, FileStore)
    return [Path(original) for original in store.paths if isinstance(original, str)]


def write_tree(
    listing: Listing, edits: Edits, place: Path, *, link: bool, replaces: bool = False
) -> None:
    """Write class folders of copies or links of the pictures that stay.

    The folder is read back, and holds every picture, before it appears.

    Args:
        listing: DATA's pictures.
        edits: what is changed.
        place: the folder to write.
        link: whether it is filled with links instead of copies.
        replaces: whether what the folder holds may go; see `check_replaceable`.

    Raises:
        InputError: a label cannot name a folder, or a picture would not be found again.
        OutputError: the system does not let it be written.
    """
    entries = list_entries(listing, edits)
    with write_folder_aside(place, replaces=replaces) as aside:
        written = {}
        for entry, target in choose_places(entries, aside):
            target.parent.mkdir(parents=True, exist_ok=True)
            if link:
                target.symlink_to(entry.original.absolute())
            else:
                shutil.copy2(entry.original, target)
            written[target.relative_to(aside).parts] = entry
        _check_arrived(aside, entries, written)


def list_entries(listing: Listing, edits: Edits) -> list[TreeEntry]:
    """List the pictures that stay, each with its original and the place that it is to have.

    Raises:
        InputError: a label cannot name a folder.
    """
    store = listing.store
    assert isinstance(store, FileStore)
    assert listing.label is not None
    labels = listing.table.column(listing.label).to_pylist()
    names = listing.table.column(listing.path).to_pylist()
    is_by_class = listing.form == ClassFolders.name
    entries = []
    for row, original in enumerate(store.paths):
        if row in edits.dropped or not isinstance(original, str) or not Path(original).is_file():
            continue
        label = str(edits.labels.get(row, labels[row]))
        _check_folder(label, row)
        parts = PurePosixPath(names[row]).parts
        # Below a class folder pictures may lie deeper; elsewhere paths say nothing of the class.
        own = parts[1:] if is_by_class else (_make_findable(parts[-1], Path(original)),)
        entries.append(TreeEntry(row, Path(original), (label, *own)))
    return entries


def note_absent_pictures(listing: Listing, edits: Edits) -> tuple[Notice, ...]:
    """Say of pictures that stay, but have no file any more, that a folder cannot hold them."""
    store = listing.store
    assert isinstance(store, FileStore)
    absent = [
        row
        for row, original in enumerate(store.paths)
        if row not in edits.dropped and not (isinstance(original, str) and Path(original).is_file())
    ]
    if not absent:
        return ()
    names = listing.table.column(listing.path)
    named = format_list([quote_value(names[row].as_py() or "") for row in absent])
    message = (
        f"{format_count(len(absent), 'picture')} of {listing.source} cannot be put into a folder, "
        f"since there is no such file: {named}."
    )
    return (Notice("pictures-absent", message, is_warning=True),)


def choose_places(entries: Sequence[TreeEntry], root: Path) -> Iterator[tuple[TreeEntry, Path]]:
    """Choose a free place for each picture; one must stand there before the next is asked for.

    The first picture that wants a place gets it. Another one is called after its row, but never by
    a name that any picture wants or has, nor by that of a folder.
    """
    wanted = {entry.parts for entry in entries}
    folders = {parts[:depth] for parts in wanted for depth in range(1, len(parts))}
    for entry in entries:
        parts, names = entry.parts, _make_substitutes(entry.parts[-1], entry.row)
        # Looked for on the disk, too: to some systems a.png and A.png are one.
        while (
            parts in folders
            or (parts in wanted and parts is not entry.parts)
            or os.path.lexists(root.joinpath(*parts))
        ):
            parts = (*parts[:-1], next(names))
        yield entry, root.joinpath(*parts)


def _make_substitutes(name: str, row: int) -> Iterator[str]:
    """Names for a picture whose own one is taken: ``a.png`` -> ``a-7.png``, ``a-7-2.png``, ..."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name, not a path
    for count in itertools.count(1):
        more = f"-{row}" if count == 1 else f"-{row}-{count}"
        kept = stem.encode()[: _LONGEST_NAME - len((more + suffix).encode())]
        yield kept.decode("utf-8", "ignore") + more + suffix


def _make_findable(name: str, original: Path) -> str:
    """A name by which a folder's reader knows a picture: not hidden, with a picture's ending."""
    if not is_picture(name):
        with original.open("rb") as file:
            start = file.read(_LONGEST_SIGNATURE)
        kinds = [ending for sign, ending in ENDINGS.items() if start.startswith(sign)]
        name += kinds[0] if kinds else ""
    return f"_{name}" if is_passed_over(name) else name


def _check_folder(label: str, row: int) -> None:
    cannot = label in ("", ".", "..") or "/" in label or os.sep in label or "\0" in label
    if cannot or is_passed_over(label):
        raise InputError(
            f"The label {label!r} of row {row} cannot name a folder"
            f"{'' if cannot else ' that is read again: it would be passed over'}.",
            slug="label-no-folder",
            hint=_AS_MANIFEST,
        )


def _check_arrived(
    root: Path, entries: Sequence[TreeEntry], written: Mapping[tuple[str, ...], TreeEntry]
) -> None:
    """Refuse a folder in which, read back, a picture is missing.

    Raises:
        InputError: one is.
    """
    tree = walk(root)
    found = {*tree.pictures, *tree.others}
    lost = [entry for parts, entry in written.items() if parts not in found]
    if lost or len(found) != len(entries):
        which = f", e.g. {str(lost[0].original)!r} (row {lost[0].row})" if lost else ""
        raise InputError(
            f"Of {format_count(len(entries), 'picture')} only {len(found):,} would be found in "
            f"the folder{which}: some names are one to this system.",
            slug="pictures-lost",
            hint=_AS_MANIFEST,
        )
