"""Rows under verification: each verdict is added to the file before it is confirmed."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from datacleanse.data.any_number import is_one_label, say_unknown, spell_among
from datacleanse.data.messages import quote_value
from datacleanse.errors import InputError, OutputError, SettingsError
from datacleanse.review.decisions import read_clock
from datacleanse.review.json_lines import append_records
from datacleanse.review.verified_file import (
    Verdict,
    VerifiedFile,
    is_verified_file,
    read_verified_file,
)
from datacleanse.shares import count_rows_for, find_wilson_interval
from datacleanse.storage.atomic_files import check_appendable, check_place, make_unwritable_error
from datacleanse.storage.file_locks import InUseError, hold_lock

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence
    from pathlib import Path

    from datacleanse.records import Notice
    from datacleanse.review.drawn_rows import Drawing
    from datacleanse.review.verified_file import Judgement

NARROW = 0.03
"""Half-width of the interval that the page counts the rows to."""

FEWEST = 10
"""Verdicts below which a share is no use to anybody."""


@dataclass(frozen=True)
class WrongShare:
    """What the verdicts so far say of DATA."""

    n_judged: int
    """Rows found right or wrong."""
    n_wrong: int
    """Of these, the wrong ones."""
    n_unsure: int
    """Rows that nobody could judge."""
    share: float
    """In [0, 1], of wrong labels among DATA's rows; rows of classes drawn more densely count less.
    0 where nothing is judged."""
    low: float
    """Lower end of its 95 % interval (Wilson)."""
    high: float
    """Upper end."""
    n_more: int
    """Further rows by which the interval is about 3 points to each side, all other rows at most."""
    is_all: bool
    """Whether it takes all other rows."""


def measure_share(verdicts: Iterable[Verdict], n_rows: int) -> WrongShare:
    """Measure the share of wrong labels.

    Args:
        verdicts: those that count, one a row.
        n_rows: rows of DATA.
    """
    said = list(verdicts)
    judged = [each for each in said if each.label is not None]
    n, wrong = len(judged), sum(each.action == "relabel" for each in judged)
    n_left = n_rows - n
    if not n:
        return WrongShare(0, 0, len(said), 0.0, 0.0, 1.0, n_left, is_all=True)
    # In a draw that is not by class all rows have one chance, whatever n the line names.
    weights = [1 / each.probability if each.draw.by_class else 1.0 for each in judged]
    whole = sum(weights)
    effective = whole * whole / sum(weight * weight for weight in weights)
    share = wrong / n
    if any(each.draw.by_class for each in judged):
        pairs = zip(judged, weights, strict=True)
        share = sum(weight for each, weight in pairs if each.action == "relabel") / whole
    low, high = find_wilson_interval(share * effective, effective)
    wanted = round(count_rows_for(share, NARROW) * n / effective) - n
    return WrongShare(
        n_judged=n,
        n_wrong=wrong,
        n_unsure=len(said) - n,
        share=share,
        low=low,
        high=high,
        n_more=min(max(0, wanted), n_left),
        is_all=wanted >= n_left,
    )


@contextmanager
def open_verification(
    path: Path, drawing: Drawing, new_classes: Sequence[str] = ()
) -> Iterator[Verification]:
    """Begin a file of verdicts, or go on with it; nobody else writes to it within the block.

    Args:
        path: the file; it need not be there.
        drawing: the rows that are asked about.
        new_classes: labels that may be given although no row of DATA has them.

    Raises:
        InputError: the file is about another table or draw, or damaged.
        SettingsError: a new class is none, or another program writes to the file.
        OutputError: it cannot be written.
    """
    _check_new_classes(drawing, new_classes)
    check_place(path)
    check_appendable(path)
    with _hold(path):
        yield Verification(path, drawing, tuple(new_classes), _read_begun(path, drawing))


@contextmanager
def _hold(path: Path) -> Iterator[None]:
    """Keep other programs of this kind from the file."""
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(path.with_name(f".{path.name}.lock")))
        except InUseError as error:
            raise SettingsError(
                f"Another `datacleanse verify` is adding to {path}.",
                slug="verified-in-use",
                hint="End that one first, or choose another file with -o: several files are joined "
                "by giving --val for each.",
            ) from error
        except OSError as error:
            raise make_unwritable_error(path, error) from error
        yield


class Verification:
    """The verdicts on the rows of one draw. Every method may be called from several threads."""

    def __init__(
        self,
        path: Path,
        drawing: Drawing,
        new_classes: tuple[str, ...],
        begun: VerifiedFile | None,
    ) -> None:
        """Take up what the file holds; see `open_verification`."""
        self.path, self.drawing = path, drawing
        self.classes = (*drawing.classes, *new_classes)
        """The classes that may be given, DATA's first; none where labels are numbers."""
        self._labels: Container[str] = drawing.numbers or self.classes
        self.notices: tuple[Notice, ...] = () if begun is None else begun.notices
        """What a person should know of the file."""
        self._rows = {each.row: each for each in drawing.rows}
        self._new = frozenset(new_classes)
        self._last = {} if begun is None else dict(begun.last)
        self._writing, self._is_closed = Lock(), False

    @property
    def n_open(self) -> int:
        """Rows of the draw that nobody has said anything of."""
        with self._writing:
            return sum(row not in self._last for row in self._rows)

    def list_verdicts(self) -> list[Verdict]:
        """The verdicts that count, in the order in which they were given."""
        with self._writing:
            return list(self._last.values())

    def measure(self) -> WrongShare:
        """What they say of DATA so far."""
        return measure_share(self.list_verdicts(), self.drawing.draw.data_rows)

    def record(
        self, row: int, action: Judgement, label: str | None, *, reviewer: str, blind: bool
    ) -> Verdict:
        """Add a verdict; it is on the disk when this returns.

        What is said of the row is not believed: id, hash and given label are those of the draw.

        Args:
            row: position in DATA.
            action: ``relabel`` to the given label counts as ``keep``.
            label: with ``relabel``, one of `classes`, or a number.
            reviewer: who says so.
            blind: whether the given label was hidden.

        Raises:
            InputError: the row was not drawn, or the label may not be given.
            OutputError: it cannot be written.
        """
        drawn = self._rows.get(row)
        if drawn is None:
            raise _make_unusable_error(f"row {row} is not among those drawn")
        if action == "relabel":
            label = self._check_label(label or "")
            if is_one_label(label, drawn.given_label, self._labels):
                action = "keep"
        right = {"keep": drawn.given_label, "relabel": label}.get(action)
        verdict = Verdict(
            row=row,
            id=drawn.id,
            row_sha256=drawn.row_sha256,
            given_label=drawn.given_label,
            action=action,
            label=right,
            new_class=right in self._new,
            blind=blind,
            reviewer=reviewer,
            at=read_clock(),
            probability=drawn.probability,
            draw=self.drawing.draw,
        )
        with self._writing:
            if self._is_closed:
                raise _make_unusable_error("the verification has ended")
            append_records(self.path, [verdict.to_json()], drops_cut_line=True)
            self._last.pop(row, None)
            if action != "revoked":
                self._last[row] = verdict
        return verdict

    def _check_label(self, label: str) -> str:
        """The label as DATA spells it."""
        if label in self._labels:
            return spell_among(label, self._labels)
        if self.drawing.numbers is not None:
            raise _make_unusable_error(say_unknown(label, self._labels))
        raise _make_unusable_error(f"{quote_value(label)} is no class")

    def close(self) -> None:
        """Wait for the verdict that is being written; none is taken after that."""
        with self._writing:
            self._is_closed = True


def _check_new_classes(drawing: Drawing, new_classes: Sequence[str]) -> None:
    if new_classes and drawing.numbers is not None:
        raise SettingsError(
            "--new-class does not go with --task regression: any number may be given.",
            slug="new-class-unusable",
            hint="Leave --new-class out.",
        )
    for name in new_classes:
        if not name.strip() or name in drawing.classes:
            why = "is a class already" if name in drawing.classes else "is no name"
            raise SettingsError(
                f"--new-class {quote_value(name)} {why}.",
                slug="new-class-unusable",
                hint=f"Name a class that no row of {drawing.source} has, or leave it out.",
            )


def _read_begun(path: Path, drawing: Drawing) -> VerifiedFile | None:
    """What stands in the file; None where that is nothing.

    Raises:
        InputError: it is about another table or another draw.
        OutputError: it is something else.
    """
    if not path.exists() or not path.stat().st_size:
        return None
    if not is_verified_file(path):
        raise OutputError(
            f"{path} exists already, and is no file of verdicts.",
            slug="file-exists",
            hint="Choose another name with -o.",
        )
    try:
        begun = read_verified_file(path)
    except InputError as error:
        if error.slug != "verified-empty":
            raise
        return None  # a crash within the very first line
    _check_draw(path, begun, drawing)
    return begun


def _check_draw(path: Path, begun: VerifiedFile, drawing: Drawing) -> None:
    draw, wanted = begun.draw, drawing.draw
    if draw.data_sha256 != wanted.data_sha256:
        raise InputError(
            f"{path} holds verdicts about another table ({draw.data_rows:,} rows, sha256 "
            f"{draw.data_sha256[:12]}…) than {drawing.source} is now ({wanted.data_rows:,} rows, "
            f"sha256 {wanted.data_sha256[:12]}…).",
            slug="verified-other-data",
            hint="Choose another file with -o. `audit --val` still takes this one, and finds the "
            "rows that are as they were.",
        )
    is_same = (draw.seed, draw.by_class) == (wanted.seed, wanted.by_class)
    if not is_same or not begun.is_one_draw or (draw.by_class and draw.n != wanted.n):
        how = [f"--seed {draw.seed}", *(["--by-class", f"-n {draw.n}"] if draw.by_class else [])]
        raise InputError(
            f"{path} was begun with another draw: {' '.join(how)}.",
            slug="verified-other-draw",
            hint="Repeat that, or choose another file with -o: several files are joined by giving "
            "--val for each.",
        )


def _make_unusable_error(why: str) -> InputError:
    return InputError(
        f"This is no verdict: {why}.",
        slug="verdict-invalid",
        hint="Reload the page and judge the row again.",
    )
