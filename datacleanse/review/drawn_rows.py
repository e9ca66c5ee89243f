"""Rows of DATA drawn to be verified, of a table or of pictures, with all that a person is shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import draw_rows, fingerprint, read_data, read_ids, seal_rows, take_rows
from datacleanse.data.any_number import choose_numbers
from datacleanse.data.number_labels import count_decimals
from datacleanse.data.spelled_rows import find_row_source, join_rows, type_rows
from datacleanse.pictures.find import ask_for_data, find_pictures
from datacleanse.review.verified_file import Draw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from datacleanse.data import DrawnRows, ReadOptions
    from datacleanse.data.any_number import AnyNumber
    from datacleanse.pictures.interface import Blob, Listing, Store
    from datacleanse.progress import Progress
    from datacleanse.records import Dataset, Notice

_SMALL = (64, 64)
"""Pixels to which a picture is decoded only to see that it can be read."""


@dataclass(frozen=True)
class DrawnRow:
    """A row that a person is asked about."""

    row: int
    """Position in DATA, from 0."""
    id: str | None
    """In DATA's id column; None where DATA has none."""
    row_sha256: str | None
    """Of its cells and label, see `datacleanse.data.row_seals`."""
    given_label: str
    """As DATA spells it."""
    probability: float
    """In (0, 1], of being drawn."""


@dataclass(frozen=True)
class Drawing:
    """Rows drawn from DATA, in the order in which they are asked about."""

    source: str
    """How messages name DATA."""
    label: str
    """The label column."""
    classes: tuple[str, ...]
    """DATA's classes as it spells them, in its order; none where labels are numbers."""
    counts: tuple[int, ...]
    """Rows of DATA of each class."""
    numbers: AnyNumber | None
    """Which numbers a row may be verified as; None: labels are classes."""
    draw: Draw
    rows: tuple[DrawnRow, ...]
    """The K rows."""
    cells: pa.Table
    """(K,) their own columns without the label, spelled as in the file."""
    pictures: Store | None
    """DATA's pictures, by row; None where DATA is a table."""
    notices: tuple[Notice, ...]
    """What reading had to say."""


def draw_from(
    source: str,
    options: ReadOptions,
    n: int,
    *,
    seed: int,
    by_class: bool,
    progress: Progress,
) -> Drawing:
    """Read DATA and draw rows that a person is to verify.

    Args:
        source: DATA: a table, or pictures in any form.
        options: how it is read.
        n: rows wanted; all rows if there are no more.
        seed: the same seed draws the same rows.
        by_class: whether every class gets its share, see `datacleanse.data.draw_rows`.
        progress: is told of stages.

    Raises:
        InputError: DATA cannot be used; the message says why.
    """
    progress.stage("Reading", None)
    listing = find_pictures(source, ask_for_data(options))
    if listing is None:
        data = read_data(source, options, progress=progress)
        drawn = draw_rows(data, n, seed=seed, by_class=by_class)
        draw = Draw(n, seed, by_class, data.n_rows, fingerprint(source))
        return _describe(data, drawn, draw, _read_cells(source, data, drawn.rows, options))
    return _draw_pictures(listing, n, seed=seed, by_class=by_class)


def _read_cells(
    source: str, data: Dataset, rows: NDArray[np.int64], options: ReadOptions
) -> pa.Table:
    """The rows' own columns as the file spells them, in the order asked for."""
    ascending = np.sort(rows)
    portions = list(find_row_source(source, data.table, options).read(ascending))
    table = type_rows(join_rows(portions))
    return table.take(pa.array(np.searchsorted(ascending, rows)))


def _describe(
    data: Dataset,
    drawn: DrawnRows,
    draw: Draw,
    cells: pa.Table,
    *,
    sealed: list[str | None] | None = None,
    pictures: Store | None = None,
) -> Drawing:
    label, given = data.schema.label, data.given_labels
    seals = seal_rows(data, drawn.rows) if sealed is None else sealed
    has_ids = data.schema.id is not None
    ids = read_ids(data).take(pa.array(drawn.rows)).to_pylist() if has_ids else None
    rows = tuple(
        DrawnRow(
            row,
            None if ids is None else ids[place],
            seals[place],
            given[data.labels[row]],
            float(drawn.probability[place]),
        )
        for place, row in enumerate(drawn.rows.tolist())
    )
    classes, numbers = given, None
    if data.numbers is not None:
        decimals = count_decimals(data.targets)
        classes, numbers = (), choose_numbers(data.schema.label_type, decimals)
    counts = np.bincount(data.labels, minlength=len(given))
    return Drawing(
        source=data.source,
        label=label,
        classes=classes,
        counts=tuple(counts.tolist()) if classes else (),
        numbers=numbers,
        draw=draw,
        rows=rows,
        cells=cells.drop_columns([label]) if label in cells.column_names else cells,
        pictures=pictures,
        notices=data.notices,
    )


def _draw_pictures(listing: Listing, n: int, *, seed: int, by_class: bool) -> Drawing:
    # Loads Pillow, which tables have no use for.
    from datacleanse.pictures.read import add_content_hashes, read_listing

    data = read_listing(listing)
    drawn, hashes = _draw_readable(data, listing.store, n, seed=seed, by_class=by_class)
    own = take_rows(data, drawn.rows)
    sealed: list[str | None] = []
    if own is not None:
        sealed = seal_rows(add_content_hashes(own, hashes), np.arange(own.n_rows))
    beside = listing.table.take(pa.array(drawn.rows))
    shown = [name for name in beside.column_names if name not in (listing.path, listing.id)]
    given = (data.given_labels[code] for code in data.labels.tolist())
    sha256 = fingerprint_names(read_ids(data).to_pylist(), given)
    draw = Draw(n, seed, by_class, data.n_rows, sha256)
    cells = beside.select(shown)
    return _describe(data, drawn, draw, cells, sealed=sealed, pictures=listing.store)


def _draw_readable(
    data: Dataset, store: Store, n: int, *, seed: int, by_class: bool
) -> tuple[DrawnRows, NDArray[np.uint8]]:
    """Draw pictures that can be read, and the hashes (K, 32) of their bytes.

    An audit leaves the others out; the next ones of the draw take their place.
    """
    asked = n
    while True:
        drawn = draw_rows(data, asked, seed=seed, by_class=by_class)
        digests = _digest_readable(store, drawn.rows)
        kept = np.array([row in digests for row in drawn.rows.tolist()], dtype=np.bool_)
        if kept.sum() >= n or by_class or asked >= data.n_rows:
            break
        asked += int(n - kept.sum())
    rows = drawn.rows[kept]
    hashes = b"".join(digests[row] for row in rows.tolist())
    return (
        replace(drawn, rows=rows, probability=drawn.probability[kept]),
        np.frombuffer(hashes, np.uint8).reshape(-1, hashlib.sha256().digest_size),
    )


def _digest_readable(store: Store, rows: NDArray[np.int64]) -> dict[int, bytes]:
    """The sha256 of the bytes of those pictures that can be read, by row."""
    from datacleanse.pictures.decode_one import decode, silence_decoding
    from datacleanse.pictures.signatures import PictureError
    from datacleanse.pictures.threads import map_in_threads

    def digest(item: tuple[int, Blob]) -> tuple[int, bytes | None]:
        try:
            content = item[1]()
            decode(content, _SMALL)
        except (PictureError, OSError):
            return item[0], None
        return item[0], hashlib.sha256(content).digest()

    with silence_decoding():
        found = list(map_in_threads(digest, store.iterate_blobs(np.sort(rows))))
    return {row: each for row, each in found if each is not None}


def fingerprint_names(names: Iterable[str], labels: Iterable[str]) -> str:
    """The sha256 (hex) of the names and labels of all pictures, none of which is read for it."""
    digest = hashlib.sha256()
    for name, label in zip(names, labels, strict=True):
        digest.update(f"{name}\0{label}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
