"""A run under review: its page, and what the page sends turned into decisions.

The file of decisions is the engine's (`datacleanse.review.decision_log`); nothing here reads or
writes it by itself.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from datacleanse.errors import InputError, SettingsError
from datacleanse.review.decision_log import DecisionLog
from datacleanse.review.decisions import Decision, parse_decision, read_clock
from datacleanse_reports.answers import answer_with_json
from datacleanse_reports.formats.html import render_page
from datacleanse_reports.page import MAX_SUSPECTS
from datacleanse_reports.view import read_view

if TYPE_CHECKING:
    from datacleanse.records import Notice
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.answers import Answer

_LONGEST_NAME = 100
"""Characters of a reviewer's name that are kept."""


class ServedReview:
    """One run under review. Every method may be called from several threads at once."""

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
        self._run_id, self._labels = view.run_id, frozenset(view.labels)
        self._suspects = {each.row: each for each in page_rows}
        self._reviewer = reviewer
        self._log = DecisionLog(
            folder, run_id=view.run_id, n_rows=view.headline.rows, classes=self._labels
        )
        self._log.read()

    @property
    def n_suspects(self) -> int:
        """Suspects on the page."""
        return len(self._suspects)

    @property
    def n_decided(self) -> int:
        """Suspects on the page that are decided."""
        return sum(decision.row in self._suspects for decision in self.decisions())

    def decisions(self) -> list[Decision]:
        """The decisions that count, one a row.

        Raises:
            InputError: the file cannot be read, or is about another run.
        """
        return list(self._log.read().last.values())

    def notices(self) -> tuple[Notice, ...]:
        """What a person should know of the file of decisions."""
        return self._log.read().notices

    def find_answer(self, path: str) -> Answer | None:
        """The decisions so far, for the page."""
        if path != "/decisions":
            return None
        return answer_with_json({"decisions": [asdict(each) for each in self.decisions()]})

    def take_in(self, path: str, asked: object) -> object | None:
        """Record what the page sends as a decision; the decision."""
        return asdict(self.decide(asked)) if path == "/decisions" else None

    def finish(self) -> None:
        """Wait for the decision that is being written; none is taken after that."""
        self._log.close()

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
        parsed = parse_decision(_add_label(asked))
        suspect = self._suspects.get(parsed.row)
        if suspect is None:
            raise _make_unusable_error(f"row {parsed.row} is not on this page")
        if parsed.new_label is not None and parsed.new_label not in self._labels:
            raise _make_unusable_error("its new label is no class of the data")
        decision = Decision(
            row=suspect.row,
            id=suspect.id,
            row_sha256=suspect.row_sha256,
            given_label=suspect.given_label,
            action=parsed.action,
            new_label=parsed.new_label,
            reviewer=parsed.reviewer[:_LONGEST_NAME] or self._reviewer,
            at=read_clock(),
            run_id=self._run_id,
        )
        self._log.record(decision)
        return decision


def _add_label(asked: Any) -> Any:  # noqa: ANN401  # whatever JSON held
    """The run knows the given label; a page need not send it."""
    return {"given_label": "", **asked} if isinstance(asked, dict) else asked


def _make_unusable_error(why: str) -> InputError:
    return InputError(
        f"This is no decision: {why}.",
        slug="decision-invalid",
        hint="Reload the page and decide again.",
    )
