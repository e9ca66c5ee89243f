"""Repeated runs of an audit, which show how far its flags hang on random draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.auditing.plan import redraw_folds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.auditing.plan import Plan
    from datacleanse.training.trainer import Trainer


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
