"""Where the program starts: imports little, so that Ctrl-C is answered from the first moment."""

from __future__ import annotations

import os
import sys
from importlib import import_module

STOPPED = 3
"""As in `exits`, which is not imported yet."""


def main() -> None:
    """Load the program and run it; an interruption meanwhile is no traceback."""
    try:
        app = import_module("datacleanse_cli.app")
    except KeyboardInterrupt:
        sys.stderr.write("Stopped on request. Repeat the command.\n")
        sys.stderr.flush()
        os._exit(STOPPED)
    app.main()
