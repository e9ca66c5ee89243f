"""How the examples of a batch are weighed. One rule a file, one registry."""

from __future__ import annotations

from datacleanse.rules.interface import Rule
from datacleanse.rules.registry import RULES, is_steered, make_rule

__all__ = ["RULES", "Rule", "is_steered", "make_rule"]
