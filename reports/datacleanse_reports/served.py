"""What a review needs of a run: the page, the decisions so far, and the record of a new one."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from datacleanse.errors import InputError, SettingsError
from datacleanse.records import Notice
from datacleanse.review.decisions import (
    Decision,
    Decisions,
    append_decisions,
    now,
    parse_decision,
    read_decisions,
)
from datacleanse_reports.formats.html import render_page
from datacleanse_reports.page import MAX_SUSPECTS
from datacleanse_reports.view import read_view

if TYPE_CHECKING:
    from datacleanse.storage.run_folder import RunFolder

_LONGEST_NAME = 100
"""Characters of a reviewer's name that are kept."""


class ServedReview:
    """One run under review. Every method may be called from several threads at once.

    The file of decisions is the only memory: nothing is lost with this program, and several of them
    may serve the same run.
    """

    def __init__(self, folder: RunFolder, *, first: int, reviewer: str) -> None:
        """Read the run and render its page.

        Args:
            folder: a finished run.
            first: rank of the first suspect on the page.
            reviewer: who decides, where the page does not say.

        Raises:
            RunFolderError: the run cannot be read.
            SettingsError: the run stores no suspect from that rank on.
            InputError: the decisions there cannot be gone on with.
        """
        view = read_view(folder, top=first - 1 + MAX_SUSPECTS)
        page_rows = [each for each in view.suspects if each.rank >= first][:MAX_SUSPECTS]
        if not page_rows:
            raise SettingsError(
                f"--first is {first}, and the run stores {len(view.suspects):,} suspects.",
                slug="setting-out-of-range",
                hint=f"Give a rank from 1 to {max(1, len(view.suspects))}.",
            )
        self.page = render_page(view, first=first, served=True).encode("utf-8")
        """The page, UTF-8."""
        self._file = folder.decisions_file
        self._run_id, self._n_rows = view.run_id, view.headline.rows
        self._labels = frozenset(view.labels)
        self._suspects = {each.row: each for each in page_rows}
        self._reviewer = reviewer
        self._writing = Lock()
        self._read()

    @property
    def n_suspects(self) -> int:
        """On the page."""
        return len(self._suspects)

    @property
    def n_decided(self) -> int:
        """Of them."""
        return sum(decision.row in self._suspects for decision in self.decisions())

    def decisions(self) -> list[Decision]:
        """The decisions that count, one a row.

        Raises:
            InputError: the file cannot be read, or is about another run.
        """
        return list(self._read().last.values())

    def notices(self) -> tuple[Notice, ...]:
        """What a person should know of the file of decisions."""
        return self._read().notices

    def _read(self) -> Decisions:
        if not self._file.exists() or not self._file.stat().st_size:
            return Decisions({}, ())
        try:
            return read_decisions(
                self._file, run_id=self._run_id, n_rows=self._n_rows, classes=self._labels
            )
        except InputError as error:
            if error.slug != "decisions-invalid":
                raise
            # A crash within the very first line: the next decision starts a line of its own.
            return Decisions({}, (Notice(error.slug, error.message, is_warning=True),))

    def finish(self) -> None:
        """Wait for the decision that is being written; none is taken after that."""
        self._writing.acquire()

    def decide(self, asked: Any) -> Decision:  # noqa: ANN401  # whatever JSON held
        """Record a decision; it is on the disk when this returns.

        What the page says of the row is not believed: id, hash and given label are the run's.

        Args:
            asked: an object with ``row``, ``action``, and ``new_label`` for a new label; perhaps
                ``reviewer``.

        Raises:
            InputError: it is no decision about a row of the page, or its label is no class.
            OutputError: it cannot be written.
        """
        parsed = parse_decision(_with_label(asked))
        suspect = self._suspects.get(parsed.row)
        if suspect is None:
            raise _unusable(f"row {parsed.row} is not on this page")
        if parsed.new_label is not None and parsed.new_label not in self._labels:
            raise _unusable("its new label is no class of the data")
        decision = Decision(
            row=suspect.row,
            id=suspect.id,
            row_sha256=suspect.row_sha256,
            given_label=suspect.given_label,
            action=parsed.action,
            new_label=parsed.new_label,
            reviewer=parsed.reviewer[:_LONGEST_NAME] or self._reviewer,
            at=now(),
            run_id=self._run_id,
        )
        with self._writing:
            append_decisions(self._file, [decision])
        return decision


def _with_label(asked: Any) -> Any:  # noqa: ANN401  # whatever JSON held
    """The run knows the given label; a page need not send it."""
    return {"given_label": "", **asked} if isinstance(asked, dict) else asked


def _unusable(why: str) -> InputError:
    return InputError(
        f"This is no decision: {why}.",
        slug="decision-invalid",
        hint="Reload the page and decide again.",
    )
