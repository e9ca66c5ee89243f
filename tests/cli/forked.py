"""The program in processes that are forked once its libraries are loaded.

For tests that need a process of its own, to kill it or to see what it prints last: of a start, nine
tenths are the loading. What a start itself does is tested by `run_program`.
"""

from __future__ import annotations

import gc
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
from tests.one_core import seeing_one_core
from tests.quick_disk import waiting_for_no_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

LOADED = (
    "datacleanse.auditing.recipe",
    "datacleanse.auditing.regression.recipe",
    "datacleanse.auditing.run",
    "datacleanse.auditing.tasks.images",
    "datacleanse.auditing.tasks.table",
    "datacleanse.auditing.without_clean",
    "datacleanse.detection.reliability",
    "datacleanse.models.loading",
    "datacleanse.pictures.read",
    "datacleanse.review.write_changes",
    "datacleanse.serving.predictions",
    "datacleanse_cli.app",
    "datacleanse_cli.console",
    "datacleanse_cli.number_summary",
    "datacleanse_cli.review_server",
    "datacleanse_cli.summary",
    "datacleanse_reports.served",
    "datacleanse_reports.verification",
    "datacleanse_reports.write",
    "jinja2",
    "pyarrow.dataset",
    "typer._adapters",
    "rich._emoji_codes",
    "sklearn.tree",
    "tests.cli.forked",
)
"""What `audit`, `predict`, `review` and `verify` load on the way."""


def limit_files(size: int) -> None:
    """Let no file grow beyond so many bytes, as on a full disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def be_rank(number: int, port: int) -> None:
    """Be one of two ranks, as torchrun names them, whose store is at a port of this machine."""
    os.environ.update(
        TORCHELASTIC_RUN_ID="forked",
        TORCHELASTIC_USE_AGENT_STORE="True",
        WORLD_SIZE="2",
        RANK=str(number),
        LOCAL_RANK=str(number),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
    )


def hide_gpus() -> None:
    """Leave the process no GPU, whatever the machine has."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def _become(
    arguments: tuple[str, ...],
    cwd: Path,
    out: str,
    err: Connection,
    *,
    before: Callable[[], None] | None,
    judging: Callable[[], AbstractContextManager[None]],
) -> None:
    """Be the program, with stdout in a file and stderr at the end of a pipe."""
    from datacleanse_cli.app import main

    # What was loaded before the fork stays until the end.
    gc.freeze()
    # Where the tests themselves run in the background, Ctrl-C is ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(SCREEN)
    os.chdir(cwd)
    os.dup2(os.open(out, os.O_WRONLY), 1)
    os.dup2(err.fileno(), 2)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = ["datacleanse", *arguments]
    if before is not None:
        before()
    with judging(), waiting_for_no_disk(), seeing_one_core():
        main()


@contextmanager
def forked(
    *arguments: object,
    cwd: Path,
    out: str = os.devnull,
    before: Callable[[], None] | None = None,
    judging: Callable[[], AbstractContextManager[None]] = judge_lightly,
) -> Iterator[tuple[ForkServerProcess, TextIO]]:
    """Run the program; give the process and what it says on stderr.

    Results go to ``out``. ``before`` is called there first: `limit_files` with its size, say.
    ``judging`` gives the block of `tests.light_judge` that it runs in.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*LOADED])
    reading, writing = context.Pipe(duplex=False)
    words = tuple(map(str, arguments))
    options = {"before": before, "judging": judging}
    process = context.Process(target=_become, args=(words, cwd, out, writing), kwargs=options)
    process.start()
    writing.close()
    with reading, open(reading.fileno(), encoding="utf-8", closefd=False) as lines:
        yield process, lines
    process.join()


def run_forked(*arguments: object, cwd: Path, before: Callable[[], None] | None = None) -> Done:
    """As `run_program`, without the start."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        out.touch()
        with forked(*arguments, cwd=cwd, out=str(out), before=before) as (process, lines):
            err = lines.read()
        return Done(process.exitcode, out.read_text(encoding="utf-8"), err)
