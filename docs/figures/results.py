"""The files in `benchmarks/results`, read when first wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from benchmarks.results_files import read_result

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parent.parent.parent
COMMIT_LETTERS = 7

Record = dict[str, Any]


class Results:
    """All results by the name of their file: ``results["detection"]["means"]``."""

    def __init__(self, folder: Path = ROOT / "benchmarks" / "results") -> None:
        self._folder = folder
        self._read: dict[str, Record] = {}

    def __getitem__(self, name: str) -> Record:
        """One result, whole.

        Raises:
            FileNotFoundError: there is no such result.
        """
        if name not in self._read:
            self._read[name] = read_result(self._folder / f"{name}.json")
        return self._read[name]


Figure = Callable[[Results], str]
"""What a name in a page stands for: a text that follows from the results."""


def source(name: str) -> Figure:
    """A figure that says when and from which commit a result was taken."""

    def said(results: Results) -> str:
        found = results[name]
        provenance = found.get("provenance", found)
        return f"{provenance['date'][:10]}, commit {provenance['commit'][:COMMIT_LETTERS]}"

    return said


def average(records: Iterable[Record], key: str) -> float:
    """The mean of one value over records."""
    return float(mean(record[key] for record in records))


def where(records: Iterable[Record], **wanted: object) -> list[Record]:
    """The records with these values."""
    return [r for r in records if all(r[key] == value for key, value in wanted.items())]
