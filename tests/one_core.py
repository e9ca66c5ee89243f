"""Audits that see one core, as each of the tests beside each other has.

Trainings and opinions side by side are forked. Of a small audit the forks cost nearly as much as
the work, and no other core is free to take it. Tests of work side by side ask for places (`jobs`),
and programs that are started as users start them see all cores.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

from tests.tries import IS_THOROUGH

if TYPE_CHECKING:
    from collections.abc import Iterator


def _name_one_core(pid: int) -> set[int]:
    """Answer for `os.sched_getaffinity`, which other systems than Linux lack."""
    del pid
    return {0}


@contextmanager
def seeing_one_core() -> Iterator[None]:
    """The cores of this machine count as one, if nothing else is asked for; but CI uses all."""
    if IS_THOROUGH:
        yield
    else:
        with mock.patch.object(os, "sched_getaffinity", _name_one_core, create=True):
            yield
