"""What a table reader is, and what may be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

from datacleanse.data.columns import MISSING_TEXTS
from datacleanse.errors import SettingsError
from datacleanse.settings import read_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.data.sources import Location

DatesOption = Literal["dayfirst", "monthfirst", "iso"]
DecimalOption = Literal[".", ","]
TaskOption = Literal["auto", "classification", "regression"]
Notation: TypeAlias = Literal["text", "json", "typed"]
"""How cells are spelled: as the text of a CSV cell without its quotes, as a JSON value, or by a
value of an Arrow type, which is its own spelling."""

IMAGE_SIZES = (8, 1024)
"""The least and the largest side of a picture that a network is trained on, in pixels."""


ROWS_AT_ONCE = 65_536
"""Rows of a portion, at most, where a format lets us choose."""


@dataclass(frozen=True)
class LabelReading:
    """What a person says about labels; see `ReadOptions`."""

    task: TaskOption = "auto"
    decimal: DecimalOption | None = None


@dataclass(frozen=True)
class ReadOptions:
    """What a person says about the columns of DATA.

    Attributes:
        label: the label column; None looks for one of the usual names.
        id: the column that names rows; None: see ``seeks_id``.
        drop: columns to leave out of the features.
        categorical: columns whose values are names, whatever they look like.
        numeric: columns whose values are numbers; other values count as missing.
        text: columns whose values are text to be read word by word.
        delimiter: what separates cells of a CSV; None takes ``,`` (a tab for .tsv).
        image_size: side of the squares to which pictures are scaled, in pixels; None chooses it by
            DATA's pictures.
        max_unreadable: largest share of pictures that may be left out because they cannot be read.
        dates: what comes first in dates that leave it open, such as ``01/02/2019``; None: such
            columns are not read as dates.
        decimal: what begins the decimals of numbers that leave it open, such as ``1,234``; None:
            such columns are not read as numbers, but ``1.234`` is.
        missing: texts that count as missing in a CSV, beside an empty cell; None takes the usual
            ones, but not in ``categorical`` columns, where they are names.
        seeks_id: where ``id`` is None, whether a column that plainly names rows is taken for it,
            see `datacleanse.data.id_column`; without one rows are known by their number.
        task: ``regression`` reads labels as numbers to predict, the others as classes.

    Raises:
        SettingsError: a number is out of its range, or two values contradict each other.
    """

    label: str | None = None
    id: str | None = None
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    delimiter: str | None = None
    image_size: int | None = None
    max_unreadable: float = 0.05
    dates: DatesOption | None = None
    decimal: DecimalOption | None = None
    missing: tuple[str, ...] | None = None
    seeks_id: bool = True
    task: TaskOption = "auto"

    @property
    def of_labels(self) -> LabelReading:
        """What is said about labels alone."""
        return LabelReading(self.task, self.decimal)

    def __post_init__(self) -> None:
        self._check_names()
        self._read_numbers()
        if self.id is not None and not self.seeks_id:
            raise SettingsError(
                "--id and --no-id contradict each other.",
                slug="column-options-conflict",
                hint="Give one of the two.",
            )
        for name, value, known in (
            ("dates", self.dates, get_args(DatesOption)),
            ("decimal", self.decimal, get_args(DecimalOption)),
            ("task", self.task, get_args(TaskOption)),
        ):
            if value not in known and (value is not None or name == "task"):
                raise SettingsError(
                    f"--{name} is {value!r}.",
                    slug="setting-out-of-range",
                    hint=f"Give one of {', '.join(known)}.",
                )

    def _check_names(self) -> None:
        one = {"label": self.label, "id": self.id, "delimiter": self.delimiter}
        several = {
            "drop": self.drop,
            "categorical": self.categorical,
            "numeric": self.numeric,
            "text": self.text,
            "missing": self.missing or (),
        }
        named = [(option, name) for option, names in several.items() for name in names]
        named += [(option, name) for option, name in one.items() if name is not None]
        for option, name in named:
            if not isinstance(name, str):
                raise SettingsError(
                    f"--{option} is given an object of the type {type(name).__name__}.",
                    slug="setting-out-of-range",
                    hint="Give a text, as for a column its name.",
                )

    def _read_numbers(self) -> None:
        least, most = IMAGE_SIZES
        if self.image_size is not None:
            size = read_number("image-size", self.image_size, is_whole=True)
            object.__setattr__(self, "image_size", size)
            if not least <= size <= most:
                raise SettingsError(
                    f"--image-size is {size!r}.",
                    slug="setting-out-of-range",
                    hint=f"Give a number of pixels from {least} to {most}, e.g. 64.",
                )
        share = read_number("max-unreadable", self.max_unreadable, is_whole=False)
        object.__setattr__(self, "max_unreadable", share)
        if not 0 <= share <= 1:
            raise SettingsError(
                f"--max-unreadable is {share!r}.",
                slug="setting-out-of-range",
                hint="Give a share between 0 and 1, e.g. 0.05.",
            )


@dataclass(frozen=True)
class Request:
    """What a reader must know to read a file.

    Attributes:
        as_text: columns whose cells stay as written (``007`` is not 7), where a format would guess.
            Names that the file lacks are ignored.
        delimiter: what separates cells of a CSV; None for the format's own.
        unread: columns to leave out where the format lets them lie unread (Parquet); elsewhere they
            are read like any other.
        as_number: columns that hold numbers, where a format would guess; they may hold others too.
        expected: columns that the file must have. Where each row names its own, a portion whose
            rows name one of them nowhere gets it as nulls if other rows of the file do.
        names: columns of names (labels, ids). In a CSV, a cell in quotes is a name there even if it
            reads like a missing value (``"NA"``); an empty one never is.
        classes: names that are known. In the columns ``names`` they are names in quotes or not.
        missing: texts that stand for a missing value where a format has no missing values of its
            own (CSV). An empty cell always does.
        words: columns in which nothing but an empty cell does.
    """

    as_text: frozenset[str] = frozenset()
    delimiter: str | None = None
    unread: frozenset[str] = frozenset()
    as_number: frozenset[str] = frozenset()
    expected: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    missing: frozenset[str] = MISSING_TEXTS
    words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SpelledRows:
    """Some rows of a table with each cell as their file spells it."""

    table: pa.Table
    """All columns in the file's order: strings, but where the notation is ``typed``. Null: the row
    has no such cell; of a CSV no cell is null."""
    notation: Notation
    """How the cells of all columns are spelled."""
    quoted: Mapping[str, pa.ChunkedArray] = field(default_factory=dict)
    """By column, (n,) whether a cell that reads like a missing value stands in quotes, as the name
    ``"NA"`` does; columns without such cells are left out."""


class TableReader(Protocol):
    """Reads one format. A new one is a file in ``readers/`` and a line in its registry."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """File suffixes in lower case, with the dot, without a compression suffix."""

    @property
    def compressible(self) -> bool:
        """Whether the format is also read with ``.gz`` or ``.zst`` behind its suffix."""

    def peek(self, location: Location, *, request: Request) -> pa.Schema:
        """Columns by the file's start, without reading rows; text formats tell only their names.

        A file that is broken there may seem to have no columns, or raise InputError: `read` tells.
        """

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read all rows and columns in the file's order; raise InputError for what is broken."""

    def read_portions(self, location: Location, *, request: Request) -> Iterator[pa.Table]:
        """The same rows a portion at a time, in memory that does not grow with the file.

        A column's type may differ between portions; what is broken is raised where it is met.
        """

    def count_missing(
        self, location: Location, *, request: Request, table: pa.Table
    ) -> dict[str, dict[str, int]]:
        """How many cells of each column stand for a missing value, by their text.

        Nothing where the format has missing values of its own.

        Args:
            location: of the file.
            request: as it was read.
            table: what was read.
        """

    def read_spelled(
        self,
        location: Location,
        *,
        request: Request,
        columns: Sequence[str],
        rows: NDArray[np.int64] | None = None,
    ) -> Iterator[SpelledRows] | None:
        """Yield the same rows a portion at a time, each cell as the file spells it.

        Args:
            location: of a file that was read already.
            request: as it was read.
            columns: names of all columns, in the order in which they were read.
            rows: (K,) ascending, the only rows wanted; None: all.

        Returns:
            None where the file holds typed values, which are their own spelling.
        """


class OwnMissing:
    """For readers of formats that have a missing value, so that no text stands for one."""

    def count_missing(
        self, location: Location, *, request: Request, table: pa.Table
    ) -> dict[str, dict[str, int]]:
        """Nothing: a missing value is no text here."""
        del location, request, table
        return {}


class TypedValues(OwnMissing):
    """For readers of formats whose values are typed."""

    def read_spelled(
        self,
        location: Location,
        *,
        request: Request,
        columns: Sequence[str],
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        """Nothing: its values are typed, which is their own spelling."""
        del location, request, columns, rows
