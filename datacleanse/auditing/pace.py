"""How fast this machine is now, beside the one that fixed times were measured on."""

from __future__ import annotations

from statistics import median
from time import perf_counter

NUMBERS = 100_000
"""Numbers that are squared and added up, in Python alone."""

USUAL_SECONDS = 0.0032
"""What that took where fixed times were measured: AMD EPYC, 2 cores, Python 3.11."""

TIMES = 5


def measure_pace() -> float:
    """By what a time that was measured there is to be multiplied; 2: this machine is half as fast.

    Python's own work, as reading tables and writing reports mostly are, is the measure.
    """
    taken = []
    for _ in range(TIMES):
        started = perf_counter()
        sum(number * number for number in range(NUMBERS))
        taken.append(perf_counter() - started)
    return median(taken) / USUAL_SECONDS
