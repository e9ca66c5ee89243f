"""What a reviewer decided, row by row: `decisions.jsonl`, one JSON object a line, only appended to.

The last line about a row counts. A file may end in the middle of a line (a crash, a full disk) and
may have been written by hand: what is wrong with a line costs that line, and is told. Only a file
that holds no decision at all, or one about another run, is refused.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, get_args

from datacleanse.errors import InputError
from datacleanse.records import Notice
from datacleanse.storage.atomic_files import make_unwritable_error, open_to_append

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from pathlib import Path

Action = Literal["keep", "relabel", "drop", "unsure"]

_LONGEST_LINE = 1 << 20
"""Bytes; a decision takes a few hundred."""
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
    to be removed; ``unsure``: looked at, nothing to be done."""
    new_label: str | None
    """A class of DATA where the action is ``relabel``, else None."""
    reviewer: str
    """Who decided; may be empty."""
    at: str
    """When, ISO 8601, UTC."""
    run_id: str
    """Of the run that was reviewed, as in `run.json`; empty in a line written by hand."""

    @property
    def label(self) -> str | None:
        """The label that was found to be right; None where none was."""
        return {"keep": self.given_label, "relabel": self.new_label}.get(self.action)


@dataclass(frozen=True)
class Decisions:
    """What a file of decisions says."""

    last: dict[int, Decision]
    """The decision that counts, by row."""
    notices: tuple[Notice, ...]
    """About unusable lines, and rows that were decided more than once."""


class _UnusableError(ValueError):
    """A line that is no decision; says why."""


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
    except _UnusableError as error:
        raise InputError(
            f"This is no decision: {error}.",
            slug="decision-invalid",
            hint="A decision has row, id, row_sha256, given_label, action (keep, relabel, drop or "
            "unsure), new_label, reviewer, at and run_id.",
        ) from error


def read_decisions(
    path: Path,
    *,
    run_id: str | None = None,
    n_rows: int | None = None,
    classes: Container[str] | None = None,
) -> Decisions:
    """Read a file of decisions; of several about one row the last one counts.

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
            for number, line in _read_lines(file):
                reading.take(number, line)
    except OSError as error:
        raise _name_fault(path, error) from error
    if not reading.n_read:
        raise _make_empty_error(path, reading.name_unusable())
    _check_run(path, reading.runs, run_id)
    return Decisions(reading.last, tuple(reading.make_notices(path)))


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
    text = "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in decisions)
    content = text.encode("utf-8")
    if not content:
        return  # an empty file would be taken for one that lost its decisions
    try:
        is_new = not path.exists()
        with os.fdopen(open_to_append(path), "ab+", buffering=0) as file:
            if _is_cut_off(file):
                content = b"\n" + content
            # In one go: another program may be appending, too.
            while content:
                content = content[file.write(content) :]
            os.fsync(file.fileno())
        if is_new:
            _sync_folder(path.parent)
    except OSError as error:
        raise make_unwritable_error(path, error) from error


class _Reading:
    """The lines of a file, one after the other."""

    def __init__(self, n_rows: int | None, classes: Container[str] | None) -> None:
        self.last: dict[int, Decision] = {}
        self.n_unusable = 0
        self.runs: dict[str, int] = {}
        """First line of each run."""
        self.n_read = 0
        self._named: list[str] = []
        """The first unusable lines, and why: a long file of anything must not fill the memory."""
        self._n_rows, self._classes = n_rows, classes
        self._changed: dict[int, None] = {}

    def take(self, number: int, line: bytes | None) -> None:
        """Take a line in; None: it was too long to be read."""
        record: object = None
        try:
            record = _parse_line(line)
            decision = _parse(record)
            self.n_read += 1
            if decision.run_id:
                self.runs.setdefault(decision.run_id, number)
            self._check(decision)
        except _UnusableError as error:
            self.n_unusable += 1
            if len(self._named) < _NAMED:
                self._named.append(f"line {number}: {error}")
            if isinstance(record, dict) and _is_row(record.get("row")):
                self.last.pop(record["row"], None)
            return
        before = self.last.get(decision.row)
        if before is not None and _get_outcome(before) != _get_outcome(decision):
            self._changed[decision.row] = None
        self.last[decision.row] = decision

    def _check(self, decision: Decision) -> None:
        if self._n_rows is not None and decision.row >= self._n_rows:
            raise _UnusableError(
                f"row {decision.row} is not in the data, which has {self._n_rows} rows"
            )
        label = decision.new_label
        if label is not None and self._classes is not None and label not in self._classes:
            raise _UnusableError(f"the data has no class {_shorten(label)}")

    def name_unusable(self) -> str:
        """Name the first unusable lines, each with the reason, and say how many more there are."""
        more = self.n_unusable - len(self._named)
        return "; ".join(self._named) + (f"; and {more:,} more" if more else "")

    def make_notices(self, path: Path) -> Iterator[Notice]:
        """What a person should know of the file: unusable lines, and rows decided differently."""
        if self.n_unusable:
            n = self.n_unusable
            what = "1 line was" if n == 1 else f"{n:,} lines were"
            message = f"{path}: {what} left out ({self.name_unusable()})."
            yield Notice("decisions-left-out", message, is_warning=True)
        changed = [row for row in self._changed if row in self.last]
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


def _read_lines(file: Any) -> Iterator[tuple[int, bytes | None]]:  # noqa: ANN401  # a binary file
    """Number from 1 and content of the lines that are not blank; None for one that is too long."""
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        is_long = len(line) > _LONGEST_LINE
        if is_long:
            while line and not line.endswith(b"\n"):
                line = file.readline(_LONGEST_LINE)
        if is_long or line.strip():
            yield number, None if is_long else line


def _parse_line(line: bytes | None) -> object:
    if line is None:
        raise _UnusableError(f"it is longer than {_LONGEST_LINE:,} bytes")
    try:
        return json.loads(line.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except RecursionError as error:
        raise _UnusableError("it is nested too deep") from error
    except ValueError as error:
        cut = "" if line.endswith(b"\n") else ", and cut off"
        start = line[:40].decode("utf-8", "replace").rstrip("\n")
        raise _UnusableError(f"it is not JSON{cut}: {_shorten(start)}") from error


def _parse(record: object) -> Decision:
    if not isinstance(record, dict):
        raise _UnusableError(f"it is no JSON object: {_shorten(record)}")
    row, action = record.get("row"), _parse_action(record.get("action"))
    if not _is_row(row):
        raise _UnusableError(f"its row is {_shorten(row)}, not a whole number from 0 on")
    given = _parse_text(record, "given_label")
    if given is None:
        raise _UnusableError("it has no given_label")
    new = _parse_text(record, "new_label") if action == "relabel" else None
    if action == "relabel" and not new:
        raise _UnusableError("it has no new_label")
    texts = {name: _parse_text(record, name) or "" for name in ("reviewer", "at", "run_id")}
    return Decision(
        row=row,
        id=_parse_text(record, "id"),
        row_sha256=_parse_text(record, "row_sha256"),
        given_label=given,
        action=action,
        new_label=new,
        **texts,
    )


def _parse_action(value: object) -> Action:
    actions: tuple[Action, ...] = get_args(Action)
    for action in actions:
        if value == action:
            return action
    raise _UnusableError(f"its action is {_shorten(value)}, none of {', '.join(actions)}")


def _is_row(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _parse_text(record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _UnusableError(f"its {name} is {_shorten(value)}, no text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _UnusableError(f"its {name} holds half a sign (a lone surrogate)") from error
    return value


def _get_outcome(decision: Decision) -> tuple[str, str | None]:
    return decision.action, decision.new_label


def _check_run(path: Path, runs: dict[str, int], wanted: str | None) -> None:
    others = {run: line for run, line in runs.items() if run != wanted}
    if wanted is None and len(runs) > 1:
        found = ", ".join(f"{_shorten(run)} (line {line})" for run, line in runs.items())
        message = f"{path} holds decisions about several runs: {found}."
    elif wanted is not None and others:
        run, line = next(iter(others.items()))
        message = f"{path} is about another run: line {line} names {_shorten(run)}, not {wanted!r}."
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


def _is_cut_off(file: Any) -> bool:  # noqa: ANN401  # a binary file
    """Whether it ends within a line."""
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) != b"\n")


def _sync_folder(path: Path) -> None:
    """Bring a new file's name to the disk, where the system lets folders be opened."""
    if os.name == "nt":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _shorten(value: object) -> str:
    try:
        text = ascii(value) if not isinstance(value, str) else repr(value)
    except (RecursionError, ValueError):  # a whole number of more digits than Python writes
        text = type(value).__name__
    return text if len(text) <= 60 else f"{text[:59]}…"
