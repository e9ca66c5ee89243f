"""Where code of the user's own is looked for."""

from __future__ import annotations

import sys
from pathlib import Path


def heed_current_directory(model: str) -> None:
    """Let ``package.module:factory`` be found in the current directory, as `python -m` does.

    Not without such a name: a file there could otherwise pass for a library.
    """
    here = str(Path.cwd())
    if ":" in model and not {"", here} & set(sys.path):
        sys.path.insert(0, here)
