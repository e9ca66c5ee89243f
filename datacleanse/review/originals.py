"""The pictures of a run under review as they are now: the same as when they were audited, or not.

A picture is given away only if its bytes are those that were audited. So nothing that was put in
its place since, a link to some other file above all, ever leaves the machine's disk.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from datacleanse.data import digest_features, seal_row
from datacleanse.pictures.file_bytes import try_blob
from datacleanse.pictures.forms.folders import Enclosure, find_folder
from datacleanse.pictures.read import add_content_hashes
from datacleanse.pictures.signatures import PictureError
from datacleanse.pictures.stores import FileStore, ParquetStore
from datacleanse.records import Dataset, Schema
from datacleanse.review.audited_run import read_unreadable_pictures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacleanse.pictures.interface import Listing
    from datacleanse.review.audited_run import AuditedRun

State = Literal["same", "changed", "missing"]


class AuditedPicture(Protocol):
    """What an audit knew of the picture of a row."""

    @property
    def id(self) -> str | None:
        """What named the row."""

    @property
    def row_sha256(self) -> str | None:
        """Of its bytes and label, see `datacleanse.data.row_seals`; None: not known."""

    @property
    def given_label(self) -> str:
        """Its label as found."""


@dataclass(frozen=True)
class Original:
    """A picture as it lies in DATA now."""

    state: State
    """``same``: its bytes are those that were audited; ``changed``: they are others; ``missing``:
    DATA has no such picture, or it cannot be read."""
    content: bytes | None
    """Its encoded bytes; None unless they are the same."""


class Originals:
    """The pictures of some rows. Every method may be called from several threads at once."""

    def __init__(
        self, run: AuditedRun, listing: Listing, rows: Mapping[int, AuditedPicture]
    ) -> None:
        """Find the rows' pictures by their names, wherever they stand in DATA by now.

        Args:
            run: what is under review.
            listing: DATA's pictures, as they are now.
            rows: what the audit knew of them, by row of DATA then.
        """
        self._listing, self._rows = listing, rows
        self._places = _find_places(run, listing, rows)
        folder = None if listing.path is None else find_folder(run.source)
        self._enclosure = None if folder is None else Enclosure(folder)
        self._known: dict[int, tuple[object, State]] = {}
        """By row: when its file was read last, as the system tells it, and what was found."""
        self._lock = Lock()

    def read(self, row: int) -> Original:
        """Read the picture of a row."""
        place = self._places.get(row)
        if place is None:
            return Original("missing", None)
        stamp = self._take_stamp(place)
        content = self._read_bytes(place)
        state: State = "missing" if content is None else self._compare(row, place, content)
        with self._lock:
            self._known[row] = (stamp, state)
        return Original(state, content if state == "same" else None)

    def find_state(self, row: int) -> State:
        """Find out whether a picture is the one that was audited; unread where its file rests."""
        place = self._places.get(row)
        if place is None:
            return "missing"
        with self._lock:
            stamp, state = self._known.get(row, (None, "missing"))
        if stamp is not None and stamp == self._take_stamp(place):
            return state
        return self.read(row).state

    def _read_bytes(self, place: int) -> bytes | None:
        path = self._find_path(place)
        if path is not None and self._enclosure is not None and self._enclosure.is_left_by(path):
            return None
        found = list(self._listing.store.iterate_blobs(np.array([place], np.int64)))
        content = try_blob(found[0][1]) if found else None
        return content if isinstance(content, bytes) else None

    def _compare(self, row: int, place: int, content: bytes) -> State:
        about = self._rows[row]
        if about.row_sha256 is None:
            return "same"  # nothing is known of what it was
        sha256 = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)[None]
        schema = Schema(self._listing.label or "", self._listing.id, (), (), ())
        table = self._listing.table.slice(place, 1)
        alone = Dataset(self._listing.source, table, schema, np.full(1, -1, np.int64), (), ())
        hashed = add_content_hashes(alone, sha256).table
        features = digest_features(hashed, label=schema.label)[0]
        is_same = seal_row(features, about.given_label) == about.row_sha256
        return "same" if is_same else "changed"

    def _find_path(self, place: int) -> str | None:
        """Where the file of a picture lies; None where it has none of its own."""
        store = self._listing.store
        path = store.paths[place] if isinstance(store, FileStore) else None
        return None if isinstance(path, PictureError) else path

    def _take_stamp(self, place: int) -> object:
        """What changes when somebody writes to the file that holds a picture; None: unknown."""
        store, path = self._listing.store, self._find_path(place)
        paths = [] if path is None else [path]
        if isinstance(store, ParquetStore):
            paths = list(store.location.paths)
        try:
            found = [os.stat(path) for path in paths]  # noqa: PTH116 - one call, many times
        except (OSError, ValueError):
            return None
        return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in found) or None


def _find_places(
    run: AuditedRun, listing: Listing, rows: Mapping[int, AuditedPicture]
) -> dict[int, int]:
    """Where the rows' pictures stand in the listing."""
    if listing.id is None:
        # Known by their number among those that could be read.
        left_out = [each.place for each in read_unreadable_pictures(run.folder)]
        readable = np.setdiff1d(np.arange(len(listing.store)), np.array(left_out, np.int64))
        return {row: int(readable[row]) for row in rows if row < len(readable)}
    place_of = {name: place for place, name in enumerate(listing.read_ids().to_pylist())}
    return {row: place_of[each.id] for row, each in rows.items() if each.id in place_of}


def find_originals(run: AuditedRun, rows: Mapping[int, AuditedPicture]) -> Originals | None:
    """The originals of some rows; None where DATA's rows are no pictures.

    Args:
        run: what is under review.
        rows: what the audit knew of them, by row of DATA then.
    """
    return None if run.listing is None else Originals(run, run.listing, rows)
