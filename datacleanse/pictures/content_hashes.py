"""DATA's pictures by the hashes of their bytes: enough to find pictures again after a decision."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data import take_rows
from datacleanse.pictures.file_bytes import try_blob
from datacleanse.pictures.read import add_content_hashes, fingerprint_pictures, read_listing
from datacleanse.pictures.threads import map_in_threads

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from datacleanse.pictures.interface import Blob, Listing
    from datacleanse.pictures.unreadable import Unreadable
    from datacleanse.progress import Progress
    from datacleanse.records import Dataset


def hash_dataset(listing: Listing, *, progress: Progress) -> tuple[Dataset, NDArray[np.uint8]]:
    """Hash DATA's pictures: all rows with a column of hashes, and the hashes (N, 32).

    Raises:
        InputError: a label is missing, or the values are no classes.
    """
    n = len(listing.store)
    progress.stage("Hashing DATA", n)
    sha256 = np.zeros((n, 32), np.uint8)
    for place, digest in enumerate(
        map_in_threads(_hash_blob, listing.store.iterate_blobs(np.arange(n)))
    ):
        sha256[place] = np.frombuffer(digest, np.uint8)
        progress.advance()
    dataset = read_listing(listing)
    return add_content_hashes(dataset, sha256), sha256


def _hash_blob(item: tuple[int, Blob]) -> bytes:
    content = try_blob(item[1])
    return hashlib.sha256(content if isinstance(content, bytes) else b"").digest()


def fingerprint_without(
    dataset: Dataset, sha256: NDArray[np.uint8], unreadable: Collection[Unreadable]
) -> str:
    """The fingerprint of DATA as it is now, for an audit that left out unreadable pictures."""
    left_out = np.array([each.place for each in unreadable], np.int64)
    rows = np.setdiff1d(np.arange(dataset.n_rows), left_out)
    kept = take_rows(dataset, rows)
    return "" if kept is None else fingerprint_pictures(kept, sha256[rows], tuple(unreadable))
