"""Rows of DATA that reviewers decided about, made part of the clean set.

They are no sample of DATA: reviewers look at what is suspicious. So they steer and are learned
from like any trusted row, but neither calibrate flags nor teach the noise matrix. As calibration
rows they break the flags' promise: `benchmarks/review/rounds.py`, figures in `docs/cleaning.md`.
They calibrate by what was thought of them before anybody had looked: `judged_suspects.py`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data.any_number import (
    AnyNumber,
    make_label_finder,
    say_unknown,
)
from datacleanse.data.concatenation import concatenate_rows
from datacleanse.data.labels import ClassFinder
from datacleanse.data.look_alikes import find_look_alike, spell_apart
from datacleanse.data.messages import LISTED, format_count, quote_value
from datacleanse.errors import InputError
from datacleanse.records import Notice, Overlap
from datacleanse.review.completion import complete_decisions
from datacleanse.review.decisions import read_decisions
from datacleanse.review.earlier_labels import read_mislabelled_pairs
from datacleanse.review.judged_suspects import read_judged_suspects
from datacleanse.review.recognition import name_row, recognise
from datacleanse.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.records import Dataset
    from datacleanse.review.completion import Contradiction
    from datacleanse.review.decisions import Decision
    from datacleanse.review.judged_suspects import JudgedSuspects
    from datacleanse.review.recognition import Recognised


@dataclass(frozen=True)
class Reviewed:
    """What decisions of an earlier round say about the DATA of this one."""

    files: tuple[str, ...]
    """Where the decisions stand, as named."""
    rows: NDArray[np.int64]
    """(K,) sorted rows of DATA whose label a reviewer found or made right."""
    labels: NDArray[np.int64]
    """(K,) their right labels."""
    left_out: NDArray[np.int64]
    """Sorted rows that a reviewer dropped and that are in DATA still: not trained on."""
    kept: int
    """Of the K rows, those whose label was found right; the others got another one."""
    sha256: str
    """Of all that the K rows and their labels are, what is left out, and what was thought."""
    notices: tuple[Notice, ...]
    judged: JudgedSuspects | None = None
    """What the audits that proposed them had thought of those of the K rows, and of dropped ones,
    that were looked at one by one, where that is known."""


def read_reviewed(
    data: Dataset,
    overlap: Overlap,
    paths: Sequence[Path],
    *,
    clean: Dataset,
    can_steer: bool = True,
) -> Reviewed:
    """Find the reviewed rows in DATA. Rows that CLEAN holds already are left to CLEAN.

    Args:
        data: DATA of this round.
        overlap: what CLEAN shares with it.
        paths: files of decisions, each about one run; about one row the last one counts, but one
            that settles before others about the same run.
        clean: CLEAN, whose label counts where a decision gives another one.
        can_steer: whether CLEAN is given, beside which they steer.

    Raises:
        InputError: a file cannot be read, or none of its decisions is about a row of DATA.
    """
    verdicts, notices = _collect_verdicts(data, paths)
    notices += _note_against_clean(data, clean, overlap, verdicts.labels)
    for row in set(overlap.data_rows.tolist()):
        verdicts.forget(row)
    rows = np.array(sorted(verdicts.labels), np.int64)
    labels = np.array([verdicts.labels[row][1] for row in rows.tolist()], np.int64)
    left_out = np.array(sorted(verdicts.dropped), np.int64)
    kept = sum(decision.action == "keep" for decision, _ in verdicts.labels.values())
    judged = read_judged_suspects(data, verdicts.list_counting(), paths) if can_steer else None
    told = (rows, labels, left_out, *(() if judged is None else judged.list_arrays()))
    digest = hashlib.sha256(b"".join(each.tobytes() + b"|" for each in told)).hexdigest()
    found = Reviewed(
        *(tuple(map(str, paths)), rows, labels, left_out, kept, digest, tuple(notices), judged)
    )
    return replace(found, notices=(*found.notices, *_say_joined(found, can_steer=can_steer)))


def _collect_verdicts(data: Dataset, paths: Sequence[Path]) -> tuple[_Verdicts, list[Notice]]:
    """What was decided of rows of DATA, and what to say of it."""
    verdicts, notices = _Verdicts(data), list[Notice]()
    for path in paths:
        if not path.exists() and read_mislabelled_pairs(path):
            continue  # nobody has decided about that run, but it tells of verified rows
        read = read_decisions(path)
        notices += read.notices
        made = [each for each in read.last.values() if each.action != "unsure"]
        made, more = _complete(path, made, data)
        notices += more
        recognised = recognise(data, made)
        notices += _check_found(path, recognised, made, data)
        verdicts.take_gone(recognised.missing)
        unknown = [each for each, row in recognised.found if not verdicts.take(each, row)]
        notices += [_say_unknown_class(path, each, data) for each in unknown]
    return verdicts, notices


def _note_against_clean(
    data: Dataset,
    clean: Dataset,
    overlap: Overlap,
    verdicts: Mapping[int, tuple[Decision, int]],
) -> list[Notice]:
    """Name the rows that CLEAN gives another label than a decision, and say which one counts."""
    named = []
    for row, place in zip(overlap.data_rows.tolist(), overlap.clean_rows.tolist(), strict=True):
        if place < 0 or row not in verdicts or clean.labels[place] == verdicts[row][1]:
            continue
        decision = verdicts[row][0]
        verified = quote_value(data.given_labels[clean.labels[place]])
        how = ", confirmed when asked" if decision.confirmed else ""
        who = f" by {decision.reviewer}" if decision.reviewer else ""
        named.append(
            f"row {name_row(decision)}: {quote_value(decision.label)}{who}{how}, {verified} in row "
            f"{place} of CLEAN"
        )
    if not named:
        return []
    n = len(named)
    message = (
        f"{format_count(n, 'row')} {'has' if n == 1 else 'have'} another label by decision than in "
        f"CLEAN ({'; '.join(named[:LISTED])}{f'; and {n - LISTED:,} more' if n > LISTED else ''}). "
        "CLEAN's counts in this audit. Correct CLEAN where the decision is right."
    )
    return [Notice("decisions-contradict-clean", message, is_warning=True)]


class _Verdicts:
    """What reviewers said of rows of DATA, one decision after the other."""

    def __init__(self, data: Dataset) -> None:
        self.labels: dict[int, tuple[Decision, int]] = {}
        """By row, the decision that counts and the right label."""
        self.dropped: dict[int, Decision] = {}
        """By row, the decision to drop it."""
        self._gone: dict[tuple[str, int], Decision] = {}
        """Decisions to drop rows that DATA lacks by now, by run and row of it."""
        self._settled: dict[int, str] = {}
        """By row, the run whose reviewers had differed."""
        self._by_given = make_label_finder(data)
        self._by_name = ClassFinder(data.schema.classes)

    def take(self, decision: Decision, row: int) -> bool:
        """Take a decision about a row of DATA; False: it names a class that DATA does not have."""
        if not decision.settles and self._settled.get(row) == decision.run_id:
            return True  # another file, by somebody whose word was settled
        if decision.settles:
            self._settled[row] = decision.run_id
        self.forget(row)
        if decision.action == "drop":
            self.dropped[row] = decision
            return True
        code = self._by_given(decision.label or "")
        code = self._by_name(decision.label or "") if code is None else code
        if code is None:
            return False
        self.labels[row] = decision, code
        return True

    def forget(self, row: int) -> None:
        """Know nothing of the row."""
        self.labels.pop(row, None)
        self.dropped.pop(row, None)

    def take_gone(self, decisions: Iterable[Decision]) -> None:
        """Take decisions about rows that DATA does not have."""
        self._gone |= {(each.run_id, each.row): each for each in decisions if each.action == "drop"}

    def list_counting(self) -> list[Decision]:
        """The decisions that count, by row of DATA, then those about dropped rows that it lacks."""
        made = {row: decision for row, (decision, _) in self.labels.items()} | self.dropped
        return [*(made[row] for row in sorted(made)), *self._gone.values()]


def add_reviewed(
    data: Dataset, clean: Dataset, overlap: Overlap, reviewed: Reviewed
) -> tuple[Dataset, Overlap]:
    """CLEAN with the reviewed rows behind its own, and what it shares with DATA then."""
    names = [column.name for column in data.schema.columns]
    taken = data.table.select(names).take(pa.array(reviewed.rows))
    features = zip(clean.schema.columns, data.schema.columns, strict=True)
    whole = replace(
        clean,
        table=concatenate_rows(clean.table.select(names), taken, features),
        labels=np.concatenate([clean.labels, reviewed.labels]),
    )
    rows = np.concatenate([overlap.data_rows, reviewed.rows])
    places = clean.n_rows + np.arange(len(reviewed.rows))
    order = np.argsort(rows, kind="stable")
    clean_rows = np.concatenate([overlap.clean_rows, places])
    return whole, Overlap(rows[order], clean_rows[order], overlap.matched_by)


def _complete(
    path: Path, made: list[Decision], data: Dataset
) -> tuple[list[Decision], list[Notice]]:
    """The decisions by what the run in whose folder they lie knows of their rows, if there is one.

    Rows may have moved since that audit: a number alone tells a row only together with the run.
    """
    folder = RunFolder(path.parent)
    if path.name != folder.decisions_file.name or not folder.audit_file.is_file():
        n = sum(each.id is None and each.row_sha256 is None for each in made)
        if not n:
            return made, []
        message = (
            f"{path}: {'1 decision names its' if n == 1 else f'{n:,} decisions name their'} row by "
            f"number alone; taken as numbers in {data.source} as it is now, since the file is "
            "not in the folder of its run."
        )
        return made, [Notice("decisions-by-number", message, is_warning=True)]
    labels = data.schema.classes if data.numbers is None else AnyNumber()
    completed = complete_decisions(made, folder, labels)
    return list(completed.decisions), [
        _say_contradiction(path, c) for c in completed.contradictions
    ]


def _say_contradiction(path: Path, found: Contradiction) -> Notice:
    said = found.decision.id if found.about == "id" else found.decision.given_label
    what = "id" if found.about == "id" else "label"
    message = (
        f"{path}: the decision about row {found.decision.row} is not used: it names the {what} "
        f"{said!r}, but the audit found {found.audited!r} there."
    )
    return Notice("decisions-left-out", message, is_warning=True)


def _check_found(
    path: Path, recognised: Recognised[Decision], made: Sequence[Decision], data: Dataset
) -> list[Notice]:
    if made and not recognised.found and not recognised.missing:
        raise InputError(
            f"None of the {len(made):,} decisions in {path} is about a row of {data.source} as it "
            "is now.",
            slug="decisions-other-data",
            hint="Give the decisions about this table; rows whose cells, the label apart, have "
            "changed since are not known again.",
        )
    gone = [each for each in recognised.missing if each.action != "drop"]
    lost = [*recognised.changed, *recognised.ambiguous, *gone]
    if not lost:
        return []
    n = len(lost)
    rows = ", ".join(map(name_row, lost[:5]))
    more = f" and {n - 5:,} more" if n > 5 else ""
    message = (
        f"{path}: {'1 decision is' if n == 1 else f'{n:,} decisions are'} not used, since "
        f"{'its row is' if n == 1 else 'their rows are'} not found in {data.source} with the same "
        f"content (row {rows}{more} when reviewed)."
    )
    return [Notice("decisions-unfound", message, is_warning=True)]


def _say_unknown_class(path: Path, decision: Decision, data: Dataset) -> Notice:
    label = decision.label or ""
    if data.numbers is not None:
        message = (
            f"{path}: the decision about row {name_row(decision)} is not used: "
            f"{say_unknown(label, AnyNumber())}."
        )
        return Notice("decisions-left-out", message, is_warning=True)
    known = find_look_alike(label, data.schema.classes)
    wanted, *others = spell_apart([label] if known is None else [label, known])
    message = (
        f"{path}: the decision about row {name_row(decision)} is not used: {data.source} has no "
        f"class {wanted}{''.join(f', but {each}' for each in others)}."
    )
    return Notice("decisions-left-out", message, is_warning=True)


def _say_part(reviewed: Reviewed, *, can_steer: bool) -> str:
    if not can_steer:
        return (
            "they are learned from, but neither steer nor calibrate, since they are no sample of "
            "the data"
        )
    if reviewed.judged is None:
        return (
            "they steer and are learned from, but do not calibrate, since they are no sample of "
            "the data"
        )
    return "they steer and are learned from"


def _say_joined(reviewed: Reviewed, *, can_steer: bool) -> list[Notice]:
    n, said = len(reviewed.rows), []
    if n:
        said.append(
            f"{n:,} reviewed {'row joins' if n == 1 else 'rows join'} the clean set "
            f"({reviewed.kept:,} found right, {n - reviewed.kept:,} relabelled): "
            f"{_say_part(reviewed, can_steer=can_steer)}."
        )
    if reviewed.judged is not None:
        n = len(reviewed.judged.labels)
        said.append(
            f"{n:,} {'suspect that was' if n == 1 else 'suspects that were'} looked at one by one "
            f"{'calibrates' if n == 1 else 'calibrate'} by what the audit before had thought of "
            f"{'it' if n == 1 else 'them'}."
        )
    if len(reviewed.left_out):
        said.append(
            f"Left out of training, as a reviewer dropped them: {len(reviewed.left_out):,}."
        )
    return [Notice("decisions-joined", " ".join(said))] if said else []
