"""What a run keeps of its suspects besides the audit table: all of it optional.

The likeliest classes of each, its nearest verified rows, small pictures, and rows of DATA that are
equal but for their labels.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datacleanse_reports.cells import read_clean_cells
from datacleanse_reports.suspect import (
    ConflictGroup,
    ConflictRow,
    Conflicts,
    LikelyClass,
    Neighbour,
    Picture,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.run_folder import RunFolder

_KINDS = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
"""First bytes of the pictures that a page may show, and their media types."""


MOST_TERMS = 5
"""Words that are told of a row."""


@dataclass(frozen=True)
class Companions:
    """By row of DATA. A row that is not there has nothing kept."""

    likely: Mapping[int, tuple[LikelyClass, ...]] = field(default_factory=dict)
    neighbours: Mapping[int, tuple[Neighbour, ...]] = field(default_factory=dict)
    pictures: Mapping[int, Picture] = field(default_factory=dict)
    telling: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Columns whose cells tell most, most telling first."""
    terms: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Words of texts that tell most, most telling first."""


def read_companions(
    folder: RunFolder, manifest: AnyManifest, *, rows: set[int], columns: Sequence[str] = ()
) -> Companions:
    """What is kept of some rows of DATA.

    Args:
        folder: of the run.
        manifest: its `run.json`.
        rows: of DATA.
        columns: original ones, whose cells neighbours are to have; they may repeat.

    Raises:
        RunFolderError: a file is damaged.
    """
    n_rows, n_clean = manifest.data.rows, manifest.n_clean
    likely: dict[int, list[LikelyClass]] = defaultdict(list)
    told = folder.read_likelihoods(n_rows)
    for row, label, probability in _list_by_place(told, "row", "label", "probability"):
        if row in rows:
            likely[row].append(LikelyClass(label, probability))
    lines = _list_by_place(
        folder.read_neighbours(n_rows, n_clean), "row", "clean_row", "label", "distance"
    )
    nearest = [line for line in lines if line[0] in rows]
    clean_rows = {clean_row for _, clean_row, _, _ in nearest}
    pictures = _read_pictures(folder, {"data": rows, "clean": clean_rows})
    cells = read_clean_cells(folder, n_clean, columns)
    neighbours: dict[int, list[Neighbour]] = defaultdict(list)
    for row, clean_row, label, distance in nearest:
        picture, own_cells = pictures["clean"].get(clean_row), cells.get(clean_row, ())
        neighbours[row].append(Neighbour(clean_row, label, distance, picture, own_cells))
    return Companions(
        likely={row: tuple(classes) for row, classes in likely.items()},
        neighbours={row: tuple(near) for row, near in neighbours.items()},
        pictures=pictures["data"],
        telling=_read_telling(folder, n_rows, rows),
        terms=_read_terms(folder, n_rows, rows),
    )


def _read_terms(folder: RunFolder, n_rows: int, rows: set[int]) -> dict[int, tuple[str, ...]]:
    """Words by row, most telling first, whatever column they stand in."""
    found: dict[int, list[tuple[float, str]]] = defaultdict(list)
    for row, evidence, term in _list_by_place(folder.read_terms(n_rows), "row", "evidence", "term"):
        if row in rows:
            found[row].append((-evidence, term))
    return {
        row: tuple(dict.fromkeys(term for _, term in sorted(told)))[:MOST_TERMS]
        for row, told in found.items()
    }


def _read_telling(folder: RunFolder, n_rows: int, rows: set[int]) -> dict[int, tuple[str, ...]]:
    """Columns by row, most telling first."""
    names: dict[int, list[str]] = defaultdict(list)
    for row, column in _list_by_place(folder.read_telling(n_rows), "row", "column"):
        if row in rows:
            names[row].append(column)
    return {row: tuple(columns) for row, columns in names.items()}


def _list_by_place(table: pa.Table | None, *names: str) -> Iterator[tuple[Any, ...]]:
    """Some columns of a table, line by line, by row and place; none where there is no table."""
    if table is None:
        return
    ordered = table.sort_by([("row", "ascending"), ("place", "ascending")])
    # A dictionary a line would take five times as long.
    yield from zip(*(ordered[name].to_pylist() for name in names), strict=True)


def _read_pictures(
    folder: RunFolder, wanted: Mapping[str, set[int]]
) -> dict[str, dict[int, Picture]]:
    """Pictures as addresses, by source and by row there."""
    found: dict[str, dict[int, Picture]] = {source: {} for source in wanted}
    table = folder.read_thumbnails()
    if table is None:
        return found
    for batch in table.to_batches(max_chunksize=64):
        for line in batch.to_pylist():
            source, row = line["source"], line["row"]
            if row in wanted.get(source, ()) and (uri := _make_uri(line["image"])):
                found[source][row] = Picture(uri, line["note"])
    return found


def _make_uri(image: bytes | None) -> str | None:
    """The picture as an address; None for what is no picture that a page may show."""
    for start, kind in _KINDS:
        if image is not None and image.startswith(start):
            return f"data:{kind};base64,{base64.b64encode(image).decode()}"
    return None


def _read_ids(folder: RunFolder, rows: set[int]) -> dict[int, str]:
    """What names some rows of DATA."""
    if not rows:
        return {}
    table = folder.read_audit_columns(("row", "id"))
    pairs = zip(table["row"].to_pylist(), table["id"].to_pylist(), strict=True)
    return {row: name for row, name in pairs if row in rows and name is not None}


def read_conflicts(folder: RunFolder, n_rows: int) -> Conflicts | None:
    """Rows, of ``n_rows``, that are equal but for their labels; None: they were not looked for.

    Raises:
        RunFolderError: the file is damaged.
    """
    table = folder.read_conflicts(n_rows)
    if table is None:
        return None
    groups: dict[int, list[ConflictRow]] = defaultdict(list)
    sizes: dict[int, int] = {}
    lines = table.to_pylist()
    ids = _read_ids(folder, {line["row"] for line in lines})
    for line in lines:
        row = line["row"]
        sizes[line["group"]] = line["group_rows"]
        groups[line["group"]].append(
            ConflictRow(row, ids.get(row, str(row)), line["rank"], line["label"])
        )
    told = table.schema.metadata
    return Conflicts(
        n_groups=int(told[b"groups"]),
        n_rows=int(told[b"rows"]),
        groups=tuple(ConflictGroup(sizes[g], tuple(groups[g])) for g in sorted(groups)),
        are_pictures=told.get(b"by") == b"pictures",
    )
