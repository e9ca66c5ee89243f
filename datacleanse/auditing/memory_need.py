"""What an audit takes of memory and disk, looked at before anything is trained.

Nothing that an audit finds depends on how much memory there is: arrays are moved to files, they are
not left out. So what is estimated here only warns, or refuses what would end in the middle.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.detection.second_opinion.waiting import MANY
from datacleanse.errors import MemoryShortError, OutputError
from datacleanse.memory_bound import format_size, measure_free_memory
from datacleanse.models.calendar_parts import N_PARTS
from datacleanse.storage.mapped_files import LARGE, find_existing

if TYPE_CHECKING:
    from pathlib import Path

    from datacleanse.auditing.reading import Inputs
    from datacleanse.progress import Progress

LIBRARIES = 470_000_000
"""Bytes that an audit of few rows takes, with two trainings at a time: libraries, nearly all of it.
Measured by `benchmarks.cost.forecast`, as are `OPINION` and `TREES`."""

OPINION = 100_000_000
"""Bytes of a process that loads scikit-learn while the audit loads torch: of tables with `MANY`
rows."""

A_ROW_OF_TREES, TREES = 6_400, 110_000_000
"""Bytes that trees take for each row of a table, and at most: the largest ones grow no more."""

A_ROW = 70
"""Bytes of memory that a row takes at most, whatever its columns are: copies of some columns of
numbers at a time. All else of it lies in files. Measured by `benchmarks.cost.large_data`."""

ON_DISK = 350
"""Bytes that a row takes on the disk, its cells and the classes' numbers left out."""

A_CLASS = 44
"""Bytes that it takes for each class: eleven numbers of four bytes."""

PARTS_OF_MEMORY = 64
"""Arrays of more than such a part of the memory that may be taken lie in files."""

TOLD = 1_000_000_000
"""Bytes from which on the need is told without being asked for."""


@dataclass(frozen=True)
class Need:
    """What an audit takes at least, about, in bytes: what can be told before anything is tried.

    Networks of the user's own, pictures and many trainings at a time take more: see `raise_to`.
    """

    rows: int
    memory: int
    disk: int

    def raise_to(self, memory: int, disk: int) -> Need:
        """The same where trials showed that it takes more."""
        return Need(self.rows, max(self.memory, memory), max(self.disk, disk))


def choose_least(allowed: int | None) -> int:
    """Bytes from which on an array lies in a file, where so much memory is allowed."""
    return LARGE if allowed is None else min(LARGE, allowed // PARTS_OF_MEMORY)


def refuse_too_little(allowed: int | None) -> None:
    """Refuse an amount of memory in which no audit can be made.

    Raises:
        MemoryShortError: it is too little.
    """
    if allowed is not None and allowed < LIBRARIES:
        raise MemoryShortError(
            f"--memory is {format_size(allowed)}, and an audit takes {format_size(LIBRARIES)} "
            "before it holds a row.",
            slug="memory-below-need",
            hint=f"Give --memory {_spell(LIBRARIES)} or more.",
        )


def estimate_need(inputs: Inputs, jobs: int | None) -> Need:
    """Estimate what the audit of a table takes; of pictures, what it takes beside them.

    Args:
        inputs: what was read.
        jobs: tasks at a time, as they are asked for.
    """
    n, n_classes = inputs.data.n_rows, len(inputs.data.schema.classes)
    columns = inputs.data.schema.columns
    n_features = sum(N_PARTS if each.kind == "datetime" else each.width for each in columns)
    # The network's matrix, and its copy for the second opinion.
    matrix = 2 * 4 * n_features
    a_row = matrix + ON_DISK + A_CLASS * n_classes
    table = 0 if inputs.pictures is not None else inputs.data.table.nbytes
    is_small = n * a_row < LARGE
    memory = LIBRARIES + A_ROW * n
    if inputs.pictures is None:
        memory += min(A_ROW_OF_TREES * n, TREES)
        memory += OPINION if n >= MANY and jobs != 1 and inputs.data.numbers is None else 0
    return Need(n, memory, 0 if is_small else n * a_row + table)


def refuse_need(need: Need, allowed: int | None, place: Path) -> None:
    """Refuse an audit for which there is too little.

    Args:
        need: see `estimate_need`.
        allowed: bytes of memory that a person allows; None: those that are free.
        place: the run folder, on whose disk files lie.

    Raises:
        MemoryShortError: it takes more memory than is allowed.
        OutputError: it takes more room than the disk has.
    """
    of_rows = f"{need.rows:,} rows"
    if allowed is not None and need.memory > allowed:
        raise MemoryShortError(
            f"--memory is {format_size(allowed)}, and the audit of {of_rows} takes at least "
            f"{format_size(need.memory)}.",
            slug="memory-below-need",
            hint=f"Give --memory {_spell(need.memory)} or more, or fewer rows.",
        )
    folder = find_existing(place.parent)
    free = shutil.disk_usage(folder).free
    if need.disk > free:
        raise OutputError(
            f"The audit of {of_rows} takes about {format_size(need.disk)} of disk, and "
            f"{folder} has {format_size(free)} left.",
            slug="disk-short",
            hint="Free some space, or choose another disk with --out.",
        )


def tell_need(need: Need, allowed: int | None, place: Path, progress: Progress) -> None:
    """Tell what an audit takes, where that is much or was asked for; arguments as `refuse_need`."""
    if allowed is None and max(need.memory, need.disk) < TOLD:
        return
    there = measure_free_memory() if allowed is None else allowed
    whose = "free" if allowed is None else "allowed by --memory"
    progress.say(
        f"The audit of {need.rows:,} rows takes at least {format_size(need.memory)} of memory, of "
        f"{format_size(there)} {whose}, and {format_size(need.disk)} of disk in "
        f"{find_existing(place.parent)}."
    )


def _spell(size: int) -> str:
    """A size as it is typed, rounded up."""
    return f"{-(-size // 10**6):.0f}MB"
