"""A clean set that nobody checked: all its labels agree with the data's where some should not.

Each source of clean rows is looked at alone, too: one that somebody checked hides no other.
What is expected rests on no verified row: opinions that did not see a row's label are corrected for
a usual rate of errors, and the labels of DATA tell how far that rate is from theirs. Such opinions
cannot tell wrong labels from classes that overlap, so the warning asks and does not claim.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection import error_kinds
from datacleanse.detection.deconvolution import deconvolve, raise_to_floor
from datacleanse.detection.flags import MIN_CALIBRATION
from datacleanse.detection.posterior import learn_noise_alone
from datacleanse.records import UNCHECKED, Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Evidence

LEAST_PAIRS = 30
"""Pairs below which that all agree says little."""

CHANCE = 0.01
"""How likely no difference at all must be, at most, by the share that other sources show."""

LEAST_EXPECTED = 3.0
"""Wrong labels that must be expected at least. Where three are, none is met once in 20 times."""

OVERSTATED = 2.0
"""By how much the expectation may be too high: hard rows look like wrong ones. On 100 tables with
5 % planted errors it was .044 to .134 of the rows. Where classes overlap so far that a fourth of
the rows cannot be told, it is .06 to .08 without any error, and the warning is given in vain."""


@dataclass(frozen=True)
class CleanPart:
    """The rows of one source of CLEAN."""

    name: str
    """As it was named."""
    rows: NDArray[np.int64]
    """(n,) which rows of CLEAN they are."""


def note_unchecked(evidence: Evidence, parts: Sequence[CleanPart]) -> list[Notice]:
    """Warn where no verified label differs from DATA's though some should.

    Args:
        evidence: what the trainings showed.
        parts: all sources of CLEAN. If they agree with DATA together, they are told of together.
    """
    whole = CleanPart(
        f"{', '.join(part.name for part in parts)} {'verifies' if len(parts) == 1 else 'verify'}",
        np.concatenate([part.rows for part in parts]) if parts else np.empty(0, np.int64),
    )
    together = _note_part(evidence, whole)
    if together or len(parts) < 2:
        return together
    found = []
    for part in parts:
        told = _note_beside(evidence, part, parts)
        found += told or _note_part(evidence, replace(part, name=f"{part.name} verifies"))
    return found


def _note_beside(evidence: Evidence, part: CleanPart, parts: Sequence[CleanPart]) -> list[Notice]:
    """Warn of one source that agrees wholly, if by what the others say some should differ."""
    n, n_wrong = _count_wrong(evidence, part)
    counts = [_count_wrong(evidence, other) for other in parts if other is not part]
    n_others, wrong_others = (sum(each) for each in zip(*counts, strict=True))
    if n < MIN_CALIBRATION or n_wrong or n_others < MIN_CALIBRATION:
        return []
    if (1 - wrong_others / n_others) ** n > CHANCE:
        return []
    message = (
        f"All {n:,} labels that {part.name} verifies agree with the data's, while {wrong_others:,} "
        f"of {n_others:,} others that are verified do not. Did somebody check them?"
    )
    return [Notice(UNCHECKED, message, is_warning=True)]


def _count_wrong(evidence: Evidence, part: CleanPart) -> tuple[int, int]:
    """Pairs of one source, and those of them whose given label is another one."""
    pairs = _find_pairs(evidence, part)
    return len(pairs), int(np.count_nonzero(evidence.labels[pairs] != evidence.truth[pairs]))


def _find_pairs(evidence: Evidence, part: CleanPart) -> NDArray[np.int64]:
    """Where one source's rows stand in DATA, those that do."""
    places = evidence.clean_at[part.rows]
    pairs: NDArray[np.int64] = places[places < evidence.n_data]
    return pairs


def _note_part(evidence: Evidence, part: CleanPart) -> list[Notice]:
    """Warn of one source."""
    pairs = _find_pairs(evidence, part)
    n = len(pairs)
    if n < LEAST_PAIRS or (evidence.labels[pairs] != evidence.truth[pairs]).any():
        return []
    most = _expect_wrong(evidence, pairs)
    least = most / OVERSTATED
    if least < LEAST_EXPECTED:
        return []
    message = (
        f"All {n:,} labels that {part.name} agree with the data's; by the opinions of the "
        f"trainings alone {least:,.0f} to {most:,.0f} should differ. Did somebody check them? It "
        "may be so where classes overlap. If the data was corrected by them in an earlier round, "
        "name that run with --decisions."
    )
    return [Notice(UNCHECKED, message, is_warning=True)]


def _expect_wrong(evidence: Evidence, rows: NDArray[np.int64]) -> float:
    """How many labels of some rows of DATA are expected to be wrong, as if none were verified."""
    opinion = evidence.control.probability if evidence.second is None else evidence.second
    noise = learn_noise_alone(opinion, evidence.labels, evidence.n_data)
    labels = evidence.labels[rows]
    given = raise_to_floor(opinion[rows].astype(np.float64))
    true = deconvolve(given, noise.matrices.one_rate)
    q = error_kinds.posterior(true, labels, noise.spread)
    return float((1.0 - q[np.arange(len(rows)), labels]).sum())
