"""The part of a benchmark's command line that says which cells it runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.detection.cells import NOISES, USUAL, CellName, cell_names
from benchmarks.tables import available_tables

if TYPE_CHECKING:
    from collections.abc import Collection


def cells_parser(doc: str, *, seeds: int, out: Path | None = None) -> argparse.ArgumentParser:
    """With ``--data``, ``--sets``, ``--cells``, ``--seeds`` and ``--out``.

    Args:
        doc: the benchmark's docstring; its first line is shown.
        seeds: the default.
        out: the default; None where it depends on other options.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder a set")
    parser.add_argument("--sets", help="names of tables, comma-separated")
    parser.add_argument("--cells", help="kinds of error, comma-separated")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--out", type=Path, default=out)
    return parser


def named_cells(options: argparse.Namespace) -> list[CellName]:
    """What the options name, in the order of running.

    Raises:
        SystemExit: a table or a kind of error is unknown, or none of the tables has these kinds.
    """
    tables = available_tables(options.data, options.sets)
    wanted = chosen(options.cells, NOISES, "kinds of error") if options.cells else USUAL
    names = [n for n in cell_names(options.data, tables, options.seeds) if n.noise in wanted]
    if not names:
        raise SystemExit("No cell is left: none of the tables has these kinds of error.")
    return names


def chosen(given: str | None, known: Collection[str], what: str) -> set[str]:
    """The names of a comma-separated list, or all that are known.

    Raises:
        SystemExit: one of them is not known.
    """
    names = set(given.split(",")) if given else set(known)
    unknown = sorted(names - set(known))
    if unknown:
        raise SystemExit(f"Not among the {what}: {', '.join(unknown)}. There are {sorted(known)}.")
    return names
