"""What the scheduler asks of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Result_co = TypeVar("Result_co", covariant=True)


class CannotBeDoneThereError(Exception):
    """A task beside this process ran out of memory or was killed; it is to be done here."""


class Running(Protocol[Result_co]):
    """A task that runs beside this process."""

    @property
    def connection(self) -> Connection | None:
        """What tells that there is something to attend to; None: it is looked at now and then."""

    @property
    def is_served(self) -> bool:
        """Whether it waits for this process now and then."""

    def attend(self) -> bool:
        """Deal with what it has said; whether it is through."""

    def ask_to_stop(self) -> None:
        """Ask it to stop as soon as nothing is lost by it."""

    def take(self) -> Result_co:
        """What it gave, waited for if need be.

        Raises:
            CannotBeDoneThereError: it is to be done here.
            Exception: what the task raised.
        """

    def end(self) -> None:
        """End it, if it still runs."""


class Task(Protocol[Result_co]):
    """Something to do that may be done beside other tasks."""

    @property
    def needs_device(self) -> bool:
        """Whether it computes on one of the pool's devices, if that has some."""

    def start(self, device: str | None) -> Running[Result_co] | None:
        """Start it beside this process; None where that cannot be.

        Args:
            device: the pool's device that is left to it; None: the pool has none, or none is
                needed.
        """

    def run_here(self) -> Result_co:
        """Do it in this process, from where it stands: it may have been begun beside."""
