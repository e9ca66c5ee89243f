"""Whole processes, timed with the memory that they took at most."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

KIB = 1024


@dataclass(frozen=True)
class Measured:
    """One run of a process."""

    seconds: float
    """Wall time, start-up included."""
    cpu_seconds: float
    peak_bytes: int
    """Largest resident set."""


def run_measured(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Measured:
    """Run a command to its end (POSIX only), with this environment and in this folder.

    Raises:
        SystemExit: it failed; its messages are shown.
    """
    started = perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env, cwd=cwd
    ) as process:
        assert process.stderr is not None
        messages = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{messages.decode(errors='replace')}")
    # Linux counts in KiB, macOS in bytes.
    scale = 1 if sys.platform == "darwin" else KIB
    return Measured(
        perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale
    )
