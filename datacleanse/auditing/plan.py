"""DATA and CLEAN laid out as one matrix of examples, with the part that each row plays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.auditing.clean_split import CleanSplit, held_back_rows, split_clean
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Dataset, Overlap
    from datacleanse.review.next_round import Reviewed


@dataclass(frozen=True)
class Plan:
    """The part of every row; DATA's N rows first, then CLEAN's, M in all."""

    folds: tuple[CleanSplit, ...]
    """Ways to use CLEAN's rows: the halves, and the halves swapped. One where all rows must steer,
    or where time is short."""
    labels: NDArray[np.int64]
    """(M,) as given."""
    trained: NDArray[np.bool_]
    """(M,) DATA's rows that are not in CLEAN, and the calibration rows of the first fold."""
    verified: NDArray[np.int64]
    """(N,) label that CLEAN gives this very row, -1 where it gives none."""
    held_back: NDArray[np.int64]
    """(H,) rows of CLEAN that are in no fold and that nothing learns from, sorted."""
    reviewed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """(R,) rows of CLEAN, its last, that steer in every fold and never calibrate; see
    `reviewed.py`."""

    @property
    def n_data(self) -> int:
        """N."""
        return len(self.verified)

    @property
    def split(self) -> CleanSplit:
        """Of the first fold, that of the run's own network."""
        return self.folds[0]

    @property
    def learned(self) -> NDArray[np.bool_]:
        """(M,) all rows whose label may be learned: DATA's that are not in CLEAN, and CLEAN's."""
        learned = self.trained | (np.arange(len(self.labels)) >= self.n_data)
        learned[self.n_data + self.held_back] = False
        return learned


def make_plan(
    data: Dataset,
    clean: Dataset,
    overlap: Overlap,
    *,
    seed: int,
    is_fast: bool = False,
    hold_back: float = 0.0,
    reviewed: Reviewed | None = None,
) -> Plan:
    """Give every row its part.

    Args:
        data: DATA.
        clean: CLEAN, its reviewed rows last.
        overlap: rows that stand in both.
        seed: of the draws.
        is_fast: in one fold.
        hold_back: share of CLEAN that nothing learns from; of its reviewed rows none.
        reviewed: rows that reviewers decided about, where there are any.

    Raises:
        InputError: fewer than 2 rows of DATA are left to train on.
    """
    n = data.n_rows
    trained = np.zeros(n + clean.n_rows, dtype=np.bool_)
    trained[:n] = True
    trained[overlap.data_rows] = False
    if reviewed is not None:
        trained[reviewed.left_out] = False
    if np.count_nonzero(trained) < 2:
        raise InputError(
            f"{data.source} has {np.count_nonzero(trained)} rows that are not in CLEAN.",
            slug="nothing-to-train-on",
            hint="Give more rows as DATA, or fewer as CLEAN.",
        )
    verified = np.full(n, -1, dtype=np.int64)
    one_to_one = overlap.clean_rows >= 0
    verified[overlap.data_rows[one_to_one]] = clean.labels[overlap.clean_rows[one_to_one]]
    n_sampled = clean.n_rows - (0 if reviewed is None else len(reviewed.rows))
    plan = Plan(
        folds=(),
        labels=np.concatenate([data.labels, clean.labels]),
        trained=trained,
        verified=verified,
        held_back=held_back_rows(clean.labels[:n_sampled], hold_back, seed=seed),
        reviewed=np.arange(n_sampled, clean.n_rows),
    )
    return _drawn(plan, seed=seed, is_fast=is_fast)


def redrawn(plan: Plan, *, seed: int) -> Plan:
    """The same plan with CLEAN halved anew."""
    return _drawn(plan, seed=seed, is_fast=len(plan.folds) == 1)


def _drawn(plan: Plan, *, seed: int, is_fast: bool) -> Plan:
    """The plan with folds by the seed."""
    n = plan.n_data
    sampled = plan.labels[n : len(plan.labels) - len(plan.reviewed)]
    split = split_clean(sampled, seed=seed, held_back=plan.held_back)
    split = replace(split, reviewed=plan.reviewed)
    trained = plan.trained.copy()
    trained[n:] = False
    trained[n + split.calibration] = True
    folds = [split]
    if len(split.calibration) and not is_fast:
        folds.append(CleanSplit(split.calibration, split.meta, split.reviewed))
    return replace(plan, folds=tuple(folds), trained=trained)
