"""A folder one level too high: what it holds are data sets, and their folders are the classes.

`class/batch/*.png` looks alike. What tells them apart: batches are numbered, dated or named after
cameras with numbers, classes are words; and beside data sets lie runs, cleaned copies and tables.
"""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datacleanse.data.messages import format_count, format_list, quote_value
from datacleanse.data.readers import READERS
from datacleanse.errors import InputError
from datacleanse.pictures.forms.folders import format_path
from datacleanse.pictures.signatures import SUFFIXES
from datacleanse.records import Notice
from datacleanse.storage.run_places import CHANGES_ENDING, find_run

if TYPE_CHECKING:
    from datacleanse.pictures.forms.folders import Parts, Tree

_MOST = 0.5
"""Share of the pictures that must lie two levels down, in folders of a folder that has several."""

_TABLES = tuple(
    suffix + packed
    for reader in READERS
    for suffix in reader.suffixes
    for packed in ("", ".gz", ".zst")
)
"""Endings of tables."""

_LOOKED_AT = 65536
"""Bytes of a table in which names of pictures are looked for."""


@dataclass(frozen=True)
class _Nested:
    """Folders whose folders hold pictures."""

    counts: Counter[str]
    """Pictures below each of those that have several such folders."""
    inner: dict[str, set[str]]
    """The names of these folders."""


def set_apart(tree: Tree) -> tuple[Tree, dict[str, str]]:
    """The tree without the pictures of folders that are never a class, and what these hold.

    They hold runs, the demonstration's data, or a copy that was cleaned. Where pictures lie
    nowhere else, one of these is what is meant, and nothing is taken away.
    """
    folders = sorted({parts[0] for parts in (*tree.pictures, *tree.others) if len(parts) > 1})
    lists = {parts[0] for parts in tree.others if len(parts) == 1}
    apart = {}
    for name in folders:
        run = find_run(tree.root / name)
        if run is not None:
            apart[name] = f"runs ({format_path((name, run) if run else (name,))})"
        elif f"{name}{CHANGES_ENDING}" in lists:
            apart[name] = f"a cleaned copy ({format_path((name,))})"
    kept = [parts for parts in tree.pictures if len(parts) < 2 or parts[0] not in apart]
    if all(len(parts) == 1 for parts in kept):
        return tree, {}
    return replace(tree, pictures=kept), apart


def note_apart(tree: Tree, apart: dict[str, str], named: str) -> list[Notice]:
    """Say which folders with pictures are no class; the tree is the one with these pictures."""
    n_left = sum(len(parts) > 1 and parts[0] in apart for parts in tree.pictures)
    if not n_left:
        return []
    left = {parts[0] for parts in tree.pictures if len(parts) > 1}
    message = (
        f"{named}: left out {format_count(n_left, 'picture')} in folders that are no class: "
        f"{format_list([what for name, what in apart.items() if name in left])}."
    )
    return [Notice("pictures-apart", message, is_warning=True)]


def check_height(tree: Tree, named: str, apart: dict[str, str]) -> list[Notice]:
    """See whether the folders look like data sets and not like classes; DATA's tree.

    Args:
        tree: without the pictures of folders that are never a class.
        named: the folder, for people.
        apart: these folders, and what they hold.

    Raises:
        InputError: they do, and runs, cleaned copies or tables lie among them.
    """
    nested = _find_nested(tree)
    if nested is None:
        return []
    sets = sorted(nested.counts)
    meant = max(sets, key=lambda name: (nested.counts[name], -sets.index(name)))
    command = f"datacleanse audit {shlex.quote(_join(named, meant))}"
    quoted = format_list([quote_value(name) for name in sorted(nested.inner[meant])])
    beside = {**_find_tables(tree), **apart}
    is_numbered = all(_is_numbered(name) for names in nested.inner.values() for name in names)
    if not is_numbered:
        beside.update(_find_lists(tree))
    if beside:
        raise InputError(
            f"{named} looks one level too high: {quote_value(meant)} in it holds folders of "
            f"pictures ({quoted}), and beside it {'lies' if len(beside) == 1 else 'lie'} "
            f"{format_list([beside[name] for name in sorted(beside)])}.",
            slug="pictures-level",
            hint=f"If those are the classes: {command}. If {format_list(sets)} "
            f"{'is one' if len(sets) == 1 else 'are'}, move what is no class out of the folder.",
        )
    if is_numbered:
        return []
    message = (
        f"{named} may be one level too high: its folders are taken for the classes, and "
        f"{format_count(len(sets), 'folder')} of them {'holds' if len(sets) == 1 else 'hold'} "
        f"further ones, {quote_value(meant)} {quoted}. If those are the classes: {command}"
    )
    return [Notice("pictures-height", message, is_warning=True)]


def _find_nested(tree: Tree) -> _Nested | None:
    """The folders that may be data sets; None where most pictures lie right in class folders."""
    inner: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for parts in tree.pictures:
        if len(parts) > 2:
            inner.setdefault(parts[0], set()).add(parts[1])
            counts[parts[0]] += 1
    several = {name: names for name, names in inner.items() if len(names) > 1}
    counts = Counter({name: counts[name] for name in several})
    n_classed = sum(len(parts) > 1 for parts in tree.pictures)
    return _Nested(counts, several) if several and counts.total() > _MOST * n_classed else None


def _is_numbered(name: str) -> bool:
    """Whether a name is that of one batch of many, e.g. ``batch-02`` or ``2021``."""
    return any(map(str.isdigit, name))


def _find_tables(tree: Tree) -> dict[str, str]:
    """Tables in folders without pictures: their folders are surely no classes."""
    pictured = {parts[0] for parts in tree.pictures}
    found: dict[str, str] = {}
    for parts in tree.others:
        if len(parts) > 1 and parts[0] not in pictured and _is_table(parts):
            found.setdefault(parts[0], f"a table ({format_path(parts)})")
    return found


def _find_lists(tree: Tree) -> dict[str, str]:
    """Tables right in the folder that name no pictures: a list of the pictures would lie there."""
    return {
        parts[0]: f"a table ({format_path(parts)})"
        for parts in tree.others
        if len(parts) == 1 and _is_table(parts) and not _names_pictures(tree, parts)
    }


def _is_table(parts: Parts) -> bool:
    return parts[-1].lower().endswith(_TABLES)


def _names_pictures(tree: Tree, parts: Parts) -> bool:
    """Whether a table's beginning names a picture; one that cannot be looked into is given it."""
    try:
        with tree.root.joinpath(*parts).open("rb") as file:
            start = file.read(_LOOKED_AT).lower()
    except OSError:
        return True
    return any(suffix.encode() in start for suffix in SUFFIXES)


def _join(named: str, name: str) -> str:
    return f"{named.rstrip('/')}/{name}"
