"""Audits whose judgement takes a fraction of the work, for tests that ask for all else.

Of an audit of a few hundred rows, half is growing the second opinion's trees and fitting noise
matrices. All tests judge so but those of `tests/detection` and those that ask for `whole_judge`.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEWER_TREES, _FEWER_STEPS = 15, 25
"""How many times less is done."""


@cache
def _measure_whole() -> tuple[int, int]:
    """The numbers of trees and of steps that a user's audit takes; asked before they change."""
    # Loaded here: the process that only hands out the tests needs none of it.
    from datacleanse.detection import noise_matrix
    from datacleanse.detection.second_opinion import trees

    return trees.N_TREES, noise_matrix.FIT_STEPS


@contextmanager
def _judging(n_trees: int, n_steps: int) -> Iterator[None]:
    from datacleanse.detection import noise_matrix
    from datacleanse.detection.second_opinion import trees

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(trees, "N_TREES", n_trees))
        stack.enter_context(mock.patch.object(noise_matrix, "FIT_STEPS", n_steps))
        yield


def judge_lightly():
    """A block in which audits of this process take less work."""
    n_trees, n_steps = _measure_whole()
    return _judging(n_trees // _FEWER_TREES, n_steps // _FEWER_STEPS)


def judge_wholly():
    """A block in which they take all of it again, as a user's do."""
    return _judging(*_measure_whole())
