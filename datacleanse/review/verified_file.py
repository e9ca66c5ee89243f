"""Verdicts on rows drawn from DATA: a file of `datacleanse verify`, one JSON object a line.

It is only appended to, and the last line about a row counts. A line that a kill cut off at the end
is left out and told; a damaged line elsewhere is an error, since nobody knows what it said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from datacleanse.errors import InputError, SettingsError
from datacleanse.given_paths import expand_home
from datacleanse.records import Notice
from datacleanse.review.json_lines import (
    UnusableLineError,
    parse_line,
    read_lines,
    shorten_value,
    take_row,
    take_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Judgement = Literal["keep", "relabel", "unsure", "revoked"]

VERSION = 1
"""Of the format; the first key of each line, by which a file is known."""

_MARK = b'{"verified":'
_HEAD = 1 << 16
"""Bytes of a file by which it is known."""
_CURE = (
    "Each line is one verdict that `datacleanse verify` wrote; mend the line or take it out, or "
    "give an earlier copy of the file."
)


@dataclass(frozen=True)
class Draw:
    """How the rows were drawn."""

    n: int
    """Rows that were to be drawn."""
    seed: int
    """Of the draw. With the same seed a larger draw holds all rows of a smaller one, but where it
    is by class."""
    by_class: bool
    """Whether every class was given its share of the draw, and two rows at least."""
    data_rows: int
    """Rows of DATA, N."""
    data_sha256: str
    """Of DATA when it was drawn from (hex); of pictures: of their names and labels."""


@dataclass(frozen=True)
class Verdict:
    """What a person said of the label of one row of DATA."""

    row: int
    """Position in DATA, from 0."""
    id: str | None
    """In DATA's id column; None where DATA has none."""
    row_sha256: str | None
    """Of the row as it was verified, see `datacleanse.data.row_seals`; None where rows have nothing
    but their label."""
    given_label: str
    """As DATA spelled it then."""
    action: Judgement
    """``keep``: the given label is right; ``relabel``: ``label`` is; ``unsure``: nobody can say;
    ``revoked``: what was said before does not hold."""
    label: str | None
    """The verified label; None with ``unsure`` and ``revoked``."""
    new_class: bool
    """Whether no row of DATA has that label, and the reviewer allowed it by ``--new-class``."""
    blind: bool
    """Whether the given label was hidden."""
    reviewer: str
    """Who; may be empty."""
    at: str
    """When, ISO 8601, UTC."""
    probability: float
    """In (0, 1]: of the row being among those drawn, had they been drawn again."""
    draw: Draw

    def to_json(self) -> dict[str, Any]:
        """The line, flat."""
        own = asdict(self)
        return {"verified": VERSION, **{k: v for k, v in own.items() if k != "draw"}, **own["draw"]}


@dataclass(frozen=True)
class VerifiedFile:
    """What a file of verdicts says."""

    path: Path
    last: dict[int, Verdict]
    """The verdict that counts, by row, in the order in which they were given; no revoked ones."""
    draw: Draw
    """Of the last line."""
    is_one_draw: bool
    """Whether all lines tell of one draw, be it smaller or larger."""
    notices: tuple[Notice, ...]
    """About a line that was cut off."""

    @property
    def data_sha256(self) -> str:
        """Of the DATA that the verdicts are about."""
        return self.draw.data_sha256


def is_verified_file(source: object) -> bool:
    """Whether a source is a local file of verdicts, told by its content and not by its name."""
    if not isinstance(source, str | PathLike):
        return False
    try:
        with expand_home(source).open("rb") as file:
            lines = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    except (OSError, ValueError):
        return False  # whoever reads it as a table says what is wrong
    return any(_is_marked(line) for line in lines)


def refuse_verdicts(path: Path) -> None:
    """Refuse to write over a file of verdicts: a reviewer's work, which no command gives back.

    Raises:
        SettingsError: verdicts lie at that place.
    """
    if is_verified_file(path):
        raise SettingsError(
            f"{path} holds verdicts of `datacleanse verify`, and is not written over.",
            slug="output-is-input",
            hint="Choose another name with -o.",
        )


def _is_marked(line: bytes) -> bool:
    """Whether a line is a verdict, or what is left of one."""
    try:
        record = parse_line(line)
    except UnusableLineError:
        return line.startswith(_MARK)
    return isinstance(record, dict) and {"verified", "row", "action"} <= record.keys()


def read_verified_file(path: Path) -> VerifiedFile:
    """Read a file of verdicts; of several about one row the last one counts.

    Raises:
        InputError: it cannot be read, holds no verdict, is damaged, or is about several tables.
    """
    last: dict[int, Verdict] = {}
    notices: list[Notice] = []
    first: Verdict | None = None
    draws: dict[tuple[str, int, bool], int] = {}
    draw: Draw | None = None
    for number, verdict in _read_verdicts(path, notices.append):
        first = first or verdict
        draw = verdict.draw
        if draw.data_sha256 != first.draw.data_sha256:
            raise InputError(
                f"{path} holds verdicts about several tables: line {number} is about another one "
                "than line 1.",
                slug="verified-several-data",
                hint="Keep the verdicts about each table in a file of their own.",
            )
        draws.setdefault((draw.data_sha256, draw.seed, draw.by_class), number)
        last.pop(verdict.row, None)
        if verdict.action != "revoked":
            last[verdict.row] = verdict
    if draw is None:
        raise InputError(
            f"{path} holds no verdict{_say_why(notices)}.",
            slug="verified-empty",
            hint="Verify rows with `datacleanse verify`, or give another file.",
        )
    return VerifiedFile(path, last, draw, len(draws) == 1, tuple(notices))


def _say_why(notices: list[Notice]) -> str:
    return ": its only line is cut off" if notices else ": it is empty"


def _read_verdicts(path: Path, tell: Callable[[Notice], None]) -> Iterator[tuple[int, Verdict]]:
    """Yield the verdicts with the numbers of their lines; tell of a line that was cut off."""
    try:
        with expand_home(path).open("rb") as file:
            for number, line in read_lines(file):
                try:
                    yield number, _parse(parse_line(line))
                except UnusableLineError as error:
                    if not error.is_cut:
                        raise InputError(
                            f"{path}, line {number}: this is no verdict, since {error}.",
                            slug="verified-damaged",
                            hint=_CURE,
                        ) from error
                    message = (
                        f"{path}, line {number}: the last line was cut off, as when the program is "
                        "killed while it writes; it is left out."
                    )
                    tell(Notice("verified-cut", message, is_warning=True))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}.",
            slug="verified-unreadable",
            hint="Give a file of `datacleanse verify` that may be read.",
        ) from error


@dataclass(frozen=True)
class Said:
    """What a person said of a row, without what the program adds."""

    row: int
    action: Judgement
    label: str | None
    """With ``relabel``, the right one."""
    blind: bool
    reviewer: str
    """May be empty."""


def parse_verdict(record: object) -> Said:
    """What a page that was served says of a row.

    Raises:
        UnusableLineError: it is no verdict; says why.
    """
    fields = _check_object(record)
    action = _take_action(fields)
    return Said(
        row=take_row(fields),
        action=action,
        label=_take_needed(fields, "label") if action == "relabel" else None,
        blind=fields.get("blind") is True,
        reviewer=take_text(fields, "reviewer") or "",
    )


def _check_object(record: object) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise UnusableLineError(f"it is no JSON object: {shorten_value(record)}")
    return record


def _parse(line: object) -> Verdict:
    record = _check_object(line)
    if record.get("verified") != VERSION:
        raise UnusableLineError(
            f"its format is {shorten_value(record.get('verified'))}, and this version of the "
            f"program reads {VERSION}"
        )
    action = _take_action(record)
    given = _take_needed(record, "given_label")
    label = given if action == "keep" else None
    if action == "relabel":
        label = _take_needed(record, "label")
    return Verdict(
        row=take_row(record),
        id=take_text(record, "id"),
        row_sha256=take_text(record, "row_sha256"),
        given_label=given,
        action=action,
        label=label,
        new_class=record.get("new_class") is True,
        blind=record.get("blind") is True,
        reviewer=take_text(record, "reviewer") or "",
        at=take_text(record, "at") or "",
        probability=_take_probability(record),
        draw=Draw(
            n=_take_count(record, "n"),
            seed=_take_count(record, "seed"),
            by_class=record.get("by_class") is True,
            data_rows=_take_count(record, "data_rows"),
            data_sha256=_take_needed(record, "data_sha256"),
        ),
    )


def _take_action(record: dict[str, Any]) -> Judgement:
    actions: tuple[Judgement, ...] = get_args(Judgement)
    for action in actions:
        if record.get("action") == action:
            return action
    found = shorten_value(record.get("action"))
    raise UnusableLineError(f"its action is {found}, none of {', '.join(actions)}")


def _take_needed(record: dict[str, Any], name: str) -> str:
    text = take_text(record, name)
    if not text:
        raise UnusableLineError(f"it has no {name}")
    return text


def _take_count(record: dict[str, Any], name: str) -> int:
    value = record.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UnusableLineError(f"its {name} is {shorten_value(value)}, not a whole number from 0")
    return value


def _take_probability(record: dict[str, Any]) -> float:
    value = record.get("probability")
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise UnusableLineError(
            f"its probability is {shorten_value(value)}, not a number above 0 and up to 1"
        )
    return float(value)
