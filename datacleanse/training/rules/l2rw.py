"""Learned reweighting.

Ren, Zeng, Yang, Urtasun 2018, "Learning to Reweight Examples for Robust Deep Learning",
arXiv 1803.09050, Algorithm 1: with u_i the influence of example i on the trusted loss,

    w~_i = max(u_i, 0)                                             (eq. 8)
    w_i  = w~_i / (sum_j w~_j + delta(sum_j w~_j = 0))             (eq. 9)

NOTE[DIFF] the update adds a share of the trusted gradient, which is at hand anyway; the paper
trains on the reweighted examples alone. `TRUSTED_SHARE` = 0 is the paper's update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.training.rules.interface import Rule

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.training.influence import Step

TRUSTED_SHARE = 0.2
"""Share of the trusted gradient in the update, measured in `docs/method.md`."""


class L2RW(Rule):
    """The paper's rule. It learns nothing of its own: the weights follow from each step."""

    needs_influence = True
    is_fixed = True

    def __init__(self, *, trusted_share: float = TRUSTED_SHARE) -> None:
        self.trusted_share = trusted_share

    def weigh(self, step: Step) -> Tensor:
        """Clip the influences at 0 (eq. 8), and divide by their sum (eq. 9)."""
        assert step.influence is not None
        clipped = step.influence.clamp(min=0.0)
        total = step.add_up(clipped)
        # Where nothing helps, the paper's delta makes the denominator 1 and all weights 0.
        return clipped / (total + (total == 0))
