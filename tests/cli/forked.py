"""The program in processes that are forked once its libraries are loaded.

For tests that kill it again and again: of a start, nine tenths are the loading.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

LOADED = (
    "datacleanse.auditing.recipe",
    "datacleanse.auditing.tasks.table",
    "datacleanse_cli.app",
    "datacleanse_cli.summary",
    "datacleanse_reports.write",
    "sklearn.tree",
)


def _become(arguments: tuple[str, ...], cwd: Path, stderr: Connection) -> None:
    """Be the program, with stderr at the end of a pipe."""
    from datacleanse_cli.app import main

    os.chdir(cwd)
    os.dup2(stderr.fileno(), 2)
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    sys.argv = ["datacleanse", *arguments]
    main()


@contextmanager
def forked(*arguments: object, cwd: Path) -> Iterator[tuple[ForkServerProcess, TextIO]]:
    """Run the program; give the process and what it says on stderr."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*LOADED])
    reading, writing = context.Pipe(duplex=False)
    process = context.Process(target=_become, args=([*map(str, arguments)], cwd, writing))
    process.start()
    writing.close()
    with reading, open(reading.fileno(), encoding="utf-8", closefd=False) as lines:
        yield process, lines
    process.join()
