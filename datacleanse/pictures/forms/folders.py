"""What lies in a folder of pictures, hidden files left out, links followed once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.data.sources import make_unreadable_error
from datacleanse.pictures.signatures import SUFFIXES

if TYPE_CHECKING:
    from datacleanse.data import Source

_CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""Names, in lower case, that systems leave in folders, besides those that begin with a dot."""

Parts = tuple[str, ...]
"""A path below the root, by its parts."""


@dataclass
class Tree:
    """All that lies below a folder.

    Attributes:
        root: the folder.
        pictures: files that end like a picture, sorted by their parts.
        others: files of other endings.
        empty: folders without any picture below them, the root left out.
        loops: links to a folder that they lie in; not followed.
    """

    root: Path
    pictures: list[Parts] = field(default_factory=list)
    others: list[Parts] = field(default_factory=list)
    empty: list[Parts] = field(default_factory=list)
    loops: list[Parts] = field(default_factory=list)


def find_folder(source: Source) -> Path | None:
    """The local folder that a source names; None where it names something else."""
    if not isinstance(source, str | os.PathLike):
        return None
    name = os.fspath(source)
    if "://" in name:
        return None
    path = Path(name).expanduser()
    return path if path.is_dir() else None


def is_picture(name: str) -> bool:
    """Whether a file's name ends like that of a picture."""
    return name.lower().endswith(SUFFIXES)


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of that name is hidden, or what systems leave in folders."""
    return name.startswith(".") or name.lower() in _CLUTTER


def walk(root: Path) -> Tree:
    """List a folder and all below it.

    Raises:
        InputError: one of the folders may not be read.
    """
    tree = Tree(root)
    _enter(tree, root, (), frozenset())
    tree.pictures.sort()
    tree.others.sort()
    tree.empty.sort()
    return tree


def _enter(tree: Tree, folder: Path, parts: Parts, above: frozenset[tuple[int, int]]) -> bool:
    """Add what a folder holds; whether a picture is among it."""
    try:
        about = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise make_unreadable_error(str(folder), error) from error
    here = (about.st_dev, about.st_ino)
    if here in above:
        tree.loops.append(parts)
        return False
    holds_any = False
    for entry in entries:
        if is_passed_over(entry.name):
            continue
        inner = (*parts, entry.name)
        if _is_folder(entry):
            holds_any |= _enter(tree, folder / entry.name, inner, above | {here})
        elif is_picture(entry.name):
            tree.pictures.append(inner)
            holds_any = True
        else:
            tree.others.append(inner)
    if parts and not holds_any and parts not in tree.loops:
        tree.empty.append(parts)
    return holds_any


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def format_path(parts: Parts) -> str:
    """A path below the root as people read it; bytes that are no UTF-8 are spelled out."""
    return os.fsencode("/".join(parts)).decode("utf-8", "backslashreplace")
