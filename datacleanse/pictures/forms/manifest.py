"""A table with a column of paths and, but for NEW, a column of labels; also in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from datacleanse.data.class_names import note_class_names
from datacleanse.data.columns import MISSING_TEXTS, find_distinct, is_text
from datacleanse.data.identity import check_ids
from datacleanse.data.interface import ReadOptions, Request
from datacleanse.data.label_column import USUAL_NAMES, choose_label
from datacleanse.data.messages import (
    format_count,
    format_list,
    format_rows,
    quote_value,
    suggest_column,
)
from datacleanse.data.raw_table import peek, read_raw
from datacleanse.data.sources import locate
from datacleanse.data.spelled_rows import find_row_source
from datacleanse.errors import InputError
from datacleanse.pictures.forms.folders import Enclosure, is_picture
from datacleanse.pictures.interface import Listing
from datacleanse.pictures.signatures import LEADS_OUT, PictureError
from datacleanse.pictures.stores import FileStore
from datacleanse.records import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datacleanse.data import Source
    from datacleanse.data.raw_table import Raw
    from datacleanse.data.spelled_rows import RowSource
    from datacleanse.pictures.interface import Asked

PATH_COLUMNS = ("path", "file_name", "filepath", "image")
"""Names of a column of paths; the first that holds names of pictures is taken."""

_MOSTLY = 0.9
"""Share of the cells that must end like pictures for a column to be one of paths."""


@dataclass(frozen=True)
class PathTable:
    """A table that names pictures by their paths."""

    name = "manifest"

    def find(self, source: Source, asked: Asked) -> Listing | None:
        """List the pictures that a table names; None for any other source."""
        request = make_request(asked)
        if not set(peek(source, request).names).intersection(PATH_COLUMNS).difference(asked.drop):
            return None
        raw = read_raw(source, request)
        return make_listing(raw, asked, base=_find_base(source), form=self.name)


def make_request(asked: Asked) -> Request:
    """What a reader is told: labels, ids and paths stay as written."""
    labels = {asked.label} if asked.label is not None else set(USUAL_NAMES)
    as_text = {*labels, *PATH_COLUMNS, *([asked.id] if asked.id else [])}
    names = frozenset({*labels, *USUAL_NAMES, *([asked.id] if asked.id else [])})
    return Request(
        frozenset(as_text),
        asked.delimiter,
        names=names,
        classes=frozenset(asked.classes),
        missing=MISSING_TEXTS if asked.missing is None else frozenset(asked.missing),
        words=frozenset(PATH_COLUMNS),
    )


def _find_base(source: Source) -> Path | None:
    """The folder that relative paths start from; None for a table that is not on this machine."""
    if not isinstance(source, str | os.PathLike):
        return Path.cwd()
    location = locate(source)
    if location.filesystem.type_name != "local":
        return None
    return Path(location.path if location.root is None else f"{location.root}/-").parent


def make_listing(raw: Raw, asked: Asked, *, base: Path | None, form: str) -> Listing | None:
    """The pictures that a table names; None where it has no column of paths."""
    name = find_path_column(raw.table, asked.drop)
    if name is None:
        return None
    paths = raw.table.column(name).cast(pa.string()).to_pylist()
    _check_inside(paths, name, source=raw.name)
    store = FileStore(list(_locate_pictures(paths, base)))
    label = choose_label_column(raw, asked)
    check_ids(raw.table, asked.id, source=raw.name, unique=asked.role == "DATA")
    id_ = asked.id if asked.id is not None and asked.id in raw.table.column_names else name
    notices = note_columns(raw, asked, label, used=(name,))
    is_declared = label in raw.declared
    origin = _find_origin(raw, asked)
    return Listing(raw.name, form, raw.table, label, id_, name, store, notices, is_declared, origin)


def _find_origin(raw: Raw, asked: Asked) -> RowSource | None:
    """Where the rows stand as text; None for a manifest of typed values."""
    options = ReadOptions(delimiter=asked.delimiter, missing=asked.missing)
    found = find_row_source(raw.location, raw.table, options)
    return None if found.location is None else found


def find_path_column(table: pa.Table, drop: Sequence[str]) -> str | None:
    """The column that names pictures; None where there is none."""
    for name in PATH_COLUMNS:
        if name in table.column_names and name not in drop and is_text(table.column(name).type):
            found = find_distinct(table.column(name))
            ends = [is_picture(text) for text in found.values.to_pylist()]
            counts = found.count_rows()
            if ends and counts[ends].sum() >= _MOSTLY * counts.sum():
                return name
    return None


def _check_inside(paths: Sequence[str | None], name: str, *, source: str) -> None:
    """Refuse relative paths that climb out of the manifest's folder.

    A manifest from elsewhere could so bring any picture of this machine into a report.
    """
    rows = [row for row, path in enumerate(paths) if path is not None and _climbs(path)]
    if rows:
        raise InputError(
            f"{source}: column '{name}' points outside the manifest's folder in "
            f"{format_rows(rows)}, e.g. {quote_value(paths[rows[0]])}.",
            slug="path-outside",
            hint="Put the manifest into a folder above the pictures, or write absolute paths.",
        )


def _climbs(path: str) -> bool:
    # The plain test first: normalising takes longer, and few paths have such parts.
    if ".." not in path or os.path.isabs(path):  # noqa: PTH117 - Path takes ten times as long
        return False
    plain = os.path.normpath(path.replace("\\", "/"))
    return plain.replace(os.sep, "/").split("/")[0] == ".."


def _locate_pictures(
    paths: Sequence[str | None], base: Path | None
) -> Iterator[str | PictureError]:
    """Where the pictures of a manifest lie."""
    enclosure = None if base is None else Enclosure(base)
    for path in paths:
        found = _locate_picture(path, base)
        if enclosure is not None and base is not None and isinstance(found, str):
            yield PictureError(LEADS_OUT) if _is_led_out(found, base, enclosure) else found
        else:
            yield found


def _locate_picture(path: str | None, base: Path | None) -> str | PictureError:
    """Where a picture of a manifest lies."""
    if path is None:
        return PictureError("is missing (the cell of its path is empty)")
    if "://" in path:
        return PictureError("is an address; download it and give its path")
    if os.path.isabs(path):  # noqa: PTH117 - Path takes ten times as long
        return path
    if base is None:
        return PictureError("has a relative path in a manifest that is not on this machine")
    joined = f"{base}/{path}"
    if "\\" in path and os.name != "nt" and not os.path.lexists(joined):
        return joined.replace("\\", "/")  # written on Windows
    return joined


def _is_led_out(path: str, base: Path, enclosure: Enclosure) -> bool:
    """Whether a picture's path lies below the manifest's folder, but a link leads out of that."""
    plain = os.path.normpath(path) if ".." in path else path
    return plain.startswith(f"{base}/") and enclosure.is_left_by(path)


def choose_label_column(raw: Raw, asked: Asked) -> str | None:
    """The label column; None for NEW without one.

    Raises:
        InputError: there is none, or several may be it.
    """
    names: list[str] = [name for name in raw.table.column_names if name not in asked.drop]
    if asked.role == "DATA":
        candidates = raw.table.column_names if asked.label is None else names
        return choose_label(candidates, asked.label, source=raw.name, dropped=asked.drop)
    if asked.label is not None and asked.label in names:
        return asked.label
    usual = [name for name in names if name in USUAL_NAMES]
    if len(usual) == 1:
        return usual[0]
    if asked.role == "NEW":
        return None
    wanted = asked.label or USUAL_NAMES[0]
    raise InputError(
        f"{raw.name} ({asked.role}) has no column '{wanted}' for the label.",
        slug="label-column-missing",
        hint=suggest_column(wanted, names),
    )


def note_columns(
    raw: Raw, asked: Asked, label: str | None, *, used: Sequence[str]
) -> tuple[Notice, ...]:
    """What to say about the columns: how the label was chosen, and which are not learned from."""
    notices = []
    if asked.role == "DATA" and asked.label is None:
        message = f"The label is column '{label}' of {raw.name}, by its name; --label overrules."
        notices.append(Notice("label-chosen", message))
    if asked.role == "DATA":
        notices += note_class_names(label, raw.class_names, raw.name)
    known = {label, asked.id, *used}
    extra = [name for name in raw.table.column_names if name not in known]
    if asked.role == "DATA" and extra:
        message = (
            f"{format_count(len(extra), 'column')} of {raw.name} not learned from, since its rows "
            f"are pictures: {format_list(extra)}."
        )
        notices.append(Notice("columns-beside-pictures", message))
    return tuple(notices)
