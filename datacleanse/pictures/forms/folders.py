"""What lies in a folder of pictures, hidden files left out, links followed once and inside only.

A folder from elsewhere could bring any file of this machine into reports and cleaned copies by a
link that leads out of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.data.sources import make_unreadable_error
from datacleanse.pictures.signatures import SUFFIXES
from datacleanse.storage.run_places import is_folder

if TYPE_CHECKING:
    from datacleanse.data import Source

_CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""Names, in lower case, that systems leave in folders, besides those that begin with a dot."""

Parts = tuple[str, ...]
"""A path below the root, by its parts."""


class Enclosure:
    """A folder that links may not lead out of."""

    def __init__(self, root: str | Path) -> None:
        """Remember where the folder really lies."""
        self._root = os.path.realpath(root)
        self._folders: dict[str, str] = {}
        """Where folders really lie, by their paths: many pictures share one."""

    def is_left_by(self, path: str) -> bool:
        """Whether a path below the folder leads, by its links, to a place that is not below it."""
        folder, name = os.path.split(path)
        try:
            if name in ("", ".", "..") or os.path.islink(path):  # noqa: PTH114 - one call is faster
                real = os.path.realpath(path)
            else:
                if folder not in self._folders:
                    self._folders[folder] = os.path.realpath(folder)
                real = os.path.join(self._folders[folder], name)  # noqa: PTH118 - faster
            return os.path.commonpath([real, self._root]) != self._root
        except ValueError:  # another drive, or a name that no file can have
            return True


@dataclass
class Tree:
    """All that lies below a folder.

    Attributes:
        root: the folder.
        pictures: files that end like a picture, sorted by their parts.
        others: files of other endings.
        empty: folders without any picture below them, the root left out.
        loops: links to a folder that they lie in; not followed.
        outside: links to pictures and folders that lead out of the root; not followed. Pictures
            are in ``pictures``, too, so that they are counted as ones that cannot be read.
    """

    root: Path
    pictures: list[Parts] = field(default_factory=list)
    others: list[Parts] = field(default_factory=list)
    empty: list[Parts] = field(default_factory=list)
    loops: list[Parts] = field(default_factory=list)
    outside: set[Parts] = field(default_factory=set)


def find_folder(source: Source) -> Path | None:
    """The local folder that a source names; None where it names something else."""
    if not isinstance(source, str | os.PathLike):
        return None
    name = os.fspath(source)
    if "://" in name:
        return None
    path = Path(name).expanduser()
    return path if os.path.isdir(path) else None  # noqa: PTH112 - says no where it may not be looked


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
    _enter(tree, Enclosure(root), (), frozenset())
    tree.pictures.sort()
    tree.others.sort()
    tree.empty.sort()
    return tree


def _enter(
    tree: Tree, enclosure: Enclosure, parts: Parts, above: frozenset[tuple[int, int]]
) -> bool:
    """Add what a folder holds; whether a picture is among it."""
    folder = tree.root.joinpath(*parts)
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
        is_outside = entry.is_symlink() and enclosure.is_left_by(entry.path)
        if is_outside and (is_folder(entry) or is_picture(entry.name)):
            tree.outside.add(inner)
        if is_folder(entry):
            if not is_outside:
                holds_any |= _enter(tree, enclosure, inner, above | {here})
        elif is_picture(entry.name):
            tree.pictures.append(inner)
            holds_any = True
        else:
            tree.others.append(inner)
    if parts and not holds_any and parts not in tree.loops:
        tree.empty.append(parts)
    return holds_any


def format_path(parts: Parts) -> str:
    """A path below the root as people read it; bytes that are no UTF-8 are spelled out."""
    return os.fsencode("/".join(parts)).decode("utf-8", "backslashreplace")
