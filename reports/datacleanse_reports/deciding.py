"""What the page of a review asks to be decided or undone, held to the run and written down.

What the page says of a row is not believed: id, hash and given label are the run's.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from datacleanse.data.any_number import is_one_label, say_unknown, spell_among
from datacleanse.errors import InputError
from datacleanse.review.agreement import list_opinions
from datacleanse.review.decisions import (
    REVOKED,
    Decision,
    Decisions,
    parse_decision,
    read_clock,
    revoke,
)
from datacleanse.review.json_lines import UnusableLineError, is_row, take_text
from datacleanse.review.recognition import name_row
from datacleanse_reports.answers import ConflictError, QuestionError
from datacleanse_reports.wording import format_plural, make_visible, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from datacleanse.review.clean_labels import CleanLabel
    from datacleanse.review.decision_log import DecisionLog
    from datacleanse_reports.suspect import Suspect

_LONGEST_NAME = 100
"""Characters of a reviewer's name that are kept."""

_LONGEST_LABEL = 60
"""Characters of a label that a question quotes."""
LONGEST_COMMENT = 2_000
"""Characters of a comment that are taken; the page has room for no more."""

_NAMED = 5
"""Rows that a message names before it says how many more there are."""

_GROUP = re.compile(r"[A-Za-z0-9-]{1,64}")
"""What names of things decided at once are made of."""


class Deciding:
    """Decisions about the suspects of a page. Methods may be called from several threads."""

    def __init__(
        self,
        log: DecisionLog,
        suspects: Mapping[int, Suspect],
        *,
        labels: Container[str],
        run_id: str,
        reviewer: str,
        find_problem: Callable[[int], str | None],
        find_clean: Callable[[int], CleanLabel | None],
    ) -> None:
        """Begin to take decisions.

        Args:
            log: where they are written.
            suspects: those on the page, by row.
            labels: those that a row may get.
            run_id: of the run.
            reviewer: who decides, where the page does not say.
            find_problem: says of a row why it cannot be judged as it was audited; None: it can.
            find_clean: says what a row was verified to be; None: nothing is known.
        """
        self._find_problem, self._find_clean = find_problem, find_clean
        self._log, self._suspects = log, suspects
        self._labels, self._run_id, self._reviewer = labels, run_id, reviewer
        # A page that did not hear that something was written sends it again.
        self._groups = {each.group for each in log.read().standing}

    def decide(self, asked: Any) -> tuple[Decision, list[Decision]]:  # noqa: ANN401  # whatever JSON held
        """Record a decision; it is on the disk when this returns.

        Args:
            asked: an object with ``row``, ``action``, and ``new_label`` for a new label; perhaps
                ``reviewer``, ``comment``, ``settles``, ``group``, and ``confirmed`` where the page
                has asked.

        Returns:
            The decision, and what other reviewers have said of the row by now: the page may not
            know of it.

        Raises:
            InputError: it is no decision about a row of the page, or its label may not be given.
            QuestionError: its row has changed, or the clean set gives it another label, and nobody
                has said that it is meant all the same.
            OutputError: it cannot be written.
        """
        said = parse_decision(_add_label(asked))
        if said.action == REVOKED:
            raise make_unusable_error("decisions are undone in another way")
        decision = self._make(said, group=take_group(asked), reviewer=self._name(said.reviewer))
        if decision.group in self._groups:
            return self._find_written(decision) or decision, []
        [decision] = self._check_meant(asked, [decision])
        others: list[Decision] = []

        def choose(read: Decisions) -> Sequence[Decision]:
            others.extend(_list_others(read, decision))
            return (decision,)

        self._log.record_after(choose)
        self._groups.add(decision.group)
        return decision, others

    def decide_many(self, asked: Any) -> list[Decision]:  # noqa: ANN401  # whatever JSON held
        """Record what is decided about many rows at once, all of it or nothing.

        Args:
            asked: an object with ``rows``; ``decided``, those of the list shown that are decided,
                be they among the rows or not; and ``action``: as for one row, or ``accept``, which
                changes each row to its own suggestion. Perhaps ``new_label``, ``reviewer``,
                ``group``, and ``confirmed``.

        Raises:
            InputError: it is nothing that can be decided about these rows.
            QuestionError: as for one row.
            ConflictError: other rows of the list are decided by now than it showed.
            OutputError: it cannot be written.
        """
        rows, decided = _take_rows(asked, "rows"), _take_rows(asked, "decided")
        group, reviewer = take_group(asked), self._name(_take_name(asked))
        made = [
            self._make(self._read_for(row, asked), group=group, reviewer=reviewer) for row in rows
        ]
        if not made:
            raise make_unusable_error("it names no row")

        def choose(read: Decisions) -> Sequence[Decision]:
            if any(each.group == group for each in read.standing):
                return ()  # written before, but the page did not hear of it
            _check_as_shown(read, rows, decided)
            return made

        made = self._check_meant(asked, made)
        self._log.record_after(choose)
        self._groups.add(group)
        return made

    def _read_for(self, row: int, asked: dict[str, Any]) -> Decision:
        """What is asked for many rows, as a decision about one of them."""
        said = {"given_label": "", **{key: asked.get(key) for key in ("action", "new_label")}}
        if said["action"] == "accept":
            suspect = self._suspects.get(row)
            suggested = None if suspect is None else suspect.suggested_label
            if suggested is None:
                raise make_unusable_error(f"row {row} has no suggestion on this page")
            said |= {"action": "relabel", "new_label": suggested}
        if said["action"] == REVOKED:
            raise make_unusable_error("decisions are undone in another way")
        return parse_decision(said | {"row": row})

    def undo(self, asked: Any) -> list[Decision]:  # noqa: ANN401  # whatever JSON held
        """Revoke what was decided at once; what was revoked, which is on the disk then.

        Args:
            asked: an object with the ``group`` that is undone, or of what has none with its
                ``row``; perhaps ``reviewer``.

        Raises:
            InputError: it says nothing of the kind.
            OutputError: it cannot be written.
        """
        if not isinstance(asked, dict) or not ("group" in asked or is_row(asked.get("row"))):
            raise make_unusable_error("it says neither a group nor a row")
        group = take_group(asked) if asked.get("group") else ""
        row, reviewer = asked.get("row"), self._name(_take_name(asked))

        def choose(read: Decisions) -> Sequence[Decision]:
            return revoke(read.standing, group=group, row=row, reviewer=reviewer)

        revoked = self._log.record_after(choose)
        self._groups.discard(group)
        return revoked

    def _make(self, said: Decision, *, group: str, reviewer: str) -> Decision:
        """A decision about a row of the page, by what the run knows of it."""
        suspect = self._suspects.get(said.row)
        if suspect is None:
            raise make_unusable_error(f"row {said.row} is not on this page")
        if said.new_label is not None and said.new_label not in self._labels:
            raise make_unusable_error(say_unknown(said.new_label, self._labels))
        new_label = spell_among(said.new_label, self._labels)
        is_given = new_label is not None and is_one_label(
            new_label, suspect.given_label, self._labels
        )
        return Decision(
            row=suspect.row,
            id=suspect.id,
            row_sha256=suspect.row_sha256,
            given_label=suspect.given_label,
            action="keep" if is_given else said.action,
            new_label=None if is_given else new_label,
            reviewer=reviewer,
            at=read_clock(),
            run_id=self._run_id,
            group=group,
            comment=_check_comment(said.comment),
            settles=said.settles,
        )

    def _check_meant(self, asked: dict[str, Any], made: Sequence[Decision]) -> list[Decision]:
        """Ask about what is odd, unless that was done before; the decisions, marked where it was.

        Odd is what is decided about a row that has changed, or against the clean set.
        """
        changed = {each.row: text for each in made if (text := self._find_problem(each.row))}
        against = {each.row: text for each in made if (text := self._say_against(each))}
        odd = changed.keys() | against.keys()
        if odd and asked.get("confirmed") is not True:
            raise _make_question(made, changed, against)
        return [replace(each, confirmed=each.row in odd) for each in made]

    def _say_against(self, decision: Decision) -> str | None:
        """That the clean set gives the row another label than is decided; None: it does not."""
        known = self._find_clean(decision.row)
        if known is None or not known.contradicts(decision):
            return None
        said, decided = _quote(known.label), _quote(decision.label or "")
        return f"verified as {said} ({known.place}), and you decide {decided}."

    def _name(self, said: str) -> str:
        return said[:_LONGEST_NAME] or self._reviewer

    def _find_written(self, decision: Decision) -> Decision | None:
        """The decision as it stands in the file already."""
        found = (each.group == decision.group and each for each in self._log.read().standing)
        return next((each for each in found if each and each.row == decision.row), None)


def _make_question(
    made: Sequence[Decision], changed: Mapping[int, str], against: Mapping[int, str]
) -> QuestionError:
    """The question whether decisions about odd rows are meant; both say of them what is odd."""
    texts = [
        f"Row {name_row(each)}: {text}"
        for each in made
        for text in (changed.get(each.row), against.get(each.row))
        if text is not None
    ]
    n = len(texts) - _NAMED
    more = f" And {format_plural(n, 'more row')}." if n > 0 else ""
    hints = []
    if changed:
        hints.append(
            "What you decide is about what was audited: `apply` refuses rows that have changed."
        )
    if against:
        hints.append(
            "`apply` goes by your decision, the next audit by the clean set: correct it where it "
            "is wrong."
        )
    return QuestionError(
        f"{' '.join(texts[:_NAMED])}{more}",
        slug="row-changed" if changed else "against-clean-set",
        hint=" ".join(hints),
    )


def _quote(label: str) -> str:
    return make_visible(shorten(label, _LONGEST_LABEL)) or "(empty)"


def take_group(asked: Any) -> str:  # noqa: ANN401  # whatever JSON held
    """The name of what is decided at once; a new one where the page gives none.

    Raises:
        InputError: it is no such name.
    """
    group = asked.get("group") if isinstance(asked, dict) else None
    if group is None:
        return secrets.token_hex(8)
    if not isinstance(group, str) or not _GROUP.fullmatch(group):
        raise make_unusable_error("its group is no name of one")
    return group


def make_unusable_error(why: str) -> InputError:
    """The error for what the page sends and nobody can decide by."""
    return InputError(
        f"This is no decision: {why}.",
        slug="decision-invalid",
        hint="Reload the page and decide again.",
    )


def _list_others(read: Decisions, decision: Decision) -> list[Decision]:
    """What others than its reviewer say of the row of a decision, as far as nothing settled it."""
    opinions = list_opinions(read.standing).get(decision.row, [])
    return [each for each in opinions if each.reviewer != decision.reviewer]


def _check_comment(comment: str) -> str:
    if len(comment) > LONGEST_COMMENT:
        raise InputError(
            f"The comment has {len(comment):,} characters, and {LONGEST_COMMENT:,} are taken.",
            slug="comment-too-long",
            hint="Shorten it; nothing was written.",
        )
    return comment.strip()


def _take_rows(asked: Any, name: str) -> list[int]:  # noqa: ANN401  # whatever JSON held
    rows = asked.get(name) if isinstance(asked, dict) else None
    if not isinstance(rows, list) or not all(map(is_row, rows)) or len(set(rows)) < len(rows):
        raise make_unusable_error(f"its {name} are no list of different rows")
    return rows


def _check_as_shown(read: Decisions, rows: Sequence[int], decided: Sequence[int]) -> None:
    """Refuse to decide about a list that is another one by now than the page showed."""
    shown = set(decided)
    late = [row for row in rows if row not in shown and row in read.last]
    late += [row for row in decided if row not in read.last]
    if late:
        named = ", ".join(map(str, sorted(late)[:_NAMED]))
        more = f" and {len(late) - _NAMED:,} more" if len(late) > _NAMED else ""
        n = format_plural(len(late), "row")
        raise ConflictError(
            f"Nothing was decided. {n} of the list {'was' if len(late) == 1 else 'were'} decided "
            f"or undone elsewhere meanwhile (row {named}{more}).",
            slug="decisions-moved-on",
            hint="The list is up to date now: look at it again.",
        )


def _take_name(asked: dict[str, Any]) -> str:
    try:
        return take_text(asked, "reviewer") or ""
    except UnusableLineError as error:
        raise make_unusable_error(str(error)) from error


def _add_label(asked: Any) -> Any:  # noqa: ANN401  # whatever JSON held
    """The run knows the given label; a page need not send it."""
    return {"given_label": "", **asked} if isinstance(asked, dict) else asked
