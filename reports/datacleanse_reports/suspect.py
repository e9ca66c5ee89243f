"""What a report says of single rows, as frozen values; see `records.py` for the whole.

None always means "not known" and is shown as such; no float here is NaN or infinite.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LikelyClass:
    """A class that a row may truly be of."""

    label: str
    probability: float
    """By the posterior that the ranking rests on, in [0, 1]."""


@dataclass(frozen=True)
class Picture:
    """A small picture of a row."""

    uri: str
    """``data:`` address with the picture in it."""
    note: str | None
    """What was noticed of its quality, e.g. ``blurred, dark``."""


@dataclass(frozen=True)
class Neighbour:
    """A verified row near a suspect."""

    clean_row: int
    """Position in CLEAN, from 0."""
    label: str
    """Its trusted label."""
    distance: float | None
    picture: Picture | None
    cells: tuple[str | None, ...] = ()
    """Its original columns as text, in the order of ``ReportView.columns``; empty where the run
    keeps none."""


@dataclass(frozen=True)
class Suspect:
    """A row of the ranking. Fields are those of ``audit.parquet`` where the names agree."""

    rank: int
    row: int
    id: str
    given_label: str
    suggested_label: str | None
    suspicion: float | None
    mislabel_probability: float | None
    p_value: float | None
    flagged: bool
    mean_weight: float | None
    zero_weight_share: float | None
    mean_influence: float | None
    mean_margin: float | None
    mean_loss: float | None
    control_margin: float | None
    in_training: bool
    verified_label: str | None
    weight_by_epoch: tuple[float | None, ...]
    reason: str
    """One sentence made of this row's own numbers."""
    cells: tuple[str | None, ...]
    """The row's original columns as text, in the order of ``ReportView.columns``."""
    row_sha256: str | None
    """Of the row's content as it was audited; None where the run keeps none."""
    likely: tuple[LikelyClass, ...]
    """Likeliest first; empty where the run keeps none."""
    neighbours: tuple[Neighbour, ...]
    """Nearest first; empty where the run keeps none."""
    picture: Picture | None
    telling: tuple[int, ...] = ()
    """Which of ``cells`` to show first, most telling first."""
    verdict: str | None = None
    """``likely wrong``, ``ambiguous``, ``unlike the rest`` or ``fine``; None: the run has none."""
    terms: tuple[str, ...] = ()
    """Words of its texts that speak for the suggested label, else against the given one."""
    texts: tuple[int, ...] = ()
    """Which of ``cells`` are texts, in which these words are marked."""

    @property
    def expected(self) -> str:
        """The range that the label should lie in; empty where labels are classes."""
        return ""


@dataclass(frozen=True)
class ConflictRow:
    """A row that equals others but for its label."""

    row: int
    id: str
    rank: int
    label: str


@dataclass(frozen=True)
class ConflictGroup:
    """Equal rows with more than one label."""

    n_rows: int
    rows: tuple[ConflictRow, ...]
    """By rank; of a large group the first ones."""


@dataclass(frozen=True)
class Conflicts:
    """Rows of DATA that are equal in every column read, but for their labels."""

    n_groups: int
    n_rows: int
    groups: tuple[ConflictGroup, ...]
    """By the rank of their most suspicious row; of many groups the first ones."""
    are_pictures: bool
    """Whether they are pictures that show the same; rows of a table agree in every column read."""
