"""Columns that give the label away: one alone predicts it almost wholly, or is dated after it.

A tree of one column, of numbers `number_skill`, is learned on half of the rows and asked about the
other half, both ways. Its skill is the share of a constant guess's errors that it avoids. Rows
count by how likely their label is right (`trust_labels`), so that a column made of the true labels
is found although some of the given ones are wrong; a number that is likely wrong counts for
nothing, since its error may be as large as that of all others together. `ALMOST` and `CLEAR` were
set on tables without leaks: decision 77.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.health.column_tree import predict_by_column
from datacleanse.detection.health.halves import draw_halves
from datacleanse.detection.health.interface import Found, Material, say_part
from datacleanse.detection.health.number_skill import measure_chance, measure_number_skill
from datacleanse.detection.health.ranks import is_constant
from datacleanse.sampling import draw_spread
from datacleanse.storage.manifest.health import HealthFinding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from datacleanse.storage.manifest.health import HealthKind

ALMOST = 0.98
"""Skill from which a column gives the label away, whatever the others do."""

CLEAR = 0.9
"""Skill from which it does where no other column comes near."""

AHEAD = 0.3
"""How far below `CLEAR` the best of those that do not then is."""

SAMPLE = 10_000
"""Rows that trees are learned and asked on, spread over all."""

MANY_NUMBERS = 64
"""Numbers a row above which most are measured on a few of the rows alone: those that fall far short
of giving the label away there do so on all of them."""

_FEW, _FEW_A_CLASS = 2_000, 40
"""Such rows: at least, and for each class."""

_FALLS_SHORT, _BEST = 0.4, 8
"""Skill on few rows below which a number is done with, unless it is one of the so many best."""

_LEAST_ROWS = 40
_AFTER = 0.95
_DATES = ("date", "time", "at", "on", "day", "timestamp", "when")


class LeakingColumns:
    """Looks for columns from which the label could be read."""

    kind: HealthKind = "leaking-columns"

    def look(self, seen: Material) -> Found:
        """Predict the label from each column alone."""
        if not seen.has_columns:
            return Found(skipped="the rows have no columns.")
        if seen.n_data < _LEAST_ROWS:
            return Found(skipped=f"fewer than {_LEAST_ROWS} rows are too few to check it by.")
        skills = _measure_skills(seen)
        ranked = sorted(skills.items(), key=lambda pair: (-pair[1], pair[0]))
        leaks = [(name, skill) for name, skill in ranked if skill >= ALMOST]
        rest = [skill for _, skill in ranked if skill < CLEAR]
        if not rest or max(rest) <= CLEAR - AHEAD:
            leaks = [(name, skill) for name, skill in ranked if skill >= CLEAR]
        findings = [_tell(seen, name, skill, max(rest, default=None)) for name, skill in leaks]
        return Found((*findings, *_find_later(seen)))


def _measure_skills(seen: Material) -> dict[str, float]:
    """The skill of each column that is no text, the best of a vector's entries."""
    chosen = draw_spread(seen.n_data, SAMPLE)
    trust = trust_labels(seen.wrong[chosen])
    measure, order = _choose_measure(seen, chosen, trust)
    found = _measure_numbers(seen, chosen, trust)
    columns, texts = seen.columns, {c.name for c in seen.data.schema.columns if c.kind == "text"}
    skills: dict[str, float] = {}
    for name, skill in zip(columns.number_names, found, strict=True):
        skills[name] = max(float(skill), skills.get(name, -np.inf))
    for name, codes in zip(columns.code_names, columns.codes.T, strict=True):
        if name not in texts:
            skills[name] = measure(order(codes[chosen]))
    return skills


def _measure_numbers(
    seen: Material, chosen: NDArray[np.int64], trust: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(F,) the skill of each number of the chosen rows; see `MANY_NUMBERS`."""
    numbers = seen.columns.numbers.T
    least = _FEW if seen.is_of_numbers else max(_FEW, _FEW_A_CLASS * len(seen.class_shares))

    def measure_on(places: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.float64]:
        measure, _ = _choose_measure(seen, chosen[places], trust[places])
        return np.array([measure(numbers[at][chosen[places]]) for at in among])

    everyone, every = np.arange(len(chosen)), np.arange(len(numbers))
    if len(numbers) <= MANY_NUMBERS or len(chosen) < 2 * least:
        return measure_on(everyone, every)
    skills = measure_on(draw_spread(len(chosen), least), every)
    is_near = skills >= _FALLS_SHORT
    is_near[np.argsort(-skills, kind="stable")[:_BEST]] = True
    skills[is_near] = measure_on(everyone, np.flatnonzero(is_near))
    skills[~is_near] = np.minimum(skills[~is_near], skills[is_near].max())
    return skills


def trust_labels(wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) how much each row counts, in [0, 1]: the square of the odds that its label is right.

    Probabilities that few verified rows calibrate stay away from 1. What is missing would be
    charged to a column that is the truth: with a tenth of the labels wrong, each at 0.9, that is a
    hundredth of the rows, and an eighth of a class that one row in twelve has.

    Args:
        wrong: (n,) probability that the label is wrong.
    """
    right = np.square(1.0 - wrong)
    trust: NDArray[np.float64] = right / (right + np.square(wrong))
    return trust


def _choose_measure(
    seen: Material, chosen: NDArray[np.int64], trust: NDArray[np.float64]
) -> tuple[
    Callable[[NDArray[np.float64]], float], Callable[[NDArray[np.int64]], NDArray[np.float64]]
]:
    """What measures the skill of a column of the chosen rows, and what makes one of codes."""
    if seen.is_of_numbers:
        numbers, is_counted = seen.data.targets[chosen], trust > 0.5
        counted, trust = numbers[is_counted], trust[is_counted]
        by_chance = measure_chance(counted, trust)
        return (
            lambda values: measure_number_skill(values[is_counted], counted, trust, by_chance),
            lambda codes: _order_by_numbers(codes, numbers),
        )
    labels = seen.data.labels[chosen]
    return (
        lambda values: measure_skill(values, labels, trust),
        lambda codes: _order_codes(codes, labels),
    )


def _order_by_numbers(
    codes: NDArray[np.int64], numbers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Number values by their median label, chosen by halves; NaN of those that are in no half."""
    half = np.arange(len(codes)) % 2 == 0
    place = np.full(int(codes.max()) + 2, np.nan)
    met = np.unique(codes[half])
    medians = [float(np.median(numbers[half & (codes == code)])) for code in met]
    place[met[np.argsort(medians, kind="stable")]] = np.arange(len(met))
    return place[codes]


def _order_codes(codes: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Number values by their commonest label, so that few cuts part them; chosen by halves."""
    half = np.arange(len(codes)) % 2 == 0
    table = np.zeros((int(codes.max()) + 2, int(labels.max()) + 1))
    np.add.at(table, (codes[half], labels[half]), 1.0)
    order = np.lexsort((table.max(axis=1), table.argmax(axis=1)))
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    return place[codes]


def measure_skill(
    values: NDArray[np.float64], labels: NDArray[np.int64], trust: NDArray[np.float64]
) -> float:
    """The share of a constant guess's errors that one column avoids on rows it has not seen.

    Args:
        values: (n,) the column, NaN where missing.
        labels: (n,) as given.
        trust: (n,) how much each row counts, in [0, 1].
    """
    if is_constant(values):
        return 0.0
    # Missing is a value as well, below all others.
    values = np.where(np.isnan(values), -np.inf, values)
    n_classes = int(labels.max()) + 1
    n_leaves = max(8, 4 * n_classes)
    is_wrong = np.empty(len(labels), np.bool_)
    for learned, asked in draw_halves(len(labels)):
        said = predict_by_column(
            values[learned], labels[learned], values[asked], n_classes=n_classes, n_leaves=n_leaves
        )
        is_wrong[asked] = said != labels[asked]
    total = np.bincount(labels, trust, n_classes)
    by_chance = 1.0 - total.max() / max(total.sum(), np.finfo(float).tiny)
    if not by_chance > 0:
        return 0.0
    return float(1.0 - (is_wrong @ trust) / max(trust.sum(), 1e-9) / by_chance)


def _tell(seen: Material, name: str, skill: float, next_best: float | None) -> HealthFinding:
    beside = "" if next_best is None else f" (the next best column {max(next_best, 0):.0%})"
    return HealthFinding(
        kind="leaking-columns",
        message=f"Column '{name}' alone tells the label: it avoids {skill:.0%} of the errors of a "
        f"constant guess{beside}.",
        advice="Unless it is known before the label is, leave it out (--drop): with it no model "
        "can tell which labels are wrong.",
        method=f"{'Medians of near values' if seen.is_of_numbers else 'A tree'} of this column "
        f"alone, learned on half of the rows and asked about the other half.{say_part(seen)}",
        certainty="judged",
        is_warning=True,
        columns=(name,),
    )


def _find_later(seen: Material) -> Iterator[HealthFinding]:
    """Columns of dates that lie after the date which is named after the label."""
    columns, schema = seen.columns, seen.data.schema
    dated = [column.name for column in schema.columns if column.kind == "datetime"]
    own = [name for name in dated if _is_date_of(name, schema.label)]
    if len(own) != 1:
        return
    values = dict(zip(columns.number_names, columns.numbers[: seen.n_data].T, strict=True))
    for name in dated:
        if name == own[0]:
            continue
        both = ~np.isnan(values[name]) & ~np.isnan(values[own[0]])
        if both.sum() >= _LEAST_ROWS and (values[name] > values[own[0]])[both].mean() >= _AFTER:
            yield HealthFinding(
                kind="leaking-columns",
                message=f"Column '{name}' is dated after '{own[0]}', which is named as the date of "
                "the label.",
                advice="It was not known when the label was made. Leave it out (--drop).",
                method=f"The dates of both, in {int(both.sum()):,} rows that have them.",
                certainty="judged",
                is_warning=True,
                columns=(name,),
            )


def _is_date_of(name: str, label: str) -> bool:
    """Whether a column is called the date of the label: ``label_date``, ``labeled at``."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    stem = label.lower().rstrip("s")
    is_dated = any(word in _DATES for word in words[1:])
    return len(words) > 1 and is_dated and words[0].startswith(stem)
