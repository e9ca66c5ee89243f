"""Commands that serve a page until they are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager


@contextmanager
def running(*words, cwd=None, **environment):
    """The command, running; with it the address that it printed."""
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
