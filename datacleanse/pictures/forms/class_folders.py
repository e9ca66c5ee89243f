"""``root/<class>/*``: a folder of pictures for each class, or such folders below ``train/``."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from datacleanse.data.messages import format_count, format_list, quote_value
from datacleanse.data.sources import SHARD_SUFFIX
from datacleanse.errors import InputError
from datacleanse.pictures.forms.folders import Tree, find_folder, format_path, walk
from datacleanse.pictures.forms.levels import check_height, note_apart, set_apart
from datacleanse.pictures.interface import Listing
from datacleanse.pictures.signatures import LEADS_OUT, PictureError
from datacleanse.pictures.stores import FileStore
from datacleanse.records import Notice

if TYPE_CHECKING:
    from datacleanse.data import Source
    from datacleanse.pictures.forms.folders import Parts
    from datacleanse.pictures.interface import Asked, Role

PATH, LABEL = "path", "label"
"""Columns of the table that is made of the folders."""

SPLITS: dict[str, Role] = {
    "train": "DATA",
    "training": "DATA",
    "val": "CLEAN",
    "valid": "CLEAN",
    "validation": "CLEAN",
    "dev": "CLEAN",
    "test": "TEST",
    "testing": "TEST",
}
"""Folders that hold a part of a set each, in lower case, and the role that each is for."""


@dataclass(frozen=True)
class ClassFolders:
    """A folder of pictures for each class."""

    name = "class folders"

    def find(self, source: Source, asked: Asked) -> Listing | None:
        """List the pictures of a folder of class folders; None for any other source."""
        root = find_folder(source)
        if root is None:
            return None
        named = os.fspath(source)  # type: ignore[arg-type]  # a path, or there were no folder
        everything = walk(root)
        if not everything.pictures or _is_table(everything):
            return None
        # New pictures need no classes, and all are wanted.
        tree, apart = (everything, {}) if asked.role == "NEW" else set_apart(everything)
        part = _choose_part(tree, asked.role, named)
        below, notices = (tree, []) if part is None else _enter_part(tree, part, named)
        if asked.role == "DATA":
            # What lies beside the parts of a set says nothing of their folders.
            place = named if part is None else f"{named.rstrip('/')}/{part}"
            notices += check_height(below, place, apart if part is None else {})
        _check_level(below, asked.role, named)
        notices += note_apart(everything, apart, named)
        notices += _note_left_out(below, named)
        return _make_listing(below, named, asked, tuple(notices))


def _is_table(tree: Tree) -> bool:
    """Whether the pictures only lie beside the shards of a table."""
    shards = any(parts[-1].lower().endswith(SHARD_SUFFIX) for parts in tree.others)
    return shards and all(len(parts) == 1 for parts in tree.pictures)


def _choose_part(tree: Tree, role: Role, named: str) -> str | None:
    """The folder of a split set that is meant; None where the set is not split.

    Raises:
        InputError: it is split, and no part is for this role.
    """
    tops = sorted({parts[0] for parts in tree.pictures if len(parts) > 1})
    is_split = tops and all(top.lower() in SPLITS for top in tops)
    if not is_split or not any(len(parts) > 2 for parts in tree.pictures):
        return None
    fitting = [top for top in tops if SPLITS[top.lower()] == role]
    if len(fitting) == 1:
        return fitting[0]
    if len(tops) == 1:
        return tops[0]
    raise InputError(
        f"{named} ({role}) holds the parts of a set, {format_list(tops)}, each with class folders.",
        slug="pictures-split",
        hint=f"Give the part that is meant, e.g. {named.rstrip('/')}/{tops[0]}.",
    )


def _enter_part(tree: Tree, part: str, named: str) -> tuple[Tree, list[Notice]]:
    """The tree below one of the parts, and what to say about it."""

    def keep_below(paths: list[Parts]) -> list[Parts]:
        return [parts[1:] for parts in paths if parts[0] == part and len(parts) > 1]

    left = sorted({parts[0] for parts in tree.pictures if parts[0] != part and len(parts) > 1})
    beside = f"; {format_list(left)} beside it {'is' if len(left) == 1 else 'are'} left out"
    message = f"{named} is read from its folder {part}{beside if left else ''}."
    entered = replace(
        tree,
        root=tree.root / part,
        pictures=keep_below(tree.pictures),
        others=keep_below(tree.others),
        empty=keep_below(tree.empty),
        loops=keep_below(tree.loops),
        outside=set(keep_below(sorted(tree.outside))),
    )
    return entered, [Notice("pictures-part", message)]


def _check_level(tree: Tree, role: Role, named: str) -> None:
    """Refuse a folder one level above or below the right one."""
    tops = sorted({parts[0] for parts in tree.pictures if len(parts) > 1})
    if not tops:
        if role == "NEW":
            return
        raise InputError(
            f"{named} ({role}) holds {format_count(len(tree.pictures), 'picture')} but no folders "
            "with pictures: nothing says which class they are of.",
            slug="pictures-level",
            hint="Give the folder above, whose folders are the classes, or a manifest: a CSV with "
            "the columns path and label.",
        )
    if len(tops) > 1 or role == "NEW":
        return
    inner = sorted({parts[1] for parts in tree.pictures if len(parts) > 2})
    is_above = all(len(parts) != 2 for parts in tree.pictures) and len(inner) > 1
    if is_above:
        raise InputError(
            f"{named} ({role}) holds a single folder, {tops[0]}, and the pictures lie in folders "
            f"of that: {format_list(inner)}.",
            slug="pictures-level",
            hint=f"Give {named.rstrip('/')}/{tops[0]} if its folders are the classes.",
        )
    if role == "DATA":
        raise InputError(
            f"{named} holds a single folder with pictures, {tops[0]}, so there is one class only.",
            slug="label-one-class",
            hint="Give the folder whose folders are the classes, at least two.",
        )


def _note_left_out(tree: Tree, named: str) -> list[Notice]:
    notices = []
    empty = [parts[0] for parts in tree.empty if len(parts) == 1]
    if empty:
        are = "is empty and counts" if len(empty) == 1 else "are empty and count"
        message = (
            f"{named}: {format_count(len(empty), 'folder')} without pictures {are} as no class: "
            f"{format_list([quote_value(name) for name in empty])}."
        )
        notices.append(Notice("class-folder-empty", message, is_warning=True))
    loose = [parts[0] for parts in tree.pictures if len(parts) == 1]
    if loose and len(loose) < len(tree.pictures):
        message = (
            f"{named}: left out {format_count(len(loose), 'picture')} beside the class folders, "
            "since no folder names the class: "
            f"{format_list([quote_value(name) for name in loose])}."
        )
        notices.append(Notice("pictures-without-class", message, is_warning=True))
    if tree.others:
        kinds = Counter(os.path.splitext(parts[-1])[1].lower() for parts in tree.others)  # noqa: PTH122
        endings = [ending or "no ending" for ending, _ in kinds.most_common()]
        message = (
            f"{named}: left out {format_count(len(tree.others), 'file')} not named like a picture "
            f"({format_list(endings)}), e.g. {quote_value(format_path(tree.others[0]))}."
        )
        notices.append(Notice("files-no-pictures", message))
    if tree.loops:
        message = (
            f"{named}: did not follow {format_count(len(tree.loops), 'link')} to a folder that "
            f"holds the link itself: {format_list([format_path(parts) for parts in tree.loops])}."
        )
        notices.append(Notice("folder-loop", message, is_warning=True))
    folders = sorted(tree.outside.difference(tree.pictures))
    if folders:
        message = (
            f"{named}: did not follow {format_count(len(folders), 'link')} that "
            f"{'leads' if len(folders) == 1 else 'lead'} out of the folder: "
            f"{format_list([format_path(parts) for parts in folders])}."
        )
        notices.append(Notice("links-outside", message, is_warning=True))
    return notices


def _make_listing(tree: Tree, named: str, asked: Asked, notices: tuple[Notice, ...]) -> Listing:
    has_classes = any(len(parts) > 1 for parts in tree.pictures)
    rows = [parts for parts in tree.pictures if len(parts) > 1 or not has_classes]
    columns = {PATH: pa.array([format_path(parts) for parts in rows], pa.string())}
    label = None
    if has_classes:
        # Under the name that a manifest of CLEAN may have been said to use.
        label = asked.label or LABEL
        columns[label] = pa.array([format_path(parts[:1]) for parts in rows], pa.string())
    outside = tree.outside
    store = FileStore(
        [
            PictureError(LEADS_OUT) if parts in outside else os.path.join(tree.root, *parts)  # noqa: PTH118 - fast
            for parts in rows
        ]
    )
    table = pa.table(columns)
    return Listing(
        named, ClassFolders.name, table, label, PATH, PATH, store, notices, labels_are_names=True
    )
