"""A table's file written anew with some rows changed. This registry names all formats."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from datacleanse.data.interface import ReadOptions
from datacleanse.data.rewriting.cells import edit_spelled
from datacleanse.data.rewriting.csv import CsvRewriter
from datacleanse.data.rewriting.feather import FeatherRewriter
from datacleanse.data.rewriting.interface import Edits, Rewriter, Rewriting, make_inseparable_error
from datacleanse.data.rewriting.jsonl import JsonLinesRewriter
from datacleanse.data.rewriting.parquet import ParquetRewriter
from datacleanse.data.sources import split_suffix
from datacleanse.data.spelled_rows import find_row_source
from datacleanse.data.write import open_sink
from datacleanse.data.write_spelled import write_spelled_into
from datacleanse.storage.atomic_files import write_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from datacleanse.data.interface import SpelledRows

__all__ = ["REWRITERS", "Edits", "Rewriting", "make_inseparable_error", "read_edited", "rewrite"]

REWRITERS: tuple[Rewriter, ...] = (
    CsvRewriter(suffixes=(".csv",), delimiter=","),
    CsvRewriter(suffixes=(".tsv",), delimiter="\t"),
    JsonLinesRewriter(),
    ParquetRewriter(),
    FeatherRewriter(),
)


def rewrite(task: Rewriting, path: Path, *, check: Callable[[Path], None]) -> None:
    """Write the changed table to a file, which appears whole or not at all.

    In the format it was read from, nothing else is changed; in another one each cell is spelled as
    it was. Where the table lies in several files, it is written from the values that were read.

    Args:
        task: what is written.
        path: where to; its suffix says the format.
        check: given the written file before it comes to stand there; raises if it is not right.

    Raises:
        InputError: the file cannot be taken apart into its rows.
        OutputError: the system does not let it be written.
    """
    suffix, compression = split_suffix(path.as_posix())
    rewriter = _find_rewriter(task, suffix)
    with write_aside(path) as aside:
        with open_sink(aside, compression) as sink:
            if rewriter is None:
                write_spelled_into(partial(read_edited, task), path, sink)
            else:
                rewriter.rewrite(task, sink)
        check(aside)


def read_edited(task: Rewriting) -> Iterator[SpelledRows]:
    """Yield the rows that stay as their file spells them, with their new labels."""
    first = 0
    options = ReadOptions(delimiter=task.delimiter, missing=task.missing)
    for portion in find_row_source(task.location, task.table, options).read():
        yield edit_spelled(portion, task.edits, label=task.label, first=first)
        first += portion.table.num_rows


def _find_rewriter(task: Rewriting, suffix: str) -> Rewriter | None:
    if len(task.location.paths) > 1 or task.location.root is not None:
        return None
    for rewriter in REWRITERS:
        if suffix in rewriter.suffixes and task.location.suffix in rewriter.suffixes:
            return rewriter
    return None
