"""Writing without waiting for the disk.

The program waits so that a power cut soon after loses nothing. No test cuts the power, and what a
killed program wrote is there all the same. An audit waits a dozen times.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

from tests.tries import IS_THOROUGH

if TYPE_CHECKING:
    from collections.abc import Iterator


def _check_handle(handle: int) -> None:
    """Fail as `os.fsync` does where the file is closed."""
    os.fstat(handle)


@contextmanager
def waiting_for_no_disk() -> Iterator[None]:
    """Files of this process count as on the disk once they are written; but CI waits."""
    if IS_THOROUGH:
        yield
    else:
        with mock.patch.object(os, "fsync", _check_handle):
            yield
