"""Values that cross module borders. All frozen; every field says its shape, unit and range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

FeatureKind = Literal["numeric", "boolean", "categorical", "datetime", "embedding", "text"]
SetAsideKind = Literal[
    "constant",
    "empty",
    "text",
    "identifier",
    "unclear",
    "nested",
    "dropped",
    "beside pictures",
]


@dataclass(frozen=True)
class Convention:
    """How a column of text writes its numbers or dates, where a program would write them otherwise.

    It was found on DATA, for the column as a whole, and holds for every other file.
    """

    example: str
    """A cell of DATA, as messages quote it."""
    decimal: Literal[".", ","] | None = None
    """Of numbers: what begins the decimals; None: DATA's are whole."""
    unit: str = ""
    """Of numbers: the sign of a currency, which means nothing, or ``%`` or ``‰``, which divides."""
    order: (
        Literal[
            "day first",
            "month first",
            "year first",
            "short year first",
            "month by name",
            "time of day",
            "month and year",
            "year and month",
        ]
        | None
    ) = None
    """Of dates: how they begin, or what they consist of; None for numbers."""
    separator: str = ""
    """Of dates: what stands between day, month and year where all are numbers."""


@dataclass(frozen=True)
class Column:
    """A column that the network reads."""

    name: str
    """As in DATA."""
    kind: FeatureKind
    """What its cells are taken for."""
    width: int = 1
    """Numbers per cell: the vector length of an embedding, 1 otherwise."""
    convention: Convention | None = None
    """How its cells write numbers or dates; None: as programs do."""
    na_is_word: bool = False
    """Of a column of names or of text: whether ``NA``, ``null`` and the like are values in it as
    any other, and nothing is missing but what is empty or null."""

    @property
    def is_worded(self) -> bool:
        """Whether its cells are names or texts, which any cell can be read as."""
        return self.kind in ("categorical", "text")


@dataclass(frozen=True)
class SetAside:
    """A column that the network does not read, and why."""

    name: str
    """As in DATA."""
    kind: SetAsideKind
    """Why it is not read, in a word."""
    reason: str
    """A sentence part for people, e.g. ``every value is different (an id)``."""


@dataclass(frozen=True)
class Schema:
    """What DATA's columns are. Inferred once on DATA and held for every other file."""

    label: str
    """Name of the label column."""
    id: str | None
    """Name of the id column, or None when rows are known by their number."""
    classes: tuple[str, ...]
    """Class names in the order of the network's outputs (sorted, numbers by value); at least 2,
    none where the labels are numbers to predict."""
    columns: tuple[Column, ...]
    """Features in DATA's order; at least 1, none where the rows are pictures."""
    set_aside: tuple[SetAside, ...]
    missing: tuple[str, ...] | None = None
    """Texts that count as missing in a CSV beside an empty cell; None: the usual ones."""
    label_type: str | None = None
    """Arrow's name of the labels' type, e.g. ``int64``; None: text without a type, as in a CSV."""
    id_is_found: bool = False
    """Whether ``id`` was found by its values and not named by a person: then another file in which
    it cannot name rows is read all the same."""
    label_convention: Convention | None = None
    """How labels that are numbers are written; None: as programs write them."""


@dataclass(frozen=True)
class Notice:
    """Something that a person should know although the work went on."""

    slug: str
    """Its kind, for programs, e.g. ``label-chosen``."""
    message: str
    """One or two full sentences with the numbers that matter."""
    is_warning: bool = False
    """True where the result may suffer; False for plain information."""
    column: str | None = None
    """The column that it is about, where it is about one."""
    cells: int | None = None
    """How many of its cells it is about, where that is counted."""
    option: str | None = None
    """What overrules the choice that it tells of, as typed, e.g. ``--categorical zip``."""


UNCHECKED = "clean-unchecked"
"""Slug of the notice that nobody seems to have checked the clean set or a part of it: whoever shows
a rate says with it that it is in doubt."""


@dataclass(frozen=True)
class CellCount:
    """How the cells of a column of another file could be read as DATA's kind."""

    column: str
    """Its name."""
    present: int
    """Cells that hold a value, whether it can be read or not."""
    missing: int
    """Cells that hold none."""
    unreadable: int
    """Of ``present``, those that are not of DATA's kind: they count as missing."""
    example: str = ""
    """The first unreadable value, as messages quote it."""
    row: int = -1
    """Where it stands, from the file's first row; -1 without any."""
    missing_row: int = -1
    """The first row without a value; -1 without any."""


@dataclass(frozen=True)
class NumberLabels:
    """A label column of numbers to predict."""

    codes: NDArray[np.int64]
    """(N,) index into both others."""
    given: tuple[str, ...]
    """Distinct numbers as the file spells them, one way each, K in number; those that it does not
    write as programs do are respelled."""
    numbers: NDArray[np.float64]
    """(K,) what they are worth; finite, ascending."""
    convention: Convention | None = None
    """How the file writes them; None: as programs do, as does ``given``."""


@dataclass(frozen=True)
class Dataset:
    """A table with its labels, in the order of the file."""

    source: str
    """How messages name it: the path as given, or ``<DataFrame>``."""
    table: pa.Table
    """All columns as read, N rows (the label and id columns too)."""
    schema: Schema
    labels: NDArray[np.int64]
    """(N,) index into ``schema.classes``; -1 throughout where the file has no label column. Where
    labels are numbers to predict, index into ``given_labels``."""
    given_labels: tuple[str, ...]
    """The spelling of each class in this file, by class index (here ``1.0``, in DATA ``1``); of
    numbers to predict that of each distinct one."""
    notices: tuple[Notice, ...]
    first_row: int = 0
    """Position in the file of the table's first row; above 0 in a portion of it."""
    counts: tuple[CellCount, ...] = ()
    """Of the features that are no names, in a file that was held to DATA's schema."""
    row_names: pa.Array | None = None
    """(N,) string: what a data frame's index calls the rows; None: nothing but their numbers."""
    numbers: NDArray[np.float64] | None = None
    """(K,) what each of ``given_labels`` is worth, ascending, where labels are numbers to predict;
    None: they are classes."""

    @property
    def targets(self) -> NDArray[np.float64]:
        """(N,) the numbers to predict; to be asked for only where labels are numbers."""
        assert self.numbers is not None, "labels are classes"
        found: NDArray[np.float64] = self.numbers[self.labels]
        return found

    @property
    def n_rows(self) -> int:
        """Number of rows N."""
        return len(self.labels)


@dataclass(frozen=True)
class Overlap:
    """Rows of CLEAN that stand in DATA too."""

    data_rows: NDArray[np.int64]
    """(K,) sorted distinct rows of DATA that match at least one row of CLEAN."""
    clean_rows: NDArray[np.int64]
    """(K,) the matching row of CLEAN where the match is one to one, else -1."""
    matched_by: Literal["id", "values", "pictures", "verdicts"]
    """What rows of both have in common: their id, their feature values or what they show; or they
    are rows of DATA themselves, with a verdict each."""


@dataclass(frozen=True)
class Comparison:
    """What the check of CLEAN against DATA found."""

    overlap: Overlap
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class PictureInputs:
    """The decoded pictures beside the tables of an audit of images, row by row.

    All three are of one size (C, H, W): channels (1 where every picture of DATA is grey, else 3,
    red, green, blue), height and width in pixels. They may be memory maps, of files that live as
    long as the arrays.
    """

    data: NDArray[np.uint8]
    """(N, C, H, W) DATA's pictures, values 0 (black) to 255."""
    clean: NDArray[np.uint8]
    """(M, C, H, W) CLEAN's pictures."""
    test: NDArray[np.uint8] | None = None
    """(T, C, H, W) TEST's pictures; None where there is no TEST."""
