"""Several reviewers: what each said of a row, where they differ, and how far they agree.

Of each reviewer the last decision about a row counts. A decision that settles closes what stood
before it; what somebody says after that opens the row again where it is something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from datacleanse.records import Notice
from datacleanse.review.json_lines import shorten_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from datacleanse.review.decisions import Decision

DIFFERING = "decisions-differ"
"""Slug of the notice about rows that reviewers decided differently."""

_NAMED = 5
"""Rows that the notice names before it says how many more there are."""

Verdict = tuple[str, str | None]
"""What two decisions have in common that agree: the label that is right, or else the action."""


@dataclass(frozen=True)
class PairAgreement:
    """Two reviewers on the rows that both decided about."""

    first: str
    second: str
    rows: int
    """At least 1."""
    same: int
    """Of ``rows``, those that both decided alike."""
    kappa: float | None
    """Cohen's kappa in [-1, 1]: 0 is what chance would give, 1 is full agreement. None where both
    gave one and the same verdict to all rows: then it is not defined."""


@dataclass(frozen=True)
class Agreement:
    """How far the reviewers of a run agree; decisions that settle are left out."""

    reviewers: dict[str, int]
    """Rows that each decided about, by name."""
    rows: int
    """Rows that two or more decided about."""
    same: int
    """Of ``rows``, those that all of them decided alike."""
    pairs: tuple[PairAgreement, ...]
    """Those with a row in common, most such rows first."""


def find_verdict(decision: Decision) -> Verdict:
    """What the decision comes to: keeping a label is the same as changing it to that label."""
    label = decision.label
    return (decision.action, None) if label is None else ("label", label)


def list_opinions(standing: Iterable[Decision]) -> dict[int, list[Decision]]:
    """By row, the last decision of each reviewer from the last that settles on, oldest first.

    Args:
        standing: what was decided and not revoked, in the order in which it was made.
    """
    opinions: dict[int, dict[str, Decision]] = {}
    for each in standing:
        of_row = opinions.setdefault(each.row, {})
        if each.settles:
            of_row.clear()
        of_row.pop(each.reviewer, None)
        of_row[each.reviewer] = each
    return {row: list(of_row.values()) for row, of_row in opinions.items()}


def find_differing(standing: Iterable[Decision]) -> dict[int, list[Decision]]:
    """The opinions on rows that reviewers decided differently and nobody has settled, by row.

    Args:
        standing: as of `list_opinions`.
    """
    return {
        row: opinions
        for row, opinions in sorted(list_opinions(standing).items())
        if len(set(map(find_verdict, opinions))) > 1
    }


def note_differing(standing: Iterable[Decision], where: str) -> Iterator[Notice]:
    """A warning of rows that reviewers decided differently, with what each said.

    Args:
        standing: as of `list_opinions`.
        where: the file, or the files, as messages name them.
    """
    differing = find_differing(standing)
    if not differing:
        return
    n, rows = len(differing), list(differing.items())
    what = "1 row" if n == 1 else f"{n:,} rows"
    named = "; ".join(
        f"row {row}: {', '.join(map(_say_opinion, opinions))}" for row, opinions in rows[:_NAMED]
    )
    more = f"; and {n - _NAMED:,} more" if n > _NAMED else ""
    message = (
        f"{where}: reviewers decided {what} differently ({named}{more}). The last decision counts "
        "until somebody settles it: in the review, choose 'decided differently' under Decision."
    )
    yield Notice(DIFFERING, message, is_warning=True)


def _say_opinion(decision: Decision) -> str:
    name = decision.reviewer or "somebody without a name"
    if decision.action == "relabel":
        return f"{name} says {shorten_value(decision.new_label)}"
    return f"{name} says {decision.action}"


def measure_agreement(standing: Iterable[Decision]) -> Agreement:
    """How far reviewers agree, pair by pair.

    Args:
        standing: as of `list_opinions`. What settles is no independent opinion and does not count.

    References:
        J. Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    verdicts: dict[str, dict[int, Verdict]] = {}
    for each in standing:
        if not each.settles:
            verdicts.setdefault(each.reviewer, {})[each.row] = find_verdict(each)
    by_row: dict[int, list[Verdict]] = {}
    for of_reviewer in verdicts.values():
        for row, verdict in of_reviewer.items():
            by_row.setdefault(row, []).append(verdict)
    shared = [of_row for of_row in by_row.values() if len(of_row) > 1]
    pairs = [_compare(pair, verdicts) for pair in combinations(sorted(verdicts), 2)]
    return Agreement(
        reviewers={name: len(verdicts[name]) for name in sorted(verdicts)},
        rows=len(shared),
        same=sum(len(set(of_row)) == 1 for of_row in shared),
        pairs=tuple(sorted((each for each in pairs if each.rows), key=lambda each: -each.rows)),
    )


def _compare(pair: tuple[str, str], verdicts: Mapping[str, Mapping[int, Verdict]]) -> PairAgreement:
    first, second = (verdicts[name] for name in pair)
    rows = [row for row in first if row in second]
    given = [first[row] for row in rows], [second[row] for row in rows]
    return PairAgreement(
        *pair,
        rows=len(rows),
        same=sum(one == other for one, other in zip(*given, strict=True)),
        kappa=_measure_kappa(*given),
    )


def _measure_kappa(first: Sequence[Verdict], second: Sequence[Verdict]) -> float | None:
    codes = {verdict: code for code, verdict in enumerate(dict.fromkeys([*first, *second]))}
    if len(codes) < 2:  # nothing that chance could have given
        return None
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score(*([codes[each] for each in side] for side in (first, second))))
