"""What a form of pictures is, and what it hands over before any picture is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np

from datacleanse.data import read_ids
from datacleanse.data.interface import LabelReading
from datacleanse.records import Dataset, Schema

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.data import Source
    from datacleanse.data.spelled_rows import RowSource
    from datacleanse.records import Notice

AS_CLASSES = LabelReading()

Role: TypeAlias = Literal["DATA", "CLEAN", "TEST", "NEW"]

Blob: TypeAlias = Callable[[], bytes]
"""Gives the encoded bytes of a picture; raises `PictureError` or OSError where there are none."""


class Store(Protocol):
    """Where the encoded bytes of a source's pictures lie."""

    def __len__(self) -> int:
        """Number of pictures N."""

    def iterate_blobs(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, Blob]]:
        """Yield rows, (K,) ascending, each with what gives its bytes, in any thread."""


@dataclass(frozen=True)
class Asked:
    """What a form must know to list pictures.

    Attributes:
        role: what messages call the source.
        label: the label column that the person or DATA names; None looks for a usual name.
        id: the column that names rows; None takes the paths.
        drop: columns that are not looked at.
        delimiter: what separates cells of a CSV; None for the format's own.
        classes: DATA's, where they are known.
        missing: texts that count as missing in a CSV; None takes the usual ones.
        of_labels: how DATA's labels are read.
    """

    role: Role
    label: str | None = None
    id: str | None = None
    drop: tuple[str, ...] = ()
    delimiter: str | None = None
    classes: tuple[str, ...] = ()
    missing: tuple[str, ...] | None = None
    of_labels: LabelReading = AS_CLASSES


@dataclass(frozen=True)
class Listing:
    """The pictures of a source, in order, none of them decoded yet.

    Attributes:
        source: how messages name it.
        form: of `forms.FORMS`, for people.
        table: N rows: all columns but encoded bytes, the label among them if there are labels.
        label: the label column; None where there is none.
        id: the column that names rows; None knows them by their number.
        path: the column of paths that lead to the pictures; None where the table held the bytes.
        store: N pictures.
        notices: what to say about the listing.
        labels_are_names: the labels are names of folders or declared categories, even where they
            look like numbers.
        origin: the rows as the file of text spells them that names the pictures; None where the
            table is all there is.
        of_labels: how the labels are read.
    """

    source: str
    form: str
    table: pa.Table
    label: str | None
    id: str | None
    path: str | None
    store: Store
    notices: tuple[Notice, ...] = ()
    labels_are_names: bool = False
    origin: RowSource | None = None
    of_labels: LabelReading = AS_CLASSES

    def read_ids(self) -> pa.Array:
        """What names each row, (N,) strings."""
        schema = Schema(self.label or "", self.id, (), (), ())
        labels = np.full(self.table.num_rows, -1, np.int64)
        return read_ids(Dataset(self.source, self.table, schema, labels, (), ()))


class PictureForm(Protocol):
    """One way to hand over labelled pictures. A new one is a file here and a line in `FORMS`."""

    @property
    def name(self) -> str:
        """Name of the form for people, e.g. ``class folders``."""

    def find(self, source: Source, asked: Asked) -> Listing | None:
        """List the pictures; None where the source is not of this form.

        Raises:
            InputError: it is, but cannot be used.
        """
