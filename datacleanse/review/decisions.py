"""What a reviewer decided, row by row: `decisions.jsonl`, one JSON object a line, only appended to.

The last line about a row counts. Undone is what a later line revokes: then the decision before it
counts again, or the row is as nobody had decided about it. A file may end in the middle of a line
(a crash, a full disk) and may have been written by hand: what is wrong with a line costs that line,
and is told. Only a file that holds no decision at all, or one about another run, is refused.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, get_args

from datacleanse.data.any_number import say_unknown, spell_among
from datacleanse.errors import InputError
from datacleanse.records import Notice
from datacleanse.review.agreement import note_differing
from datacleanse.review.json_lines import (
    UnusableLineError,
    append_records,
    is_row,
    parse_line,
    read_lines,
    shorten_value,
    take_row,
    take_text,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from pathlib import Path
    from typing import Any

Action = Literal["keep", "relabel", "drop", "unsure", "revoked"]

REVOKED: Action = "revoked"
"""Action of a line that takes back an earlier one."""

_MAY_LACK = ("group", "confirmed", "comment", "settles")
"""Fields that a line has only where they say something."""

LEFT_OUT = "decisions-left-out"
"""Slug of the notice about unusable lines."""

_NAMED = 5
"""Lines that a notice names before it says how many more there are."""


@dataclass(frozen=True)
class Decision:
    """What was decided about one row of DATA. Fields are those of a line of `decisions.jsonl`."""

    row: int
    """Position in DATA, from 0."""
    id: str | None
    """As in `audit.parquet`. None in a line written by hand: ``row`` alone says which row it is."""
    row_sha256: str | None
    """Of the row as it was audited, see `datacleanse.data.row_seals`. None in a line written by
    hand, or where rows have nothing but their label."""
    given_label: str
    """The label that the decision is about, as in `audit.parquet`."""
    action: Action
    """``keep``: the label is right; ``relabel``: it should be ``new_label``; ``drop``: the row is
    to be removed; ``unsure``: looked at, nothing to be done; ``revoked``: what was decided at once
    with that ``group`` was undone, or without a group the decision before."""
    new_label: str | None
    """A class of DATA where the action is ``relabel``, else None."""
    reviewer: str
    """Who decided; may be empty."""
    at: str
    """When, ISO 8601, UTC."""
    run_id: str
    """Of the run that was reviewed, as in `run.json`; empty in a line written by hand."""
    group: str = ""
    """The same in all that was decided at once, by one key or for many rows, so that it is undone
    at once; empty in a line written by hand."""
    confirmed: bool = False
    """Whether the reviewer was asked if it is meant, and said yes: the row had changed, or the
    clean set gives it another label."""
    comment: str = ""
    """What the reviewer wrote about the row; may have several lines."""
    settles: bool = False
    """Whether it settles what reviewers had decided differently."""

    @property
    def label(self) -> str | None:
        """The label that was found to be right; None where none was."""
        return {"keep": self.given_label, "relabel": self.new_label}.get(self.action)

    def to_json(self) -> dict[str, Any]:
        """The line; what not every line has is left out where it is empty."""
        return {
            name: value for name, value in asdict(self).items() if value or name not in _MAY_LACK
        }


_FIELDS = ", ".join(field.name for field in fields(Decision))
"""All that a line may have."""


@dataclass(frozen=True)
class Decisions:
    """What a file of decisions says."""

    last: dict[int, Decision]
    """The decision that counts, by row."""
    standing: tuple[Decision, ...]
    """All that were not revoked, in the order in which they were made; several may be about one
    row."""
    notices: tuple[Notice, ...]
    """About unusable lines, and rows that were decided more than once."""
    undone: tuple[Decision, ...] = ()
    """Of each row and reviewer the last one that was revoked, where nothing of them stands."""


def read_clock() -> str:
    """This moment as `Decision.at` has it, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def parse_decision(record: object) -> Decision:
    """A decision from what JSON gave; keys that are not known are ignored.

    ``row``, ``given_label`` and ``action`` must be there, and ``new_label`` with ``relabel``. The
    id and the row's hash are None where they are missing, and the rest is empty.

    Raises:
        InputError: it is none; the message says why.
    """
    try:
        return _parse(record)
    except UnusableLineError as error:
        raise InputError(
            f"This is no decision: {error}.",
            slug="decision-invalid",
            hint=f"A decision has {_FIELDS}; action is keep, relabel, drop, unsure or revoked.",
        ) from error


def read_decisions(
    path: Path,
    *,
    run_id: str | None = None,
    n_rows: int | None = None,
    classes: Container[str] | None = None,
) -> Decisions:
    """Read a file of decisions; of several about one row the last one that stands counts.

    A line whose row is known but whose content is not usable withdraws what was decided about that
    row before: the reviewer had thought better of it.

    Args:
        path: the file.
        run_id: of the run that the decisions must be about; None takes any single run.
        n_rows: rows of DATA; None does not check the rows.
        classes: the labels that may be given; None does not check them.

    Raises:
        InputError: it cannot be read, holds no decision, or holds those of another run.
    """
    reading = _Reading(n_rows, classes)
    try:
        with path.open("rb") as file:
            for number, line in read_lines(file):
                reading.take(number, line)
    except OSError as error:
        raise _name_fault(path, error) from error
    if not reading.n_read:
        raise _make_empty_error(path, reading.name_unusable())
    _check_run(path, reading.runs, run_id)
    standing = reading.list_standing()
    last = {decision.row: decision for decision in standing}
    notices = (*reading.make_notices(path), *note_differing(standing, str(path)))
    return Decisions(last, standing, notices, reading.list_undone())


def _make_empty_error(path: Path, unusable: str) -> InputError:
    """The error for a file without a decision; ``unusable`` names its lines, if it has any."""
    if unusable:
        hint = "Give the decisions.jsonl that the review page saved: one JSON object a line."
    else:
        # Never taken for "nothing to do": after a power cut a file may be there without its lines.
        hint = (
            "What it held may have been lost (a power cut, a full disk). Decide again, give a copy "
            "of it with --decisions, or remove it if nothing had been decided."
        )
    return InputError(
        f"{path} holds no decision: {unusable or 'it is empty'}.",
        slug="decisions-invalid",
        hint=hint,
    )


def append_decisions(path: Path, decisions: Iterable[Decision]) -> None:
    """Add decisions to the end of a file; they are on the disk when this returns.

    What stands there is never changed; a line that a crash cut off is closed first.

    Raises:
        OutputError: it is a link or no file, or the system does not let it be written.
    """
    append_records(path, (each.to_json() for each in decisions))


def revoke(
    standing: Iterable[Decision], *, group: str, row: int | None, reviewer: str
) -> list[Decision]:
    """The lines that undo what was decided at once; none where nothing of it stands.

    Args:
        standing: what was decided and not revoked, in order.
        group: of what is undone; empty: the last decision about ``row``, which has no group.
        row: the row that is meant where there is no group.
        reviewer: who undoes it.
    """
    if group:
        meant = [each for each in standing if each.group == group]
    else:
        meant = [each for each in standing if each.row == row][-1:]
    at = read_clock()
    blank = [
        replace(each, new_label=None, comment="", settles=False, confirmed=False) for each in meant
    ]
    return [replace(each, action=REVOKED, reviewer=reviewer, at=at) for each in blank]


class _Reading:
    """The lines of a file, one after the other."""

    def __init__(self, n_rows: int | None, classes: Container[str] | None) -> None:
        self._standing: dict[int, list[tuple[int, Decision]]] = {}
        """By row: lines that were not revoked, each with its number."""
        self._undone: dict[tuple[int, str], Decision] = {}
        """By row and reviewer: the last decision that was revoked."""
        self.n_unusable = 0
        self.runs: dict[str, int] = {}
        """First line of each run."""
        self.n_read = 0
        self._named: list[str] = []
        """The first unusable lines, and why: a long file of anything must not fill the memory."""
        self._n_rows, self._classes = n_rows, classes

    def take(self, number: int, line: bytes | None) -> None:
        """Take a line in; None: it was too long to be read."""
        record: object = None
        try:
            record = parse_line(line)
            decision = _parse(record)
            self.n_read += 1
            if decision.run_id:
                self.runs.setdefault(decision.run_id, number)
            decision = self._check(decision)
        except UnusableLineError as error:
            self.n_unusable += 1
            if len(self._named) < _NAMED:
                self._named.append(f"line {number}: {error}")
            if isinstance(record, dict) and is_row(record.get("row")):
                self._standing.pop(record["row"], None)
            return
        if decision.action == REVOKED:
            self._revoke(decision)
        else:
            self._standing.setdefault(decision.row, []).append((number, decision))

    def _revoke(self, decision: Decision) -> None:
        before = self._standing.get(decision.row, [])
        if decision.group:
            left = [each for each in before if each[1].group != decision.group]
        else:
            left = before[:-1]
        for each in before:
            if each not in left:
                self._undone[decision.row, each[1].reviewer] = each[1]
        if left:
            self._standing[decision.row] = left
        else:
            self._standing.pop(decision.row, None)

    def list_standing(self) -> tuple[Decision, ...]:
        """What was not revoked, in the order of the lines."""
        lines = [each for of_row in self._standing.values() for each in of_row]
        return tuple(decision for _, decision in sorted(lines, key=lambda each: each[0]))

    def list_undone(self) -> tuple[Decision, ...]:
        """What was revoked last of each row and reviewer, where nothing of them stands."""
        said = {(each.row, each.reviewer) for each in self.list_standing()}
        return tuple(each for key, each in self._undone.items() if key not in said)

    def _check(self, decision: Decision) -> Decision:
        """The decision, its label as DATA spells it."""
        if self._n_rows is not None and decision.row >= self._n_rows:
            raise UnusableLineError(
                f"row {decision.row} is not in the data, which has {self._n_rows} rows"
            )
        label = decision.new_label
        if label is not None and self._classes is not None and label not in self._classes:
            raise UnusableLineError(say_unknown(label, self._classes))
        return replace(decision, new_label=spell_among(label, self._classes))

    def name_unusable(self) -> str:
        """Name the first unusable lines, each with the reason, and say how many more there are."""
        more = self.n_unusable - len(self._named)
        return "; ".join(self._named) + (f"; and {more:,} more" if more else "")

    def make_notices(self, path: Path) -> Iterator[Notice]:
        """What a person should know of the file: unusable lines, and minds that were changed."""
        if self.n_unusable:
            n = self.n_unusable
            what = "1 line was" if n == 1 else f"{n:,} lines were"
            message = f"{path}: {what} left out ({self.name_unusable()})."
            yield Notice(LEFT_OUT, message, is_warning=True)
        changed = [row for row, lines in self._standing.items() if _is_changed(lines)]
        if changed:
            n = len(changed)
            what = "1 row was" if n == 1 else f"{n:,} rows were"
            rows = ", ".join(map(str, changed[:_NAMED]))
            more = f" and {n - _NAMED:,} more" if n > _NAMED else ""
            message = (
                f"{path}: {what} decided more than once, and differently (row {rows}{more}); the "
                "last decision counts."
            )
            yield Notice("decisions-contradict", message)


def _parse(record: object) -> Decision:
    if not isinstance(record, dict):
        raise UnusableLineError(f"it is no JSON object: {shorten_value(record)}")
    row, action = take_row(record), _parse_action(record.get("action"))
    given = take_text(record, "given_label")
    if given is None and action == REVOKED:
        given = ""  # the row is enough
    if given is None:
        raise UnusableLineError("it has no given_label")
    new = take_text(record, "new_label") if action == "relabel" else None
    if action == "relabel" and not new:
        raise UnusableLineError("it has no new_label")
    names = ("reviewer", "at", "run_id", "group", "comment")
    texts = {name: take_text(record, name) or "" for name in names}
    return Decision(
        row=row,
        id=take_text(record, "id"),
        row_sha256=take_text(record, "row_sha256"),
        given_label=given,
        action=action,
        new_label=new,
        confirmed=record.get("confirmed") is True,
        settles=record.get("settles") is True,
        **texts,
    )


def _parse_action(value: object) -> Action:
    actions: tuple[Action, ...] = get_args(Action)
    for action in actions:
        if value == action:
            return action
    raise UnusableLineError(f"its action is {shorten_value(value)}, none of {', '.join(actions)}")


def _is_changed(lines: Iterable[tuple[int, Decision]]) -> bool:
    """Whether one reviewer decided a row differently, and undid nothing of it."""
    said: dict[str, set[tuple[str, str | None]]] = {}
    for _, decision in lines:
        if not decision.settles:
            said.setdefault(decision.reviewer, set()).add((decision.action, decision.new_label))
    return any(len(verdicts) > 1 for verdicts in said.values())


def _check_run(path: Path, runs: dict[str, int], wanted: str | None) -> None:
    others = {run: line for run, line in runs.items() if run != wanted}
    if wanted is None and len(runs) > 1:
        found = ", ".join(f"{shorten_value(run)} (line {line})" for run, line in runs.items())
        message = f"{path} holds decisions about several runs: {found}."
    elif wanted is not None and others:
        run, line = next(iter(others.items()))
        message = (
            f"{path} is about another run: line {line} names {shorten_value(run)}, not {wanted!r}."
        )
    else:
        return
    raise InputError(
        message,
        slug="decisions-other-run",
        hint="Give the decisions that were made about this run; its run_id stands in run.json.",
    )


def _name_fault(path: Path, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(
            f"{path} does not exist.",
            slug="decisions-missing",
            hint="Give the decisions.jsonl that the review page saved.",
        )
    return InputError(
        f"{path} cannot be read: {error.strerror or error}.",
        slug="decisions-unreadable",
        hint="Give a file of decisions that may be read.",
    )
