"""Audits whose judgement takes a fraction of the work, for tests that ask for all else.

Of an audit of a few hundred rows, half is growing the second opinion's trees and fitting noise
matrices. All tests judge so but those of `tests/detection` and those that ask for `whole_judge`.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEWER = {
    "second_opinion.trees.N_TREES": 15,
    "noise_matrix.FIT_STEPS": 25,
    "regression.opinions.N_TREES": 4,
    "regression.spread.N_TREES": 4,
}
"""How many times less is done, by what says in `datacleanse.detection` how much. Of numbers, wrong
ones must still be found: tests that clean them ask for them."""


@cache
def _measure_whole() -> dict[str, int]:
    """What a user's audit does; asked before it changes."""
    # Loaded here: the process that only hands out the tests needs none of it.
    whole = {}
    for place in _FEWER:
        module, _, name = place.rpartition(".")
        whole[place] = getattr(import_module(f"datacleanse.detection.{module}"), name)
    return whole


@contextmanager
def _judging(amounts: dict[str, int]) -> Iterator[None]:
    with ExitStack() as stack:
        for place, amount in amounts.items():
            stack.enter_context(mock.patch(f"datacleanse.detection.{place}", amount))
        yield


def judge_lightly():
    """A block in which audits of this process take less work."""
    return _judging({place: n // _FEWER[place] for place, n in _measure_whole().items()})


def judge_wholly():
    """A block in which they take all of it again, as a user's do."""
    return _judging(_measure_whole())
