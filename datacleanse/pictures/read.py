"""From listed pictures to a `Dataset` and its pixels: DATA, and sources held to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import read_ids
from datacleanse.data.label_types import name_label_type
from datacleanse.data.labels import Labels
from datacleanse.data.number_labels import learn_labels_for, match_labels_like
from datacleanse.data.packing import CONTENT_MARK
from datacleanse.errors import InputError, SettingsError
from datacleanse.pictures.chunks import ColourFoundError
from datacleanse.pictures.decode_all import choose_shape, decode_all
from datacleanse.pictures.find import find_pictures
from datacleanse.pictures.interface import Asked
from datacleanse.pictures.stores import JoinedStore
from datacleanse.pictures.unreadable import check_share, list_unreadable, note_unreadable_pictures
from datacleanse.records import Dataset, Schema

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.data import ReadOptions, Source
    from datacleanse.data.spelled_rows import RowSource
    from datacleanse.pictures.decode_all import Pixels
    from datacleanse.pictures.interface import Listing, Role, Store
    from datacleanse.pictures.unreadable import Unreadable
    from datacleanse.progress import Progress

CONTENT = "sha256"
"""Column of the hashes of the pictures' bytes."""

NO_LABEL = "label"
"""Name that a schema gives to labels where the source has none."""


@dataclass(frozen=True)
class PictureSet:
    """The pictures of one source that could be read, in its order."""

    form: str
    """How they were handed over, for people."""
    values: NDArray[np.uint8]
    """(N, C, S, S)"""
    store: Store
    """Where the originals lie."""
    places: NDArray[np.int64]
    """(N,) position of each among the source's rows: unreadable ones have no row of their own."""
    sha256: NDArray[np.uint8]
    """(N, 32) of the encoded bytes."""
    sizes: NDArray[np.int32]
    """(N, 2) width and height of the originals, upright, in pixels."""
    unreadable: tuple[Unreadable, ...]
    fingerprint: str
    """sha256 (hex) of ids, labels and encoded bytes of all rows, in order."""
    origin: RowSource | None = None
    """See `Listing`."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width (C, S, S) of each picture."""
        channels, height, width = self.values.shape[1:]
        return channels, height, width


def read_picture_data(
    listing: Listing, options: ReadOptions, *, scratch: Path, progress: Progress
) -> tuple[Dataset, PictureSet]:
    """Decode DATA's pictures and learn its labels.

    Raises:
        InputError: labels or pictures cannot be used; the message names them.
        SettingsError: options are about columns of a table.
    """
    check_picture_options(options)
    for notice in listing.notices:
        progress.say(notice.message)
    # What is wrong with the labels should not have to wait for the pictures.
    learn_picture_labels(listing)
    store = listing.store
    progress.stage("Decoding DATA", len(store))
    shape = choose_shape(store, options.image_size)
    is_grey = shape[0] == 1
    try:
        pixels = decode_all(store, shape, scratch=scratch, progress=progress, must_be_grey=is_grey)
    except ColourFoundError:
        progress.stage("Decoding DATA", len(store))
        shape = (3, *shape[1:])
        pixels = decode_all(store, shape, scratch=scratch, progress=progress)
    unreadable = list_unreadable(listing, pixels)
    if unreadable:
        check_share(listing, unreadable, "DATA", most=options.max_unreadable)
    return _learn_dataset(listing, pixels, unreadable)


def read_audited_pictures(
    listing: Listing, shape: tuple[int, int, int], *, scratch: Path, progress: Progress
) -> tuple[Dataset, PictureSet]:
    """Decode DATA's pictures to the size that a run's model reads, (C, S, S).

    Raises:
        InputError: labels cannot be used.
    """
    progress.stage("Decoding DATA", len(listing.store))
    pixels = decode_all(listing.store, shape, scratch=scratch, progress=progress)
    return _learn_dataset(listing, pixels, list_unreadable(listing, pixels))


def _learn_dataset(
    listing: Listing, pixels: Pixels, unreadable: tuple[Unreadable, ...]
) -> tuple[Dataset, PictureSet]:
    """DATA's readable rows, with the labels that they have."""
    if unreadable:
        listing = replace(listing, table=listing.table.take(pa.array(pixels.rows)))
    labels = learn_picture_labels(listing)
    schema = _make_schema(listing, labels)
    return _make_dataset(listing, schema, labels, pixels, unreadable)


def _name_label_type(listing: Listing) -> str | None:
    """The type of the labels; None where they come from a file of text, or there are none."""
    if listing.label is None:
        return None
    is_typed = listing.origin is None
    return name_label_type(listing.table.schema.field(listing.label).type, text_is_typed=is_typed)


def read_pictures_like(
    source: Source,
    schema: Schema,
    *,
    role: Role,
    shape: tuple[int, int, int],
    options: ReadOptions,
    scratch: Path,
    progress: Progress,
) -> tuple[Dataset, PictureSet]:
    """Read the pictures of another source and hold them to DATA's labels and size.

    Args:
        source: of any form of pictures.
        schema: DATA's.
        role: what messages call the source; NEW may lack labels (all -1 then) and know others.
        shape: (C, S, S) of DATA's decoded pictures.
        options: as given for DATA; the delimiter and the share of unreadable pictures count.
        scratch: folder for a file where memory does not suffice.
        progress: is told of stages.

    Raises:
        InputError: it holds no pictures, labels do not fit, or too many cannot be read.
    """
    progress.stage(f"Reading {role}", None)
    asked = Asked(
        role,
        schema.label,
        schema.id,
        delimiter=options.delimiter,
        classes=schema.classes,
        missing=options.missing,
    )
    listing = find_pictures(source, asked)
    if listing is None:
        raise _make_no_pictures_error(source, role)
    labels = _match_classes(listing, schema, role)
    progress.stage(f"Decoding {role}", len(listing.store))
    pixels = decode_all(listing.store, shape, scratch=scratch, progress=progress)
    unreadable = list_unreadable(listing, pixels)
    if unreadable:
        check_share(listing, unreadable, role, most=options.max_unreadable)
        listing = replace(listing, table=listing.table.take(pa.array(pixels.rows)))
        labels = _match_classes(listing, schema, role)
    schema = replace(schema, label=listing.label or NO_LABEL, id=listing.id)
    return _make_dataset(listing, schema, labels, pixels, unreadable)


def take_pictures(pictures: PictureSet, rows: NDArray[np.int64]) -> PictureSet:
    """Some of the pictures, (K,) by their rows, as a set without unreadable ones."""
    return replace(
        pictures,
        values=pictures.values[rows],
        places=pictures.places[rows],
        sha256=pictures.sha256[rows],
        sizes=pictures.sizes[rows],
        unreadable=(),
        fingerprint=hashlib.sha256(pictures.sha256[rows].tobytes()).hexdigest(),
        origin=None,
    )


def join_pictures(first: PictureSet, second: PictureSet) -> PictureSet:
    """The pictures of two sets of one size, those of the first before those of the second."""
    forms = dict.fromkeys([*first.form.split(", "), *second.form.split(", ")])
    prints = f"{first.fingerprint}|{second.fingerprint}".encode()
    return PictureSet(
        form=", ".join(forms),
        values=np.concatenate([first.values, second.values]),
        store=JoinedStore(first.store, second.store),
        places=np.concatenate([first.places, len(first.store) + second.places]),
        sha256=np.concatenate([first.sha256, second.sha256]),
        sizes=np.concatenate([first.sizes, second.sizes]),
        unreadable=(*first.unreadable, *second.unreadable),
        fingerprint=hashlib.sha256(prints).hexdigest(),
    )


def check_picture_options(options: ReadOptions) -> None:
    """Refuse what only a table can be told.

    Raises:
        SettingsError: a column is said to be of a kind.
    """
    for name in ("categorical", "numeric", "text"):
        if getattr(options, name):
            raise SettingsError(
                f"--{name} is about the columns of a table, but DATA's rows are pictures.",
                slug="settings-contradict",
                hint="Leave it out; --drop with the column of paths makes DATA a table.",
            )


def learn_picture_labels(listing: Listing) -> Labels:
    """Read the labels of DATA's pictures.

    Raises:
        InputError: a label is missing, or the values are no classes, or no numbers.
    """
    assert listing.label is not None  # no form lets DATA be without
    return learn_labels_for(
        listing.of_labels,
        listing.table.column(listing.label),
        name=listing.label,
        source=listing.source,
        are_names=listing.labels_are_names,
    )


def read_listing(listing: Listing) -> Dataset:
    """A data set of DATA's pictures with their labels, none of them decoded.

    Raises:
        InputError: a label is missing, or the values are no classes, or no numbers.
    """
    labels = learn_picture_labels(listing)
    schema = _make_schema(listing, labels)
    return Dataset(
        listing.source,
        listing.table,
        schema,
        labels.codes,
        labels.given,
        (*listing.notices, *labels.notices),
        numbers=labels.numbers,
    )


def _match_classes(listing: Listing, schema: Schema, role: Role) -> Labels | None:
    if listing.label is None:
        if role == "NEW":
            return None
        raise InputError(
            f"{listing.source} ({role}) has no labels.",
            slug="label-column-missing",
            hint="Put its pictures into folders named like DATA's classes, or give a manifest: a "
            "CSV with the columns path and label.",
        )
    column = listing.table.column(listing.label)
    return match_labels_like(column, schema, name=listing.label, source=listing.source, role=role)


def _make_no_pictures_error(source: Source, role: Role) -> InputError:
    name = source if isinstance(source, str) else f"<{type(source).__name__}>"
    return InputError(
        f"{name} ({role}) is a table without pictures, but DATA's rows are pictures.",
        slug="pictures-missing",
        hint="Give class folders, a manifest with a column path, or a table with a column image.",
    )


def _make_schema(listing: Listing, labels: Labels) -> Schema:
    """Of pictures: a label, and no columns."""
    return Schema(
        listing.label or NO_LABEL,
        listing.id,
        labels.classes,
        (),
        (),
        label_type=_name_label_type(listing),
        label_convention=labels.convention,
    )


def _make_dataset(
    listing: Listing,
    schema: Schema,
    labels: Labels | None,
    pixels: Pixels,
    unreadable: tuple[Unreadable, ...],
) -> tuple[Dataset, PictureSet]:
    """What was read of a listing whose table holds the readable rows only."""
    if labels is None:
        codes = np.full(len(pixels.rows), -1, np.int64)
        labels = Labels(codes, schema.classes, schema.classes, ())
    notices = (*listing.notices, *labels.notices)
    if unreadable:
        notices = (*notices, note_unreadable_pictures(listing, unreadable))
    dataset = Dataset(
        listing.source,
        listing.table,
        schema,
        labels.codes,
        labels.given,
        notices,
        numbers=labels.numbers,
    )
    dataset = add_content_hashes(dataset, pixels.sha256)
    pictures = PictureSet(
        listing.form,
        pixels.values,
        listing.store,
        pixels.rows,
        pixels.sha256,
        pixels.sizes,
        unreadable,
        fingerprint_pictures(dataset, pixels.sha256, unreadable),
        listing.origin,
    )
    return dataset, pictures


def add_content_hashes(dataset: Dataset, sha256: NDArray[np.uint8]) -> Dataset:
    """A copy of the data set with a column of the hashes, (N, 32), of its pictures' bytes."""
    name = CONTENT
    while name in dataset.table.column_names:
        name = f"{name}_"
    hashes = pa.array([each.tobytes().hex() for each in sha256], pa.string())
    field = pa.field(name, hashes.type, metadata=CONTENT_MARK)
    return replace(dataset, table=dataset.table.append_column(field, hashes))


def fingerprint_pictures(
    dataset: Dataset, sha256: NDArray[np.uint8], unreadable: tuple[Unreadable, ...]
) -> str:
    """The sha256 (hex) of ids, labels, content hashes (N, 32) and unreadable pictures."""
    digest = hashlib.sha256()
    names = (*dataset.given_labels, "")  # the last one is that of no label
    named = zip(read_ids(dataset).to_pylist(), dataset.labels.tolist(), sha256, strict=True)
    for name, code, content in named:
        digest.update(f"{name}\0{names[code]}\0".encode("utf-8", "surrogateescape"))
        digest.update(content.tobytes())
    for each in unreadable:
        digest.update(f"{each.place}\0{each.id}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
