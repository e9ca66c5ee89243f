"""What a gate found, as frozen values. None always means "not known"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GateRow:
    """A row of DATA that a threshold is about."""

    row: int
    """Position in DATA, from 0."""
    id: str
    line: int | None
    """On which it begins in DATA's file, from 1; None where the file has no lines, is compressed,
    or is not the one any more that was audited."""
    given_label: str
    suggested_label: str | None
    mislabel_probability: float | None


@dataclass(frozen=True)
class Checked:
    """A threshold and what was met."""

    threshold: str
    """Its key in the file, e.g. ``max-flags``; of a kind of finding ``fail-on KIND``."""
    allowed: float
    """The most that is good: a share of ``max-noise-rate``, else a number."""
    met: float
    """In the same unit."""
    is_exceeded: bool
    """Whether more was met than is allowed, so that the gate is shut."""
    sentence: str
    """What was compared, with its numbers."""
    n_rows: int = 0
    """Rows of DATA that it is about."""
    rows: tuple[GateRow, ...] = ()
    """The first of them."""
    columns: tuple[str, ...] = ()
    """Columns that it is about."""


@dataclass(frozen=True)
class Gate:
    """What a gate found."""

    run: str
    """Folder of the run."""
    run_id: str
    source: str
    """DATA, as the audit was given it."""
    baseline: str | None
    """Folder of the run before."""
    config: str | None
    """File of thresholds; None: options alone."""
    checked: tuple[Checked, ...]
    """By the order of the keys."""

    @property
    def exceeded(self) -> tuple[Checked, ...]:
        """Thresholds that are exceeded."""
        return tuple(each for each in self.checked if each.is_exceeded)

    @property
    def is_open(self) -> bool:
        """Whether no threshold is exceeded."""
        return not self.exceeded
