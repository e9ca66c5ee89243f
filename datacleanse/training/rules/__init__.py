"""How the examples of a batch are weighed. One rule a file, one registry."""

from __future__ import annotations

from datacleanse.training.rules.interface import Rule
from datacleanse.training.rules.registry import RULES, is_steered, make_rule

__all__ = ["RULES", "Rule", "is_steered", "make_rule"]
