"""Why a row stands in the ranking, in one sentence made of the row's own numbers.

The sentence never claims more than these numbers: how they enter the score is told once, in the
report's methods.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse_reports.wording import format_probability, shorten

if TYPE_CHECKING:
    from datacleanse_reports.suspect import LikelyClass

MOSTLY = 0.5
"""A row that had no weight in at least this share of the epochs is said to."""

_LABEL_LIMIT = 60
"""Characters of a label that a sentence can bear."""


@dataclass(frozen=True)
class Evidence:
    """What is known of one row."""

    given: str
    suggested: str | None
    verified: str | None
    """The label that CLEAN gives this very row, in DATA's spelling."""
    p_value: float | None
    weights: tuple[float | None, ...]
    """Learned weights by epoch; empty or None throughout where there are none to speak of."""
    margin: float | None
    """Mean margin of the given label under the reweighted network, in logits."""
    control_margin: float | None
    """The same under plain training."""
    n_classes: int = 2
    """Labels that a row may have: of two, a network that does not prefer the one prefers the other.
    """
    likely: tuple[LikelyClass, ...] = ()
    """Likeliest true classes; empty where they are not known."""
    neighbours: tuple[str, ...] = ()
    """Trusted labels of the nearest verified rows, nearest first."""
    terms: tuple[str, ...] = ()
    """Words of the row's texts that speak for the suggested label, else against the given one."""


def give_reason(evidence: Evidence) -> str:
    """One sentence, without a capital or a full stop, e.g. for a cell of a table."""
    parts = [
        _say_verified(evidence),
        _say_seen(evidence.likely),
        _say_terms(evidence),
        _say_nearest(evidence.neighbours),
        _say_margins(evidence),
        _say_weights(evidence.weights),
    ]
    return "; ".join(part for part in parts if part) or "no numbers are known for this row"


def _say_verified(evidence: Evidence) -> str:
    if evidence.verified is None:
        return ""
    if evidence.verified == evidence.given:
        return "verified: the clean set gives this very row the same label"
    label = _shorten_label(evidence.verified)
    return f"verified as wrong: the clean set gives this very row as {label}"


def _say_weights(weights: tuple[float | None, ...]) -> str:
    known = [weight for weight in weights if weight is not None]
    n_zero = sum(weight == 0 for weight in known)
    if not known or n_zero < MOSTLY * len(known):
        return ""
    return f"training ignored this row in {n_zero} of {len(known)} passes"


def _say_seen(likely: tuple[LikelyClass, ...]) -> str:
    if not likely:
        return ""
    label = _shorten_label(likely[0].label)
    return f"the model predicts {label} ({format_probability(likely[0].probability)})"


def _say_terms(evidence: Evidence) -> str:
    if not evidence.terms:
        return ""
    words = ", ".join(evidence.terms)
    if evidence.suggested is None:
        return f"speaks against {_shorten_label(evidence.given)}: {words}"
    return f"speaks for {_shorten_label(evidence.suggested)}: {words}"


def _say_nearest(labels: tuple[str, ...]) -> str:
    """The labels of the nearest verified rows, the commonest first."""
    if not labels:
        return ""
    if len(labels) == 1:
        return f"its nearest verified row is {_shorten_label(labels[0])}"
    counts = Counter(labels).most_common()
    if len(counts) == 1:
        return f"its {len(labels)} nearest verified rows are {_shorten_label(labels[0])}"
    told = ", ".join(f"{count} {_shorten_label(label)}" for label, count in counts)
    return f"of its {len(labels)} nearest verified rows {told}"


def _say_margins(evidence: Evidence) -> str:
    margin, control = evidence.margin, evidence.control_margin
    if evidence.suggested is None:
        # No other label is likelier by all opinions together.
        preferred = "another label, all opinions together do not"
    elif evidence.n_classes > 2:
        # A margin does not say which: in one of thirty it was none that all opinions prefer.
        preferred = "another label"
    else:
        preferred = _shorten_label(evidence.suggested)
    if margin is None or control is None:
        return _say_one_margin(margin, control, preferred)
    if margin < 0 and control < 0:
        return f"both networks prefer {preferred}"
    if margin < 0:
        return f"only the reweighted network prefers {preferred}"
    if control < 0:
        return f"only plain training prefers {preferred}"
    return f"both networks keep the given label{_compare_with_right(evidence)}"


def _shorten_label(label: str) -> str:
    return shorten(label, _LABEL_LIMIT)


def _say_one_margin(margin: float | None, control: float | None, preferred: str) -> str:
    if margin is not None:
        who, value = "the reweighted network", margin
    elif control is not None:
        who, value = "plain training", control
    else:
        return ""
    return f"{who} prefers {preferred}" if value < 0 else f"{who} keeps the given label"


def _compare_with_right(evidence: Evidence) -> str:
    """Compare with verified rows: p is about the share of them that look at least as wrong."""
    if evidence.p_value is None or evidence.p_value >= 0.5:
        return ""
    return ", less surely than that of most rows known to be right"
