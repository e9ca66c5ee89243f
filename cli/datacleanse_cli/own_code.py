"""Where code of the user's own is looked for."""

from __future__ import annotations

import sys
from pathlib import Path

from datacleanse.user_code import split_name


def heed_current_directory(model: str) -> None:
    """Let ``package.module:factory`` be found in the current directory, as `python -m` does.

    Not without such a name: a file there could otherwise pass for a library.
    """
    here = str(Path.cwd())
    if ":" in model and not {"", here} & set(sys.path):
        sys.path.insert(0, here)


def heed_own_network(model: str | None) -> None:
    """Let the network that ``--model`` names for a finished run be found.

    Raises:
        SettingsError: it is no name of a factory.
    """
    if model is not None:
        split_name(model)
        heed_current_directory(model)
