"""What a check of the data looks at, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from datacleanse.detection.health.columns import Columns, read_columns
from datacleanse.detection.health.near_pairs import NearPairs, find_near_pairs
from datacleanse.detection.health.strange_rows import Strange, find_strange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Dataset, Notice
    from datacleanse.storage.manifest.health import HealthFinding, HealthKind

FIRST_ROWS = 20
"""Rows that a finding names."""


@dataclass(frozen=True)
class Material:
    """What checks look at. Of a large table it holds a part of the rows, spread over all."""

    data: Dataset
    """The n rows of DATA that are looked at."""
    rows: NDArray[np.int64]
    """(n,) their positions in DATA, ascending."""
    n_rows: int
    """N, of DATA."""
    clean: Dataset | None
    """CLEAN, M rows; None without any."""
    clean_rows: NDArray[np.int64]
    """(M,) position among the n rows of the row that each row of CLEAN is; -1: it is none."""
    test: Dataset | None
    """TEST."""
    wrong: NDArray[np.float64]
    """(n,) probability that the label is wrong, in [0, 1]."""
    class_shares: NDArray[np.float64]
    """(C,) of the true classes in DATA, by estimate; says nothing where labels are numbers."""
    notices: tuple[Notice, ...]
    """What was said of the files when they were read and compared."""

    @property
    def n_data(self) -> int:
        """The number n of rows of DATA that are looked at."""
        return len(self.rows)

    @property
    def is_part(self) -> bool:
        """Whether there are rows of DATA that are not looked at."""
        return self.n_data < self.n_rows

    @property
    def is_of_numbers(self) -> bool:
        """Whether labels are numbers and no classes."""
        return self.data.numbers is not None

    @property
    def has_columns(self) -> bool:
        """Whether there are columns to look at; pictures have none."""
        return bool(self.data.schema.columns)

    @cached_property
    def columns(self) -> Columns:
        """Of DATA's rows, then CLEAN's, then TEST's."""
        parts = (self.data, self.clean, self.test)
        return read_columns([each for each in parts if each is not None])

    @cached_property
    def parts(self) -> tuple[slice, slice, slice]:
        """Where DATA, CLEAN and TEST stand among the rows of `columns`; empty where absent."""
        n_clean = 0 if self.clean is None else self.clean.n_rows
        n_test = 0 if self.test is None else self.test.n_rows
        ends = np.cumsum([self.n_data, n_clean, n_test]).tolist()
        return slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[1], ends[2])

    @cached_property
    def strange(self) -> Strange | None:
        """Rows of DATA that are far from all others; None where nothing can be measured."""
        data, clean, _ = self.parts
        return find_strange(self.columns, data, clean, self.clean_rows)

    @cached_property
    def pairs(self) -> NearPairs:
        """Rows of `columns` that are equal, or nearly."""
        is_usual = np.zeros(len(self.columns.numbers), np.bool_)
        is_usual[self.parts[0]] = True if self.strange is None else ~self.strange.is_unlike
        return find_near_pairs(self.columns, is_usual)


@dataclass(frozen=True)
class Found:
    """What a check answers."""

    findings: tuple[HealthFinding, ...] = ()
    """Most important first."""
    skipped: str | None = None
    """Why nothing was looked for, a sentence without its subject; None: it was."""
    unlike: NDArray[np.bool_] | None = None
    """(n,) rows unlike all others, of the check that looks for them."""
    unlike_p_value: NDArray[np.float64] | None = None
    """(n,) conformal p-values of "the row is like CLEAN's", NaN where there are none."""
    copy_group: NDArray[np.int64] | None = None
    """(n,) number of the group of copies that the row is in, from 0; -1: in none."""


class Check(Protocol):
    """Looks for one kind of finding. A new one is a file beside this one and a registry line."""

    @property
    def kind(self) -> HealthKind:
        """What it looks for."""

    def look(self, seen: Material) -> Found:
        """Look for it; the same material gives the same answer."""


def say_part(seen: Material) -> str:
    """That not all rows were looked at, as a further sentence; empty where they were."""
    if not seen.is_part:
        return ""
    return f" {seen.n_data:,} of {seen.n_rows:,} rows were looked at, drawn evenly over all."
