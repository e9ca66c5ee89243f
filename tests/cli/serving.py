"""Commands that serve a page until they are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TextIO

from tests.cli.forked import forked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import ForkServerProcess

PATIENCE = 60.0
"""Seconds in which a command says where its page is."""


@dataclass(frozen=True)
class Serving:
    """A command forked from loaded libraries; to be used like a `subprocess.Popen`."""

    process: ForkServerProcess
    out: Path
    err: TextIO

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.process.kill()

    def terminate(self) -> None:
        self.process.terminate()

    def wait(self, timeout: float | None = None) -> None:
        self.process.join(timeout)
        assert self.process.exitcode is not None, "it goes on"

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.wait(timeout)
        return self.out.read_text(encoding="utf-8"), self.err.read()

    def find_address(self) -> str:
        """What it printed as the address of its page; empty before."""
        *whole, _ = self.out.read_text(encoding="utf-8").split("\n")
        return next((line.split()[-1] for line in whole if "http" in line), "")


@contextmanager
def running(*words: str, cwd: Path | None = None) -> Iterator[tuple[Serving, str]]:
    """The command, running; with it the address that it printed."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        out.touch()
        with forked(*words, cwd=cwd or Path.cwd(), out=str(out)) as (process, err):
            serving, end = Serving(process, out, err), time.monotonic() + PATIENCE
            try:
                while not (address := serving.find_address()):
                    assert process.is_alive(), err.read()
                    assert time.monotonic() < end, "it says no address"
                    time.sleep(0.01)
                yield serving, address
            finally:
                process.kill()


@contextmanager
def started(*words, cwd=None, **environment):
    """The same from a start of the program, whose arguments and environment are its own."""
    # Where the tests themselves run in the background, Ctrl-C is ignored, and that is inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "datacleanse", *words],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **environment},
    )
    signal.signal(signal.SIGINT, before)
    try:
        address = ""
        while "http" not in address:
            address = process.stdout.readline()
            assert address or process.poll() is None, process.stderr.read()
        yield process, address.split()[-1]
    finally:
        process.kill()
        process.communicate()
