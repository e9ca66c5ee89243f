"""How the engine reports what it is doing, without printing.

The command line passes an implementation that draws bars; libraries and tests pass `SILENT`.
"""

from __future__ import annotations

from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, runtime_checkable
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Progress(Protocol):
    """Receives the stages of a run, in order; stages do not overlap.

    Trainings that run side by side are told of as they begin, and only the steps of the one that
    began last. An object with a method ``beside`` as well is told of each: see `SideBySide`.
    """

    def stage(self, name: str, total: int | None) -> None:
        """A stage begins, e.g. ``Training``; ``total`` steps are expected, None if unknown."""

    def advance(self, steps: int = 1) -> None:
        """``steps`` more of the current stage are done."""

    def say(self, message: str) -> None:
        """One line for people about what was found or chosen."""


class Lane(Protocol):
    """One of several stages that go on at the same time."""

    def advance(self, steps: int = 1) -> None:
        """``steps`` more are done."""

    def finish(self) -> None:
        """It is over."""


@runtime_checkable
class SideBySide(Protocol):
    """What a `Progress` may have besides, to show stages that go on at the same time."""

    def beside(self, name: str, total: int | None) -> Lane:
        """A stage begins beside others, which do not end by it; see `Progress.stage`."""


class _Lane:
    """A stage that only its name, and its steps while it is the last one, are told of."""

    last: ClassVar[WeakValueDictionary[int, _Lane]] = WeakValueDictionary()
    """Of each listener, by its identity."""

    def __init__(self, progress: Progress, name: str, total: int | None) -> None:
        self._progress = progress
        self.last[id(progress)] = self
        progress.stage(name, total)

    def advance(self, steps: int = 1) -> None:
        if self.last.get(id(self._progress)) is self:
            self._progress.advance(steps)

    def finish(self) -> None:
        if self.last.get(id(self._progress)) is self:
            del self.last[id(self._progress)]


def open_lane(progress: Progress, name: str, total: int | None) -> Lane:
    """Tell of a stage that begins beside others."""
    if isinstance(progress, SideBySide):
        return progress.beside(name, total)
    return _Lane(progress, name, total)


class _Silent:
    def stage(self, name: str, total: int | None) -> None:
        del name, total

    def advance(self, steps: int = 1) -> None:
        del steps

    def say(self, message: str) -> None:
        del message


SILENT: Progress = _Silent()


class StagesAlone:
    """Passes on stages, not what is said: of data that is read again, the audit has said it."""

    def __init__(self, progress: Progress) -> None:
        self.stage, self.advance = progress.stage, progress.advance

    def say(self, message: str) -> None:
        """Keep it to oneself."""
        del message


ProgressOption: TypeAlias = Progress | bool | None
"""What a caller in Python may ask for: None shows progress where a person looks, in a notebook or a
terminal; True shows it everywhere, False nowhere; an object of one's own is told of it."""


def follow(asked: ProgressOption) -> AbstractContextManager[Progress]:
    """A block's way to report progress, as a caller in Python asked for it."""
    if asked is False:
        return nullcontext(SILENT)
    if asked is None or asked is True:
        # By name, because the engine must not depend on what shows things (import contract).
        shown: AbstractContextManager[Progress] = import_module(
            "datacleanse_cli.python_progress"
        ).show_progress_in_python(always=bool(asked))
        return shown
    if not all(callable(getattr(asked, name, None)) for name in ("stage", "advance", "say")):
        raise TypeError(
            f"progress={asked!r}. Give None, True, False, or an object with the methods of "
            "datacleanse.Progress."
        )
    return nullcontext(asked)
