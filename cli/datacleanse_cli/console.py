"""Where text goes."""

from __future__ import annotations

import os

from rich.console import Console


class Terminal(Console):
    """A console whose reader may leave early (``| head``): the rest goes nowhere.

    Rich's own would exit with 1, which here says that too many rows were flagged.
    """

    def on_broken_pipe(self) -> None:
        """Write into the void from now on, and let the work go on."""
        void = os.open(os.devnull, os.O_WRONLY)
        os.dup2(void, self.file.fileno())
        os.close(void)
