"""A run under review: its page, and what the page sends turned into decisions.

The file of decisions is the engine's (`datacleanse.review.decision_log`); nothing here reads or
writes it by itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from datacleanse.data.any_number import find_labels
from datacleanse.errors import InputError, SettingsError
from datacleanse.records import Notice
from datacleanse.review.agreement import find_differing, measure_agreement
from datacleanse.review.audited_run import open_audited_run
from datacleanse.review.clean_labels import CleanLabels
from datacleanse.review.decision_log import DecisionLog
from datacleanse.review.json_lines import is_row
from datacleanse.review.originals import find_originals
from datacleanse_reports.answers import answer_with_json, show_picture
from datacleanse_reports.any_page import read_any_view, render_any_page
from datacleanse_reports.deciding import Deciding
from datacleanse_reports.page import MAX_SUSPECTS, Serving
from datacleanse_reports.reviewers import say_agreement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacleanse.review.decisions import Decision
    from datacleanse.review.originals import Originals
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.answers import Answer
    from datacleanse_reports.suspect import Suspect

STATES = {
    "changed": "The picture has changed since the audit.",
    "missing": "The picture is gone, or cannot be read any more.",
}
"""What is said of a picture that is not the one that was audited."""

MOST_ASKED = 500
"""Pictures that one request may be about."""

_PICTURE = re.compile(r"/pictures/(512|1024|2048|4096)/([0-9]{1,18})")
"""Pixels of its longer side, and its row."""


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
        manifest = folder.any_manifest()
        view = read_any_view(folder, top=first - 1 + MAX_SUSPECTS)
        page_rows = [each for each in view.suspects if each.rank >= first][:MAX_SUSPECTS]
        if not page_rows:
            raise SettingsError(
                f"--first is {first}, and the run stores {len(view.suspects):,} suspects.",
                slug="setting-out-of-range",
                hint=f"Give a rank from 1 to {max(1, len(view.suspects))}.",
            )
        labels = find_labels(manifest)
        self._suspects = {each.row: each for each in page_rows}
        self._originals, self._notices = _open_originals(folder, self._suspects)
        self._clean = CleanLabels(folder, manifest)
        serving = Serving(
            reviewer, has_originals=self._originals is not None, find_clean=self._clean.find
        )
        self.page = render_any_page(view, first=first, serving=serving).encode("utf-8")
        """The page, UTF-8."""
        self._log = DecisionLog(
            folder, run_id=view.run_id, n_rows=view.headline.rows, classes=labels
        )
        self._deciding = Deciding(
            self._log,
            self._suspects,
            labels=labels,
            run_id=view.run_id,
            reviewer=reviewer,
            find_problem=self._find_problem,
            find_clean=self._clean.find,
        )

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
        """What a person should know of the file of decisions, and of the pictures."""
        return (*self._notices, *self._log.read().notices)

    def find_answer(self, path: str) -> Answer | None:
        """The decisions so far, all that stand in order; how far reviewers agree; or a picture."""
        if path == "/decisions":
            read = self._log.read()
            # The comment of what was undone goes with the next decision about the row.
            undone = [each.to_json() for each in read.undone if each.comment]
            decided = [each.to_json() for each in read.standing]
            return answer_with_json({"decisions": decided, "undone": undone})
        if path == "/agreement":
            standing = self._log.read().standing
            return answer_with_json(
                {"text": say_agreement(measure_agreement(standing), len(find_differing(standing)))}
            )
        asked = _PICTURE.fullmatch(path)
        return None if asked is None else self._find_picture(int(asked[1]), int(asked[2]))

    def take_in(self, path: str, asked: object) -> object | None:
        """Record what the page sends: what was decided, or undone."""
        if path == "/decisions":
            decision, others = self._deciding.decide(asked)
            return {**decision.to_json(), "others": [each.to_json() for each in others]}
        if path == "/bulk":
            return {"decisions": [each.to_json() for each in self._deciding.decide_many(asked)]}
        if path == "/states":
            problems = ((row, self._find_problem(row)) for row in self._take_rows(asked))
            return {"problems": [[row, text] for row, text in problems if text]}
        if path == "/undo":
            return {"revoked": [each.to_json() for each in self._deciding.undo(asked)]}
        return None

    def finish(self) -> None:
        """Wait for the decision that is being written; none is taken after that."""
        self._log.close()

    def _find_picture(self, size: int, row: int) -> Answer | None:
        if self._originals is None or row not in self._suspects:
            return None
        from datacleanse.pictures.signatures import PictureError

        original = self._originals.read(row)
        try:
            if original.content is not None:
                return show_picture(original.content, size, as_is=size * size // 8)
        except PictureError:  # audited and not changed, but no longer to be read by this Pillow
            pass
        problem = STATES.get(original.state, "cannot be read")
        raise InputError(problem, slug="picture-unusable", hint="")

    def _find_problem(self, row: int) -> str | None:
        """What is wrong with the picture of a row; None: nothing, or it is none."""
        if self._originals is None:
            return None
        return STATES.get(self._originals.find_state(row))

    def _take_rows(self, asked: Any) -> list[int]:  # noqa: ANN401  # whatever JSON held
        rows = asked.get("rows") if isinstance(asked, dict) else None
        known = [row for row in rows if is_row(row)] if isinstance(rows, list) else []
        return [row for row in known if row in self._suspects][:MOST_ASKED]


def _open_originals(
    folder: RunFolder, suspects: Mapping[int, Suspect]
) -> tuple[Originals | None, tuple[Notice, ...]]:
    """The pictures themselves; none where they are not found, with a word on it."""
    if folder.any_manifest().pictures is None:
        return None, ()
    try:
        run = open_audited_run(folder)
    except InputError as error:
        message = (
            f"The pictures themselves cannot be shown, small ones are: {error.message} {error.hint}"
        )
        return None, (Notice("originals-missing", message, is_warning=True),)
    return find_originals(run, suspects), ()
