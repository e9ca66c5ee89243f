"""Where the program starts: imports little, so that Ctrl-C is answered from the first moment."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module

from datacleanse_cli import exits


def main() -> None:
    """Load the program and run it; an interruption meanwhile is no traceback."""
    try:
        app = import_module("datacleanse_cli.app")
    except KeyboardInterrupt:
        # By the descriptor, since `printing` may not be loaded; the text is the program's own.
        with suppress(OSError):
            os.write(2, b"Stopped on request. Repeat the command.\n")
        os._exit(exits.STOPPED)
    app.main()
