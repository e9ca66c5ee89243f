"""Who reviewed a run, what each said of the rows, and how far they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse_reports.wording import (
    MISSING,
    format_count,
    format_percent,
    format_plural,
    format_probability,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.review.agreement import Agreement, PairAgreement
    from datacleanse.review.decisions import Decision

NAMELESS = "somebody without a name"

KAPPA_EXPLAINED = "Cohen's kappa is 0 where they agree as often as by chance, and 1 where always."


@dataclass(frozen=True)
class DecidedRow:
    """A row that somebody decided about."""

    row: int
    """Position in DATA, from 0."""
    id: str | None
    given_label: str
    opinions: tuple[Decision, ...]
    """The last decision of each reviewer, oldest first; the last one counts."""
    differs: bool
    """Whether reviewers decided it differently, and nobody has settled it."""

    @property
    def comments(self) -> tuple[Decision, ...]:
        """The opinions with a comment."""
        return tuple(each for each in self.opinions if each.comment)


@dataclass(frozen=True)
class Reviewers:
    """What the reviewers of a run decided, when its report is written."""

    agreement: Agreement
    rows: tuple[DecidedRow, ...]
    """First those that are decided differently, then those with a comment, then the others, each
    by row."""

    @property
    def n_differing(self) -> int:
        """Rows that are decided differently, and not settled."""
        return sum(each.differs for each in self.rows)


def collect_reviewers(standing: Sequence[Decision]) -> Reviewers:
    """What stands in a file of decisions, by row and by reviewer.

    Args:
        standing: what was decided and not revoked, in the order in which it was made.
    """
    from datacleanse.review.agreement import find_differing, list_opinions, measure_agreement

    differing = find_differing(standing)
    rows = [
        DecidedRow(row, said[-1].id, said[-1].given_label, tuple(said), differs=row in differing)
        for row, said in list_opinions(standing).items()
    ]
    rows.sort(key=lambda each: (not each.differs, not each.comments, each.row))
    return Reviewers(measure_agreement(standing), tuple(rows))


def say_verdict(decision: Decision) -> str:
    """What was decided, in a word or two; a new label stands as it is."""
    if decision.action == "relabel":
        return f"changed to {decision.new_label}"
    return {"keep": "kept", "drop": "to be dropped"}.get(decision.action, decision.action)


def say_agreement(agreement: Agreement, n_differing: int) -> str:
    """How far reviewers agree, in two or three sentences; empty where one reviewed alone.

    Args:
        agreement: of all.
        n_differing: rows that are decided differently, and not settled.
    """
    parts = []
    if agreement.rows:
        share = format_probability(agreement.same / agreement.rows)
        parts.append(
            f"{format_plural(agreement.rows, 'row')} {'was' if agreement.rows == 1 else 'were'} "
            f"decided by more than one reviewer, {format_count(agreement.same)} of them alike "
            f"({share})."
        )
    kappas = [each for each in agreement.pairs if each.kappa is not None]
    if len(kappas) == 1:
        parts.append(f"Cohen's kappa: {format_kappa(kappas[0])}.")
    elif kappas:
        values = sorted(each.kappa for each in kappas if each.kappa is not None)
        parts.append(f"Cohen's kappa, pair by pair: {values[0]:.2f} to {values[-1]:.2f}.")
    if n_differing:
        verb = "is" if n_differing == 1 else "are"
        parts.append(f"{format_plural(n_differing, 'row')} {verb} decided differently.")
    return " ".join(parts)


def format_kappa(pair: PairAgreement) -> str:
    """Cohen's kappa with two digits."""
    return MISSING if pair.kappa is None else f"{pair.kappa:.2f}"


def list_pairs(agreement: Agreement) -> list[tuple[str, str, str, str, str]]:
    """Of each pair: both names, rows that both decided, those decided alike, their share, kappa."""
    return [
        (
            each.first or NAMELESS,
            each.second or NAMELESS,
            format_count(each.rows),
            f"{format_count(each.same)} ({format_percent(each.same / each.rows)})",
            format_kappa(each),
        )
        for each in agreement.pairs
    ]
