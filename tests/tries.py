"""How many examples the random tests try: a quarter in `make test`, all of them with THOROUGH=1.

CI tries all, the same ones each time, so that its verdict is about the commit. At a desk hypothesis
draws others in each run: a quarter of them at each of many runs asks no less in the end. Mutations
and kills that a seed draws are the same in each run: of these the rest is tried by CI alone.
"""

from __future__ import annotations

import os

import pytest

IS_THOROUGH = os.environ.get("THOROUGH", "") not in ("", "0")


BY_CI = pytest.mark.skipif(not IS_THOROUGH, reason="takes long; CI runs it (THOROUGH=1)")
"""Of tests that try again, in whole, what others try in part."""


def tries(most: int) -> int:
    """How many of ``most`` examples to try."""
    return most if IS_THOROUGH else max(5, most // 4)
