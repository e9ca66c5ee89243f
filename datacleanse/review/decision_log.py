"""The decisions of a run under review: `decisions.jsonl` as it grows.

This package owns that file. A page on disk only lets the browser download one of the same format;
a page that is served sends each decision to the server, which hands it on to `DecisionLog.record`.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING

from datacleanse.errors import InputError
from datacleanse.records import Notice
from datacleanse.review.decisions import Decision, Decisions, append_decisions, read_decisions
from datacleanse.storage.atomic_files import check_appendable

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from datacleanse.storage.run_folder import RunFolder


class DecisionLog:
    """The decisions of one run. Every method may be called from several threads at once.

    The file is the only memory: nothing is lost with this program, and several of them may add to
    the same one.
    """

    def __init__(
        self, folder: RunFolder, *, run_id: str, n_rows: int, classes: Container[str]
    ) -> None:
        """Open the run's own file; it need not be there.

        Args:
            folder: of the run.
            run_id: of the run, which the decisions must be about.
            n_rows: rows of DATA.
            classes: the labels that may be given.

        Raises:
            OutputError: the file is a link, through which nothing is written, or no file.
        """
        self._file = folder.decisions_file
        check_appendable(self._file)
        self._run_id, self._n_rows, self._classes = run_id, n_rows, classes
        self._writing = Lock()

    def note_unwritable(self) -> Notice | None:
        """That no decision can be saved, as on a medium that is only read; None: they can be."""
        if os.access(self._file if self._file.exists() else self._file.parent, os.W_OK):
            return None
        message = (
            f"Nothing that you decide can be saved: {self._file} may not be written. To decide, "
            "review a copy of the run folder in a place of yours."
        )
        return Notice("decisions-not-writable", message, is_warning=True)

    def read(self) -> Decisions:
        """Read the decisions that count, and what is odd about the file.

        Raises:
            InputError: the file cannot be read, or is about another run.
        """
        if not self._file.exists() or not self._file.stat().st_size:
            return Decisions({}, (), ())
        try:
            return read_decisions(
                self._file, run_id=self._run_id, n_rows=self._n_rows, classes=self._classes
            )
        except InputError as error:
            if error.slug != "decisions-invalid":
                raise
            # A crash within the very first line: the next decision starts a line of its own.
            return Decisions({}, (), (Notice(error.slug, error.message, is_warning=True),))

    def record(self, decision: Decision) -> None:
        """Add a decision; it is on the disk when this returns.

        Raises:
            OutputError: it cannot be written.
        """
        with self._writing:
            append_decisions(self._file, [decision])

    def record_after(self, decide: Callable[[Decisions], Sequence[Decision]]) -> list[Decision]:
        """Add what is decided by what stands; this program adds nothing in between.

        Args:
            decide: is given what the file says, and returns what is to be added; what it raises
                keeps all of it from being added.

        Returns:
            What was added; it is on the disk.

        Raises:
            InputError: the file cannot be read, or is about another run.
            OutputError: it cannot be written.
        """
        with self._writing:
            check_appendable(self._file)
            decided = list(decide(self.read()))
            append_decisions(self._file, decided)
        return decided

    def close(self) -> None:
        """Wait for the decision that is being written; none is taken after that."""
        self._writing.acquire()
