"""Ctrl-C and SIGTERM: finish the batch, save, say how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datacleanse_cli.printing import quote_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """A `StopRequest` made by the first signal; a second one interrupts at once.

    Where no batch is worth finishing, the first one interrupts, too.
    """

    def __init__(self) -> None:
        self._is_awaited = False
        self._has_come = False

    def __call__(self) -> bool:
        """Whether a signal has come."""
        return self._has_come

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Within the block a signal is a request; if one came, the block's end interrupts."""
        self._is_awaited = True
        try:
            yield
        finally:
            self._is_awaited = False
        if self._has_come:
            raise KeyboardInterrupt

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self._has_come or not self._is_awaited:
            interrupt(number, frame)
        self._has_come = True


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handle a signal where nothing is to be saved."""
    del number, frame
    raise KeyboardInterrupt


@contextmanager
def heed_signals() -> Iterator[Signals]:
    """Make signals a request to stop, within the block."""
    signals = Signals()
    before = {number: signal.signal(number, signals.receive) for number in SIGNALS}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """Ignore signals from now on: the program is leaving already."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def spell_command_to_go_on(command: Sequence[str]) -> str:
    """Spell what to type to finish the run that ``command`` began."""
    kept = [part for part in command if part not in ("--force", "--resume")]
    words = ["datacleanse", *kept, "--resume"]
    return subprocess.list2cmdline(words) if os.name == "nt" else " ".join(map(quote_word, words))
