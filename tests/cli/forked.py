"""The program in processes that are forked once its libraries are loaded.

For tests that need a process of its own, to kill it or to see what it prints last: of a start, nine
tenths are the loading. What a start itself does is tested by `run_program`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TextIO

from tests.cli.conftest import SCREEN, Done
from tests.light_judge import judge_lightly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

LOADED = (
    "datacleanse.auditing.recipe",
    "datacleanse.auditing.tasks.table",
    "datacleanse_cli.app",
    "datacleanse_cli.summary",
    "datacleanse_reports.write",
    "sklearn.tree",
)


def _become(arguments: tuple[str, ...], cwd: Path, out: str, err: Connection) -> None:
    """Be the program, with stdout in a file and stderr at the end of a pipe."""
    from datacleanse_cli.app import main

    # Where the tests themselves run in the background, Ctrl-C is ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(SCREEN)
    os.chdir(cwd)
    os.dup2(os.open(out, os.O_WRONLY), 1)
    os.dup2(err.fileno(), 2)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = ["datacleanse", *arguments]
    with judge_lightly():
        main()


@contextmanager
def forked(
    *arguments: object, cwd: Path, out: str = os.devnull
) -> Iterator[tuple[ForkServerProcess, TextIO]]:
    """Run the program; give the process and what it says on stderr. Results go to ``out``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*LOADED])
    reading, writing = context.Pipe(duplex=False)
    process = context.Process(target=_become, args=([*map(str, arguments)], cwd, out, writing))
    process.start()
    writing.close()
    with reading, open(reading.fileno(), encoding="utf-8", closefd=False) as lines:
        yield process, lines
    process.join()


def run_forked(*arguments: object, cwd: Path) -> Done:
    """As `run_program`, without the start."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        out.touch()
        with forked(*arguments, cwd=cwd, out=str(out)) as (process, lines):
            err = lines.read()
        return Done(process.exitcode, out.read_text(encoding="utf-8"), err)
