"""The one scheduler: tasks side by side, as many at a time as there are places.

Whoever submits a task waits for its result later, in the order that suits it. Meanwhile the tasks
that were submitted are started in their order. What cannot be started beside this process is done
in it when its result is waited for; so all results are the same with one place, in which everything
is done here.
"""

from __future__ import annotations

from contextlib import suppress
from multiprocessing.connection import wait
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from datacleanse.errors import Stopped
from datacleanse.scheduling.interface import CannotBeDoneThereError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from typing import Self

    from datacleanse.scheduling.interface import Running, Task

Result = TypeVar("Result")

PAUSE = 0.02
"""Seconds between two looks at what cannot tell that it is through, and at a request to stop."""

GRACE = 2.0
"""Seconds that a failure waits for one of a task submitted before, which would have been met first
one after the other: mostly all tasks fail alike."""


class Ticket(Generic[Result]):
    """A task that was submitted; `Pool.wait` takes it."""

    def __init__(self, task: Task[Result], number: int, *, can_be_stopped: bool) -> None:
        self.task = task
        self.number = number
        self.can_be_stopped = can_be_stopped
        self.running: Running[Result] | None = None
        self.device: str | None = None
        self.is_tried = False
        self.is_through = False
        self.result: Result | None = None
        self.error: BaseException | None = None
        self.failed_at = 0.0


class Pool:
    """Places for tasks. Leaving its block ends what still runs."""

    def __init__(self, jobs: int = 1, devices: Sequence[str] = ()) -> None:
        """Make places.

        Args:
            jobs: tasks at a time. With one, every task is done in this process.
            devices: each serves one task at a time of those that need one; a device named twice
                serves two.
        """
        self._jobs = jobs
        self._devices = [*devices]
        self._has_devices = bool(devices)
        self._tickets: list[Ticket[Any]] = []
        self._is_side_by_side = jobs > 1
        self._n_submitted = 0

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        for ticket in self._tickets:
            self._end(ticket)
        self._tickets.clear()

    def submit(self, task: Task[Result], *, can_be_stopped: bool = False) -> Ticket[Result]:
        """Take a task, and start it if a place is free.

        Args:
            task: what is to be done.
            can_be_stopped: whether it saves what it has done when it is asked to stop.
        """
        self._n_submitted += 1
        ticket = Ticket(task, self._n_submitted, can_be_stopped=can_be_stopped)
        self._tickets.append(ticket)
        self._start()
        return ticket

    def wait(
        self, ticket: Ticket[Result], should_stop: Callable[[], bool] = lambda: False
    ) -> Result:
        """Wait for a task's result, the others going on meanwhile.

        Args:
            ticket: the task's.
            should_stop: asked all the time. True asks the running tasks that can be stopped to do
                so, and waits for them.

        Raises:
            Stopped: it was so; one of the words of all that were stopped.
            Exception: what this task raised, or meanwhile another one.
        """
        while not ticket.is_through:
            self._start()
            # What is done here asks for itself.
            if any(t.running is not None for t in self._tickets) and should_stop():
                self._stop()
            self._raise_failure()
            if not ticket.is_through and ticket.running is None and self._can_be_done_here():
                self._do_here(ticket)
            elif not ticket.is_through:
                self._look()
        self._tickets.remove(ticket)
        if ticket.error is not None:
            raise ticket.error
        return cast("Result", ticket.result)

    def _start(self) -> None:
        """Start tasks while there are free places; none waits behind one that cannot be started."""
        if not self._is_side_by_side:
            return
        n_running = sum(each.running is not None for each in self._tickets)
        for ticket in self._tickets:
            if n_running >= self._jobs:
                return
            takes_device = self._has_devices and ticket.task.needs_device
            if ticket.is_tried or (takes_device and not self._devices):
                continue
            ticket.is_tried = True
            ticket.device = self._devices.pop(0) if takes_device else None
            ticket.running = ticket.task.start(ticket.device)
            if ticket.running is None:
                self._end(ticket)
            else:
                n_running += 1

    def _can_be_done_here(self) -> bool:
        """Whether no running task would wait for this process, were it busy."""
        return not any(t.running is not None and t.running.is_served for t in self._tickets)

    def _do_here(self, ticket: Ticket[Any]) -> None:
        ticket.result, ticket.is_through = ticket.task.run_here(), True

    def _look(self) -> None:
        """Attend to the running tasks once, waiting a moment for something to attend to."""
        running = [t for t in self._tickets if t.running is not None]
        connections = [t.running.connection for t in running if t.running is not None]
        told: list[Connection] = [each for each in connections if each is not None]
        if told:
            wait(told, PAUSE)
        else:
            sleep(PAUSE)
        for ticket in running:
            if ticket.running is not None and ticket.running.attend():
                self._settle(ticket)

    def _settle(self, ticket: Ticket[Any]) -> None:
        """Take what a task gave that is through."""
        assert ticket.running is not None
        try:
            ticket.result = ticket.running.take()
        except CannotBeDoneThereError:
            # Memory is short: from now on one after the other, here, as if it were the only place.
            self._is_side_by_side = False
            self._end(ticket)
            return
        except BaseException as error:
            ticket.error, ticket.failed_at = error, monotonic()
        self._end(ticket)
        ticket.is_through = True

    def _raise_failure(self) -> None:
        """Raise the first failure, unless a task before it may fail any moment."""
        failed = [t for t in self._tickets if t.error is not None]
        if not failed:
            return
        first = failed[0]
        is_early = monotonic() - first.failed_at < GRACE
        before = [t for t in self._tickets if t.running is not None and t.number < first.number]
        if before and is_early and all(t.can_be_stopped for t in before):
            return
        assert first.error is not None
        raise first.error

    def _stop(self) -> None:
        """Let the running tasks stop, and wait for them.

        Raises:
            Stopped: with the words of all of them.
        """
        stopping = [t for t in self._tickets if t.running is not None and t.can_be_stopped]
        for ticket in stopping:
            if ticket.running is not None:
                ticket.running.ask_to_stop()
        while any(t.running is not None for t in stopping):
            self._look()
        told = [t.error for t in stopping if isinstance(t.error, Stopped)]
        if told:
            words = " ".join(error.message for error in told)
            raise Stopped(words, slug=told[0].slug, hint=told[0].hint)

    def _end(self, ticket: Ticket[Any]) -> None:
        """End a task if it runs, and leave its device to others."""
        if ticket.running is not None:
            with suppress(OSError):
                ticket.running.end()
            ticket.running = None
        if ticket.device is not None:
            self._devices.append(ticket.device)
            ticket.device = None
