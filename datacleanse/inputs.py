"""What is asked for, and what was read for it. Nothing here loads a network's libraries."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from datacleanse.config import Settings
from datacleanse.data import ReadOptions, compare, fingerprint, read_data, read_like
from datacleanse.records import Comparison
from datacleanse.reviewed import Reviewed, read_reviewed, with_reviewed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datacleanse.data import Source
    from datacleanse.progress import Progress
    from datacleanse.records import Dataset, PictureInputs


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    data: Source
    clean: Source
    test: Source | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    settings: Settings = field(default_factory=Settings)
    command: tuple[str, ...] = ()
    """How it was called, for the manifest."""
    module: Callable[[int, int], Any] | None = None
    """The factory that ``settings.model`` names, where it need not be imported."""
    decisions: tuple[Path, ...] = ()
    """Files of decisions made in earlier rounds."""


@dataclass(frozen=True)
class Inputs:
    """What was read, checked against each other."""

    data: Dataset
    clean: Dataset
    test: Dataset | None
    comparison: Comparison
    sha256: dict[str, str]
    """Of the files, by role: ``data``, ``clean``, ``test``."""
    seconds: float
    """Spent on reading."""
    options: ReadOptions = field(default_factory=ReadOptions)
    """How DATA was read."""
    reviewed: Reviewed | None = None
    """Rows that reviewers decided about; they stand behind CLEAN's own in ``clean``."""
    pictures: PictureInputs | None = None
    """What the network reads where DATA's rows are pictures; None for a table."""


def read_inputs(request: Request, progress: Progress) -> Inputs:
    """Read all files and check them against each other.

    Raises:
        InputError: one of them cannot be used.
    """
    started = perf_counter()
    progress.stage("Reading", None)
    options = request.options
    data = read_data(request.data, options, progress=progress)
    delimiter = options.delimiter
    clean = read_like(
        request.clean, data.schema, role="CLEAN", delimiter=delimiter, progress=progress
    )
    test = request.test
    comparison, reviewed = compare(data, clean), None
    if request.decisions:
        reviewed = read_reviewed(data, comparison.overlap, request.decisions)
        clean, overlap = with_reviewed(data, clean, comparison.overlap, reviewed)
        comparison = Comparison(overlap, (*comparison.notices, *reviewed.notices))
    return Inputs(
        data,
        clean,
        None
        if test is None
        else read_like(test, data.schema, role="TEST", delimiter=delimiter, progress=progress),
        comparison,
        {
            role: fingerprint(source)
            for role, source in (("data", request.data), ("clean", request.clean), ("test", test))
            if source is not None
        },
        round(perf_counter() - started, 3),
        options,
        reviewed,
    )
