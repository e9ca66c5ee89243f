"""The part that each row of DATA and CLEAN plays in the trainings.

A row of CLEAN that is a row of DATA makes a pair with it: one row, its given and its true label.
Where a pair steers, it does so by its true label and is not trained on. Everywhere else it is
trained on by its given label, as any row of DATA, so that its scores are exchangeable with theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.flags import MIN_CALIBRATION
from datacleanse.errors import InputError
from datacleanse.review.earlier_labels import NO_LABELS, UNKNOWN
from datacleanse.storage.mapped_files import keep_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from datacleanse.records import Dataset, Overlap
    from datacleanse.review.earlier_labels import EarlierLabels
    from datacleanse.review.next_round import Reviewed
    from datacleanse.settings import RuleName, Settings
    from datacleanse.training.trainer import Trainer


@dataclass(frozen=True)
class CleanSplit:
    """The parts that rows of CLEAN play: disjoint, together all that are not held back."""

    drawn_steering: NDArray[np.int64]
    """(S,) positions in CLEAN of the rows drawn to steer, sorted; S >= 1 where CLEAN is given."""
    calibration: NDArray[np.int64]
    """(K,) positions of the rows that calibrate, sorted; empty where the clean set is too small to
    spare `MIN_CALIBRATION` rows."""
    reviewed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """(R,) positions of the rows that reviewers decided about: they steer in every fold and
    calibrate in none; see `review/next_round.py`."""

    @property
    def steering(self) -> NDArray[np.int64]:
        """(S + R,) all rows that steer, drawn or reviewed, sorted."""
        return np.sort(np.concatenate([self.drawn_steering, self.reviewed]))


def split_clean(
    labels: NDArray[np.int64], *, seed: int, held_back: NDArray[np.int64] | None = None
) -> CleanSplit:
    """Halve the clean set, each class by itself; the odd row of a class goes to either by turns.

    Args:
        labels: (n,) class of each row of CLEAN; where n is 0, all parts are empty.
        seed: of the draw.
        held_back: rows to leave out, not all.
    """
    by_class = _shuffle_by_class(labels, seed)
    if held_back is not None and len(held_back):
        by_class = by_class[~np.isin(by_class, held_back)]
    steering, calibration = by_class[0::2], by_class[1::2]
    if len(calibration) < MIN_CALIBRATION:
        steering, calibration = by_class, by_class[:0]
    return CleanSplit(np.sort(steering), np.sort(calibration))


def hold_back_rows(labels: NDArray[np.int64], share: float, *, seed: int) -> NDArray[np.int64]:
    """Rows of CLEAN to compare models on, sorted: about the ``share`` of each class, never all.

    Args:
        labels: (n,) class of each row of CLEAN, n >= 1.
        share: in [0, 0.5].
        seed: of the draw.
    """
    by_class = _shuffle_by_class(labels, seed)
    count = int(share * len(labels))
    # Evenly spaced, so that each class gives its share.
    return np.sort(by_class[(np.arange(count) * len(labels) + len(labels) // 2) // max(count, 1)])


def _shuffle_by_class(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    ordered: NDArray[np.int64] = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return ordered


@dataclass(frozen=True)
class Plan:
    """The part of every row; DATA's N rows first, then CLEAN's, M in all."""

    folds: tuple[CleanSplit, ...]
    """Ways to use CLEAN's rows: the halves, and the halves swapped. One where all rows must steer,
    or where time is short."""
    labels: NDArray[np.int64]
    """(M,) class of each row, as given; of ``corrected`` rows as it was given before."""
    verified: NDArray[np.int64]
    """(N,) label that CLEAN gives this very row, -1 where it gives none."""
    pair_rows: NDArray[np.int64]
    """(CLEAN,) the row of DATA that makes a pair with a row of CLEAN, -1 where none does."""
    left_out: NDArray[np.int64]
    """Sorted rows of DATA whose given label nothing learns: it is not known which of several rows
    of CLEAN they are, or they are in CLEAN and make no pair."""
    held_back: NDArray[np.int64]
    """(H,) rows of CLEAN that are in no fold and that nothing learns from, sorted."""
    reviewed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """(R,) rows of CLEAN, its last, that steer in every fold and never calibrate; see
    `review/next_round.py`."""
    corrected: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Sorted pairs whose verified label stands in DATA by now, and another one before; see
    `review/earlier_labels.py`."""
    strangers: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Sorted rows of DATA whose right label is one that no row of DATA has. They are no rows of
    CLEAN, but known to be wrong, and so they calibrate."""

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
    def is_trained(self) -> NDArray[np.bool_]:
        """(M,) whether updates are made from the row in the first fold."""
        return self.mark_trained(self.split)

    @property
    def is_learned(self) -> NDArray[np.bool_]:
        """(M,) whether plain training and the second opinion learn the row's label.

        They learn of pairs what stands in DATA, whatever fold they are asked for.
        """
        learned = np.ones(len(self.labels), dtype=np.bool_)
        learned[self.left_out] = False
        learned[self.n_data + self.held_back] = False
        learned[self.n_data :][self.pair_rows >= 0] = False
        return learned

    @property
    def is_refitted(self) -> NDArray[np.bool_]:
        """(M,) whether the final model learns the row's label: of pairs the true one."""
        refitted = np.ones(len(self.labels), dtype=np.bool_)
        refitted[self.left_out] = False
        refitted[self.n_data + self.held_back] = False
        refitted[self.pair_rows[self.pair_rows >= 0]] = False
        refitted[self.strangers] = False
        return refitted

    def mark_trained(self, fold: CleanSplit) -> NDArray[np.bool_]:
        """(M,) whether updates are made from the row in a fold."""
        trained = self.is_learned
        trained[self.n_data + fold.steering] = False
        steering = self.pair_rows[fold.steering]
        trained[steering[steering >= 0]] = False
        return trained

    @property
    def truth(self) -> NDArray[np.int64]:
        """(M,) verified label of each row, -1 where there is none."""
        return keep_rows(np.concatenate([self.verified, self.labels[self.n_data :]]))

    @property
    def clean_at(self) -> NDArray[np.int64]:
        """(CLEAN,) where each row of CLEAN stands among the M: pairs in DATA, others behind it."""
        behind = self.n_data + np.arange(len(self.pair_rows))
        found: NDArray[np.int64] = np.where(self.pair_rows >= 0, self.pair_rows, behind)
        return found


def make_plan(
    data: Dataset,
    clean: Dataset,
    overlap: Overlap,
    *,
    seed: int,
    is_fast: bool = False,
    hold_back: float = 0.0,
    reviewed: Reviewed | None = None,
    earlier: EarlierLabels = NO_LABELS,
    strangers: NDArray[np.int64] | None = None,
    is_provisional: bool = False,
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
        earlier: labels that rows had when an earlier round judged them.
        strangers: rows of DATA whose right label is one that no row of DATA has.
        is_provisional: nobody has checked CLEAN, a part of DATA that is taken at its word. Pairs
            would show that no label is wrong.

    Raises:
        InputError: fewer than 2 rows of DATA are left to train on.
    """
    n_sampled = clean.n_rows - (0 if reviewed is None else len(reviewed.rows))
    held_back = hold_back_rows(clean.labels[:n_sampled], hold_back, seed=seed)
    is_single = overlap.clean_rows >= 0
    rows, of_clean = overlap.data_rows[is_single], overlap.clean_rows[is_single]
    verified = np.full(data.n_rows, -1, dtype=np.int64)
    verified[rows] = clean.labels[of_clean]
    makes_pair = (of_clean < n_sampled) & ~np.isin(of_clean, held_back) & (not is_provisional)
    makes_pair &= ~np.isin(rows, earlier.rows[earlier.labels == UNKNOWN])
    paired = rows[makes_pair]
    is_corrected = np.isin(earlier.rows, paired)
    labels = np.concatenate([data.labels, clean.labels])
    labels[earlier.rows[is_corrected]] = earlier.labels[is_corrected]
    pair_rows = np.full(clean.n_rows, -1, dtype=np.int64)
    pair_rows[of_clean[makes_pair]] = paired
    left_out = [overlap.data_rows[~is_single], rows[~makes_pair]]
    strangers = np.empty(0, np.int64) if strangers is None else strangers
    if reviewed is not None:
        left_out.append(reviewed.left_out)
        strangers = np.setdiff1d(strangers, reviewed.left_out)
    plan = Plan(
        folds=(),
        labels=keep_rows(labels),
        verified=keep_rows(verified),
        pair_rows=pair_rows,
        left_out=np.setdiff1d(np.concatenate(left_out), strangers),
        held_back=held_back,
        reviewed=np.arange(n_sampled, clean.n_rows),
        corrected=earlier.rows[is_corrected],
        strangers=strangers,
    )
    plan = _draw_folds(plan, seed=seed, is_fast=is_fast)
    _check_enough(plan, data)
    return plan


def _check_enough(plan: Plan, data: Dataset) -> None:
    n_trained = min(
        int(np.count_nonzero(plan.mark_trained(fold)[: plan.n_data])) for fold in plan.folds
    )
    if n_trained < 2:
        raise InputError(
            f"{data.source} has {n_trained} rows to train on, beside those that CLEAN verifies.",
            slug="nothing-to-train-on",
            hint="Give more rows as DATA, or fewer as CLEAN.",
        )


def choose_rule(settings: Settings, plan: Plan) -> RuleName:
    """The rule asked for, else ``l2rw`` where rows can steer."""
    return settings.rule or ("l2rw" if plan.has_clean else "uniform")


def redraw_folds(plan: Plan, *, seed: int) -> Plan:
    """Return the plan with CLEAN halved anew."""
    return _draw_folds(plan, seed=seed, is_fast=len(plan.folds) == 1)


def redraw_runs(plan: Plan, trainer: Trainer, repeats: int) -> Iterator[tuple[Plan, Trainer]]:
    """For each repeated run, draw anew: its plan, CLEAN halved otherwise, and its trainer.

    Args:
        plan: of the run itself.
        trainer: of the run itself.
        repeats: how many there are, 0 or more.
    """
    for number in range(1, repeats + 1):
        again = trainer.repeat_with(number)
        yield redraw_folds(plan, seed=again.lesson.seed), again


def _draw_folds(plan: Plan, *, seed: int, is_fast: bool) -> Plan:
    """Return the plan with folds drawn by the seed."""
    n = plan.n_data
    sampled = plan.labels[n : len(plan.labels) - len(plan.reviewed)]
    split = split_clean(sampled, seed=seed, held_back=plan.held_back)
    split = replace(split, reviewed=plan.reviewed)
    folds = [split]
    if len(split.calibration) and not is_fast:
        folds.append(CleanSplit(split.calibration, split.drawn_steering, split.reviewed))
    return replace(plan, folds=tuple(folds))
