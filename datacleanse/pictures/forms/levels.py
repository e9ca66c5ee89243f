"""A folder one level too high: what it holds are data sets, and their folders are the classes.

`class/batch/*.png` looks alike. What tells them apart: batches are numbered, dated or named after
cameras with numbers, classes are words; and beside data sets lie runs and tables.
"""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.data.messages import format_count, format_list, quote_value
from datacleanse.data.readers import READERS
from datacleanse.errors import InputError
from datacleanse.pictures.forms.folders import format_path
from datacleanse.records import Notice
from datacleanse.storage.run_files import MANIFEST_NAME

if TYPE_CHECKING:
    from datacleanse.pictures.forms.folders import Tree

_MOST = 0.5
"""Share of the pictures that must lie two levels down, in folders of a folder that has several."""

_TABLES = tuple(
    suffix + packed
    for reader in READERS
    for suffix in reader.suffixes
    for packed in ("", ".gz", ".zst")
)
"""Endings of tables."""

_RUN_DEPTH = 3
"""Parts of the path to a run's manifest in a folder of runs."""


@dataclass(frozen=True)
class _Nested:
    """Folders whose folders hold pictures."""

    counts: Counter[str]
    """Pictures below each of those that have several such folders."""
    inner: dict[str, set[str]]
    """The names of these folders."""


def check_height(tree: Tree, named: str) -> list[Notice]:
    """See whether the folders look like data sets and not like classes; DATA's tree.

    Raises:
        InputError: they do, and runs or tables lie among them.
    """
    nested = _find_nested(tree)
    if nested is None:
        return []
    sets = sorted(nested.counts)
    meant = max(sets, key=lambda name: (nested.counts[name], -sets.index(name)))
    command = f"datacleanse audit {shlex.quote(_join(named, meant))}"
    quoted = format_list([quote_value(name) for name in sorted(nested.inner[meant])])
    beside = _find_beside(tree)
    if beside:
        raise InputError(
            f"{named} looks one level too high: {quote_value(meant)} in it holds folders of "
            f"pictures ({quoted}), and beside it {'lies' if len(beside) == 1 else 'lie'} "
            f"{format_list(beside)}.",
            slug="pictures-level",
            hint=f"If those are the classes: {command}. If {format_list(sets)} are, move what is "
            "no class out of the folder.",
        )
    if all(_is_numbered(name) for names in nested.inner.values() for name in names):
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


def _find_beside(tree: Tree) -> list[str]:
    """What shows that the folders are no classes: those without pictures that hold a run, tables.

    Tables right in the root prove nothing: lists of the pictures lie there.
    """
    pictured = {parts[0] for parts in tree.pictures}
    found: dict[str, str] = {}
    for parts in tree.others:
        if len(parts) < 2 or parts[0] in pictured:
            continue
        if parts[-1] == MANIFEST_NAME and len(parts) <= _RUN_DEPTH:
            found[parts[0]] = f"runs ({format_path(parts[:-1])})"
        elif parts[-1].lower().endswith(_TABLES):
            found.setdefault(parts[0], f"a table ({format_path(parts)})")
    return [found[name] for name in sorted(found)]


def _join(named: str, name: str) -> str:
    return f"{named.rstrip('/')}/{name}"
