"""What `run.json` says of the rows that an audit was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Read from `run.json` too, so that the fields' types must be known when the program runs.
from datacleanse.records import Column, SetAside
from datacleanse.storage.typed_json import Count, Number, Share


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """A table, or a set of pictures, that was read."""

    source: str
    """Path, glob, folder or address as given; of a table in memory its type, in angle brackets."""
    sha256: str
    """sha256 (hex) of the content."""
    rows: Count
    """Rows, or pictures that could be read."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the user said about DATA's columns, so that DATA can be read again in the same way."""

    label: str | None
    """The label column asked for; null: looked for by its name."""
    id: str | None
    """The id column asked for; null: none was."""
    drop: tuple[str, ...]
    """Columns left out of the features."""
    categorical: tuple[str, ...]
    """Columns whose values are names."""
    numeric: tuple[str, ...]
    """Columns whose values are numbers."""
    text: tuple[str, ...] = ()
    """Columns whose values are text, read word by word."""
    delimiter: str | None
    """What separates the cells of a CSV; null: a comma, or a tab in a .tsv."""
    image_size: Number | None
    """Side to which pictures are scaled, in pixels; null: chosen by DATA's."""
    max_unreadable: Share
    """Largest share of pictures that may be left out as unreadable, in [0, 1]."""
    dates: Literal["dayfirst", "monthfirst", "iso"] | None = None
    """What comes first in dates that leave it open; null: nothing was said."""
    decimal: Literal[".", ","] | None = None
    """What begins the decimals of numbers that leave it open; null: nothing was said."""
    missing: tuple[str, ...] | None = None
    """Texts that count as missing in a CSV beside an empty cell; null: the usual ones."""
    seeks_id: bool = True
    """Whether a column that plainly names rows was to be the id where none was asked for."""
    task: Literal["auto", "classification", "regression"] = "auto"
    """What labels were read as; auto: classes."""


@dataclass(frozen=True, kw_only=True)
class DataSection(InputFile):
    """DATA: the rows whose labels were audited."""

    columns: Count
    """Columns of the table, label and id among them."""
    label: str
    """Name of the label column."""
    id: str | None
    """Name of the id column; null: rows are known by their number."""
    label_type: str | None = None
    """Arrow's name of the labels' type, e.g. ``int64``; null: text without a type, as in a CSV."""
    classes: dict[str, Count]
    """Rows by given label, as DATA spells it, in the order of the network's outputs."""
    reading: Reading
    """What the user said about the columns."""


@dataclass(frozen=True, kw_only=True)
class CleanSection(InputFile):
    """CLEAN: rows whose labels a person has verified, and the parts that they played."""

    sources: tuple[str, ...] = ()
    """What was joined, as named; empty where CLEAN is one table or set."""
    classes: dict[str, Count]
    """Rows by label, as CLEAN spells it."""
    steering_rows: Count
    """Rows whose gradient steered the weights in the first fold, reviewed ones among them."""
    reviewed_rows: Count
    """Of ``rows``, those that reviewers verified in an earlier round: they steer in every fold."""
    calibration_rows: Count
    """Rows that did not steer in the first fold and show there how right labels score."""
    held_back_rows: Count
    """Rows that nothing learned from, to compare the models on."""


@dataclass(frozen=True, kw_only=True)
class ReviewedSection:
    """Decisions of earlier rounds that were taken over."""

    sources: tuple[str, ...]
    """Their files."""
    sha256: str
    """sha256 (hex) of the rows, their labels, and what is left out."""
    rows: Count
    """Rows that joined CLEAN."""
    kept: Count
    """Of ``rows``, those whose label was found right."""
    relabelled: Count
    """Of ``rows``, those that got another label."""
    left_out: Count
    """Rows of DATA that were dropped: not trained on."""


@dataclass(frozen=True, kw_only=True)
class SchemaSection:
    """What DATA's columns were taken for."""

    columns: tuple[Column, ...]
    """Columns that the network reads, in DATA's order; empty where the rows are pictures."""
    set_aside: tuple[SetAside, ...]
    """Columns that it does not read."""


@dataclass(frozen=True, kw_only=True)
class OverlapSection:
    """Rows of DATA that stand in CLEAN too."""

    rows: Count
    """Rows of DATA."""
    verified: Count
    """Of ``rows``, those whose verified label is known, since one row of CLEAN matches. The others
    were not trained on."""
    wrong: Count = 0
    """Of ``verified``, those whose given label is another one."""
    new_classes: Count = 0
    """Rows beside ``rows`` that are verified to be of a class that no row of DATA has: their labels
    are wrong, too."""
    matched_by: Literal["id", "values", "pictures", "verdicts"]
    """How a row was known again."""


@dataclass(frozen=True, kw_only=True)
class DuplicatesSection:
    """Pictures of DATA that show the same as another one."""

    rows: Count
    """Such pictures."""
    groups: Count
    """Groups of them."""
    conflicting_groups: Count
    """Groups with more than one label."""


@dataclass(frozen=True, kw_only=True)
class PicturesSection:
    """How pictures were read."""

    channels: Number
    """1 where all of DATA's are grey, else 3."""
    height: Number
    """In pixels, as a network from scratch sees them; a pretrained one has its own side."""
    width: Number
    """In pixels, as a network from scratch sees them; a pretrained one has its own side."""
    forms: dict[str, str]
    """In what form they came, by role: ``data``, ``clean``, ``test``."""
    unreadable: dict[str, Count]
    """Pictures left out because they could not be read, by role."""
    duplicates: DuplicatesSection
    """Pictures that stand in DATA more than once."""
