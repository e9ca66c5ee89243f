"""Whole processes, timed with the memory that they took at most."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KIB = 1024


@dataclass(frozen=True)
class Measured:
    """One run of a process."""

    seconds: float
    """Wall time, start-up included."""
    cpu_seconds: float
    peak_bytes: int
    """Largest resident set."""


TREE_IS_KNOWN = Path("/proc/self/task").is_dir()
"""Whether the system tells which processes a process has started, and their memory."""

SAMPLED_EVERY = 0.1
"""Seconds."""


@dataclass(frozen=True)
class Together:
    """The memory of a process and all that it started, in bytes; 0 where it is not told."""

    resident: int = 0
    """The largest sum of their pages. One that several of them have, of a library or a mapped
    file, counts once."""
    own: int = 0
    """The same without pages of files, which the system takes back when memory is wanted."""


def run_sampled(command: Sequence[str]) -> tuple[Measured, Together]:
    """Run a command as `run_measured` does; the memory of it and all that it started, sampled."""
    largest = Together()
    is_done = threading.Event()

    def sample() -> None:
        nonlocal largest
        while not is_done.wait(SAMPLED_EVERY):
            found = [_measure_resident(each) for each in _list_children(os.getpid())]
            largest = Together(
                max(largest.resident, sum(each.resident for each in found)),
                max(largest.own, sum(each.own for each in found)),
            )

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        measured = run_measured(command)
    finally:
        is_done.set()
        sampler.join()
    return measured, largest


def _list_children(process: int) -> list[int]:
    """All processes that a process has started, and those that these started."""
    found = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, file.read_text(encoding="ascii").split()):
                found += [child, *_list_children(child)]
    return found


def _measure_resident(process: int) -> Together:
    """A process's part of the pages that it has; none where it has ended."""
    told: dict[str, int] = {}
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            name, _, amount = line.partition(":")
            if name.startswith("Pss"):
                told[name] = int(amount.split()[0]) * KIB
    return Together(told.get("Pss", 0), told.get("Pss_Anon", 0))


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
