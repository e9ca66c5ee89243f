"""The rules by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.training.rules.l2rw import L2RW
from datacleanse.training.rules.lilaw import LiLAW
from datacleanse.training.rules.random import Random
from datacleanse.training.rules.uniform import Uniform

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse.settings import RuleName
    from datacleanse.training.rules.interface import Rule

RULES: dict[RuleName, Callable[[int], Rule]] = {
    "l2rw": lambda seed: L2RW(),
    "lilaw": lambda seed: LiLAW(),
    "uniform": lambda seed: Uniform(),
    "random": lambda seed: Random(seed=seed),
}
"""What makes a fresh rule from a seed, by the rule's name."""


def is_steered(name: RuleName) -> bool:
    """Whether the labels of the clean set steer the network itself."""
    return make_rule(name, seed=0).needs_influence


def make_rule(name: RuleName, *, seed: int) -> Rule:
    """Make a fresh rule."""
    return RULES[name](seed)
