"""A process that loads what a second opinion is formed with, and waits to be asked.

This module loads nothing itself, so that the process can be started before all else is loaded. To
load scikit-learn takes as long as to read a table of ordinary size.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 3_000
"""Rows from which a process of its own pays."""

_LONG_ROW = 200
"""Bytes that few rows of a table take more of."""


@contextmanager
def wait_for_question(data: object) -> Iterator[subprocess.Popen[bytes] | None]:
    """Have a process wait within the block where DATA seems to have `MANY` rows; else None."""
    process = start("table") if guess_rows(data) >= MANY else None
    try:
        yield process
    finally:
        end(process)


def guess_rows(data: object) -> int:
    """How many rows DATA has at least, as its file's size tells; 0 where none tells."""
    if isinstance(data, str | os.PathLike):
        with suppress(OSError, ValueError):
            return Path(data).stat().st_size // _LONG_ROW
    return 0


def start(kind: str) -> subprocess.Popen[bytes] | None:
    """Start a process that waits for a question; None where the system does not let it.

    Args:
        kind: a `question.Kind`.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # The same packages as here, wherever they were found.
    path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "datacleanse.detection.second_opinion.background", kind],
            env=os.environ | threads | path,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def end(process: subprocess.Popen[bytes] | None) -> None:
    """Kill the process, where it still runs."""
    if process is None:
        return
    process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
