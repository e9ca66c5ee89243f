"""How a run is asked to stop. The engine never handles signals: it asks after every batch."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class StopRequest(Protocol):
    """Whoever may want a run stopped, e.g. a signal handler."""

    def __call__(self) -> bool:
        """Whether to stop at the next place where nothing is lost."""

    def awaited(self) -> AbstractContextManager[None]:
        """Within this block a request is asked for often, and should wait to be.

        Outside it, nothing is lost by a `KeyboardInterrupt`, and nothing else would notice.
        """


class _Never:
    def __call__(self) -> bool:
        return False

    def awaited(self) -> AbstractContextManager[None]:
        return nullcontext()


NEVER: StopRequest = _Never()
