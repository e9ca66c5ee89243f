"""What a comparison of two runs says, as frozen values. None always means "not known"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

MatchedBy = Literal["row", "id", "content", "picture"]
"""How rows of the two runs were told to be the same: DATA is the same file; both name rows by ids;
of the stored suspects, their cells but the label are alike; or, of pictures, they are the same
picture wherever it lies, and beyond the stored suspects have the same path."""

Outcome = Literal["corrected", "kept", "dropped", "relabelled", "gone", "verified", "cleared"]
"""Why a row is flagged no more. By the decisions about the earlier run: it has the label that was
decided; its label was found right; it was dropped. Else: it has another label now; it is not there
(or, where rows are matched by content, not among the stored suspects); it was verified to be right;
the audit finds it right."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True)
class RunState:
    """One of the two runs in a few numbers."""

    run_id: str
    created_at: str
    """ISO 8601."""
    source: str
    """DATA."""
    rows: int
    """Of DATA."""
    clean_rows: int
    """Trusted rows, reviewed ones included."""
    estimated_wrong: float | None
    """Expected number of wrong labels, in rows; None: no row was verified."""
    estimated_share: float | None
    """The same as a share of the rows, in [0, 1]."""
    low_share: float | None
    """Lower end of its range."""
    high_share: float | None
    """Upper end."""
    rate_basis: str
    """``pairs``: the range is a 95 % confidence interval; ``estimates``: one of two estimates."""
    flagged: int
    basis: str
    """What the list of flags rests on, as in `run.json`."""
    fdr: float


@dataclass(frozen=True)
class RowState:
    """A row as one run sees it; fields are those of `audit.parquet`."""

    row: int
    id: str
    rank: int
    given_label: str
    suggested_label: str | None
    mislabel_probability: float | None
    flagged: bool


@dataclass(frozen=True)
class RowChange:
    """A row in both runs; None where it is not in one of them."""

    before: RowState | None
    now: RowState | None
    outcome: Outcome | None = None
    """Of rows that are flagged no more."""

    @property
    def shown(self) -> RowState:
        """As the later run sees it, where that knows it."""
        state = self.now or self.before
        assert state is not None
        return state


@dataclass(frozen=True)
class MetricChange:
    """A measure of the exported model on the test rows."""

    name: str
    title: str
    higher_is_better: bool
    before: float | None
    now: float | None
    difference: float | None
    """Now minus before."""
    is_in_label_unit: bool = False
    """Whether it is measured in the unit of the label, which is a number."""


@dataclass(frozen=True)
class Changes:
    """What changed from ``before`` to ``now``."""

    before: RunState
    now: RunState
    matched_by: MatchedBy
    newly_flagged: tuple[RowChange, ...]
    """By their rank now."""
    resolved: tuple[RowChange, ...]
    """Flagged before and not now, by their rank before."""
    still_flagged: int
    moves: tuple[RowChange, ...]
    """Rows that both runs know and neither has verified, one of them among its first, whose rank
    changed; by how far."""
    metrics: tuple[MetricChange, ...]
    """Empty where one of the runs was not tested."""
    same_test: bool
    """Whether both runs were tested on the same rows."""

    @property
    def outcomes(self) -> dict[Outcome, int]:
        """Rows that are flagged no more, by why."""
        return {
            outcome: sum(change.outcome == outcome for change in self.resolved)
            for outcome in OUTCOMES
        }
