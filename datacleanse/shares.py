"""Shares seen in a sample: how sure they are, and how many rows would make them surer."""

from __future__ import annotations

import math

NORMAL_95 = 1.96
"""Standard deviations on either side of a mean that hold 95 % of a normal distribution."""


def find_wilson_interval(k: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a share of which k in n > 0 were seen.

    Both may be fractions, where rows count by weights.
    """
    share, z2 = k / n, NORMAL_95 * NORMAL_95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    spread = math.sqrt(max(0.0, share * (1 - share) / n + z2 / (4 * n * n)))
    half = NORMAL_95 / (1 + z2 / n) * spread
    return max(0.0, middle - half), min(1.0, middle + half)


def count_rows_for(share: float, half_width: float) -> int:
    """Rows by which Wilson's interval of that share is no wider than ``half_width`` to each side.

    Args:
        share: that was seen, in [0, 1].
        half_width: wanted, in (0, 0.5).
    """

    def is_narrow(n: int) -> bool:
        least, most = find_wilson_interval(share * n, n)
        return most - least <= 2 * half_width

    low, high = 0, 1
    while not is_narrow(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_narrow(middle) else (middle, high)
    return high
