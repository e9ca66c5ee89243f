"""The part that each row of DATA and CLEAN plays in the trainings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.auditing.clean_split import CleanSplit, hold_back_rows, split_clean
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Dataset, Overlap
    from datacleanse.review.next_round import Reviewed
    from datacleanse.settings import RuleName, Settings


@dataclass(frozen=True)
class Plan:
    """The part of every row; DATA's N rows first, then CLEAN's, M in all."""

    folds: tuple[CleanSplit, ...]
    """Ways to use CLEAN's rows: the halves, and the halves swapped. One where all rows must steer,
    or where time is short."""
    labels: NDArray[np.int64]
    """(M,) class of each row, as given."""
    is_trained: NDArray[np.bool_]
    """(M,) True for rows of DATA that are not in CLEAN, and for calibration rows of the first
    fold."""
    verified: NDArray[np.int64]
    """(N,) label that CLEAN gives this very row, -1 where it gives none."""
    held_back: NDArray[np.int64]
    """(H,) rows of CLEAN that are in no fold and that nothing learns from, sorted."""
    reviewed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """(R,) rows of CLEAN, its last, that steer in every fold and never calibrate; see
    `review/next_round.py`."""

    @property
    def n_data(self) -> int:
        """N, the number of DATA's rows."""
        return len(self.verified)

    @property
    def split(self) -> CleanSplit:
        """The parts of CLEAN in the first fold, that of the run's own network."""
        return self.folds[0]

    @property
    def has_clean(self) -> bool:
        """Whether CLEAN was given, so that rows steer and how labels go wrong can be learned."""
        return len(self.split.drawn_steering) > 0

    @property
    def is_learned(self) -> NDArray[np.bool_]:
        """(M,) True where a label may be learned: rows of DATA that are not in CLEAN, and CLEAN."""
        learned = self.is_trained | (np.arange(len(self.labels)) >= self.n_data)
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
    n_sampled = clean.n_rows - (0 if reviewed is None else len(reviewed.rows))
    plan = Plan(
        folds=(),
        labels=np.concatenate([data.labels, clean.labels]),
        is_trained=_mark_trained(data, clean, overlap, reviewed),
        verified=_verify_labels(data, clean, overlap),
        held_back=hold_back_rows(clean.labels[:n_sampled], hold_back, seed=seed),
        reviewed=np.arange(n_sampled, clean.n_rows),
    )
    return _draw_folds(plan, seed=seed, is_fast=is_fast)


def _mark_trained(
    data: Dataset, clean: Dataset, overlap: Overlap, reviewed: Reviewed | None
) -> NDArray[np.bool_]:
    """(M,) True for DATA's rows that are neither in CLEAN nor dropped by reviewers."""
    is_trained = np.zeros(data.n_rows + clean.n_rows, dtype=np.bool_)
    is_trained[: data.n_rows] = True
    is_trained[overlap.data_rows] = False
    if reviewed is not None:
        is_trained[reviewed.left_out] = False
    if np.count_nonzero(is_trained) < 2:
        raise InputError(
            f"{data.source} has {np.count_nonzero(is_trained)} rows that are not in CLEAN.",
            slug="nothing-to-train-on",
            hint="Give more rows as DATA, or fewer as CLEAN.",
        )
    return is_trained


def _verify_labels(data: Dataset, clean: Dataset, overlap: Overlap) -> NDArray[np.int64]:
    """(N,) verified label of the rows of DATA that stand in CLEAN once, -1 for all others."""
    verified = np.full(data.n_rows, -1, dtype=np.int64)
    one_to_one = overlap.clean_rows >= 0
    verified[overlap.data_rows[one_to_one]] = clean.labels[overlap.clean_rows[one_to_one]]
    return verified


def choose_rule(settings: Settings, plan: Plan) -> RuleName:
    """The rule asked for, else ``l2rw`` where rows can steer."""
    return settings.rule or ("l2rw" if plan.has_clean else "uniform")


def redraw_folds(plan: Plan, *, seed: int) -> Plan:
    """Return the plan with CLEAN halved anew."""
    return _draw_folds(plan, seed=seed, is_fast=len(plan.folds) == 1)


def _draw_folds(plan: Plan, *, seed: int, is_fast: bool) -> Plan:
    """Return the plan with folds drawn by the seed."""
    n = plan.n_data
    sampled = plan.labels[n : len(plan.labels) - len(plan.reviewed)]
    split = split_clean(sampled, seed=seed, held_back=plan.held_back)
    split = replace(split, reviewed=plan.reviewed)
    is_trained = plan.is_trained.copy()
    is_trained[n:] = False
    is_trained[n + split.calibration] = True
    folds = [split]
    if len(split.calibration) and not is_fast:
        folds.append(CleanSplit(split.calibration, split.drawn_steering, split.reviewed))
    return replace(plan, folds=tuple(folds), is_trained=is_trained)
