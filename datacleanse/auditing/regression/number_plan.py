"""The part of every row where labels are numbers, and the scale that networks see them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.data.number_labels import measure_scale
from datacleanse.detection.regression.assess import Targets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.auditing.plan import Plan
    from datacleanse.records import Dataset


@dataclass(frozen=True)
class NumberPlan:
    """A plan whose labels are codes of distinct numbers."""

    plan: Plan
    """Its halves of CLEAN are alike: rows are dealt out in the order of their numbers."""
    targets: Targets
    """What the codes stand for."""

    @property
    def standardised(self) -> NDArray[np.float64]:
        """(M,) the given numbers as networks see them; of CLEAN's rows the verified ones."""
        targets = self.targets
        found: NDArray[np.float64] = (
            targets.values[self.plan.labels] - targets.centre
        ) / targets.scale
        return found


def plan_numbers(data: Dataset, plan: Plan) -> NumberPlan:
    """Add to a plan what its labels, DATA's among them, are worth."""
    assert data.numbers is not None
    centre, scale = measure_scale(data.targets)
    return NumberPlan(plan, Targets(data.numbers, centre, scale))
