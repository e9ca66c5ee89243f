"""Whether CLEAN or TEST is distributed like DATA: class shares and one feature at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from datacleanse.data.column_values import read_categories, read_moments, read_numbers
from datacleanse.data.columns import NO_MOMENT
from datacleanse.data.messages import quote_value
from datacleanse.records import Notice
from datacleanse.sampling import draw_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.data.read import Role
    from datacleanse.records import Column, Dataset

SHARES = "shares-unlike"
"""How the slug of a notice about class shares ends, behind the role of the file."""

FEATURES = "features-unlike"
"""The same of one about columns."""

NUMBERS = "numbers-unlike"
"""The same of one about labels that are numbers."""

_LEVEL = 0.001
"""Chance of a false alarm in a whole comparison."""
_FAR = 0.1
"""Difference of shares below which nothing is said, however sure it is."""
_ENOUGH = 5
"""Expected rows of a class that a chi-square test needs; rarer classes are tested together."""
_SAMPLE = 50_000
"""Rows of DATA that are compared; more would not change what is said."""
_WORST = 3
"""Classes or columns that a warning names."""


@dataclass(frozen=True)
class _Difference:
    """How far a column of another file is from DATA's: a distance in [0, 1] and words for it."""

    distance: float
    text: str


_DRAWN = {"CLEAN": "a clean set", "TEST": "a test set"}


def note_class_shares(
    data: Dataset,
    other: Dataset,
    *,
    role: Role = "CLEAN",
    shares: NDArray[np.float64] | None = None,
) -> list[Notice]:
    """A warning where the classes' shares in another file are unlike DATA's (chi-square).

    Args:
        data: DATA.
        other: CLEAN or TEST, with true labels.
        role: which of them.
        shares: (C,) of the true classes in DATA, by estimate; None: those of its labels.
    """
    n_classes = len(data.schema.classes)
    if shares is None:
        shares = np.bincount(data.labels, minlength=n_classes) / data.n_rows
    counts = np.bincount(other.labels, minlength=n_classes)
    p_value = measure_class_shares(counts, shares)
    if not p_value < _LEVEL:
        return []
    gaps = np.abs(counts / other.n_rows - shares)
    worst = [int(at) for at in np.argsort(-gaps)[:_WORST]]
    text = "; ".join(
        f"{quote_value(data.schema.classes[at])} {counts[at] / other.n_rows:.1%} in {role}, "
        f"{shares[at]:.1%} in DATA"
        for at in worst
    )
    message = (
        f"The classes' shares in {role} are unlike DATA's ({text}; p = {p_value:.1g}). Wrong "
        f"labels in DATA alone can cause this; {_DRAWN[role]} that was not drawn at random can too."
    )
    return [Notice(f"{role.lower()}-{SHARES}", message, is_warning=True)]


def measure_class_shares(counts: NDArray[np.int64], shares: NDArray[np.float64]) -> float:
    """How likely a sample's counts are so far from the shares by chance (chi-square), in [0, 1].

    Args:
        counts: (C,) rows of each class.
        shares: (C,) that are expected; they sum to 1.
    """
    observed, expected = _group_rare_classes(counts, shares * counts.sum())
    if len(expected) < 2:
        return 1.0
    statistic = ((observed - expected) ** 2 / expected).sum()
    return float(special.chdtrc(len(expected) - 1, statistic))


def _group_rare_classes(
    observed: NDArray[np.int64], expected: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Join the classes with too few expected rows into one, and that with the next if need be."""
    order = np.argsort(expected)
    kept = order[expected[order] >= _ENOUGH]
    rare = order[expected[order] < _ENOUGH]
    seen, wanted = observed[kept].astype(float), expected[kept]
    if len(rare):
        rest_seen, rest = float(observed[rare].sum()), float(expected[rare].sum())
        if rest >= _ENOUGH or not len(kept):
            return np.append(seen, rest_seen), np.append(wanted, rest)
        seen[0] += rest_seen
        wanted = wanted.copy()
        wanted[0] += rest
    return seen, wanted


def note_features(data: Dataset, other: Dataset, *, role: Role = "CLEAN") -> list[Notice]:
    """A warning that names the columns of another file which are least like DATA's."""
    # Another file may write a column in a way of its own.
    both = zip(data.schema.columns, other.schema.columns, strict=True)
    columns = [pair for pair in both if pair[0].kind not in ("embedding", "text")]
    level = _LEVEL / max(1, len(columns))
    found = [
        difference
        for column, its in columns
        for difference in [_find_difference((data, column), (other, its), role, level=level)]
        if difference is not None
    ]
    if not found:
        return []
    found.sort(key=lambda difference: -difference.distance)
    worst = "; ".join(difference.text for difference in found[:_WORST])
    noun = "column" if len(found) == 1 else "columns"
    message = f"{role} is distributed unlike DATA in {len(found)} {noun}, most in {worst}."
    return [Notice(f"{role.lower()}-{FEATURES}", message, is_warning=True)]


def note_numbers(
    data: Dataset, other: Dataset, *, role: Role, is_counted: NDArray[np.bool_]
) -> list[Notice]:
    """A warning where the numbers of another file are unlike DATA's.

    Args:
        data: DATA, with numbers for labels.
        other: CLEAN or TEST, with true ones.
        role: which of them.
        is_counted: (N,) rows of DATA whose labels are probably right.
    """
    own, its = data.targets[is_counted], other.targets
    difference = _compare_values(data.schema.label, own, its, level=_LEVEL)
    if difference is None or difference.distance < _FAR:
        return []
    message = (
        f"The numbers in {role} are unlike DATA's: their median is {np.median(its):.4g}, and "
        f"{np.median(own):.4g} in DATA, but for rows that are likely wrong; {difference.text}."
    )
    return [Notice(f"{role.lower()}-{NUMBERS}", message, is_warning=True)]


def _find_difference(
    own: tuple[Dataset, Column], its: tuple[Dataset, Column], role: Role, *, level: float
) -> _Difference | None:
    column = own[1]
    if column.kind == "categorical":
        codes, names = read_categories(*own)
        its_codes, its_names = read_categories(its[0], column)
        missing = _compare_missing(column.name, codes < 0, its_codes < 0, role, level=level)
        return missing or _compare_categories(column.name, names, its_codes, its_names, role)
    values, its_values = _read_ordered(*own), _read_ordered(*its)
    absent, its_absent = np.isnan(values), np.isnan(its_values)
    missing = _compare_missing(column.name, absent, its_absent, role, level=level)
    return missing or _compare_values(
        column.name, values[~absent], its_values[~its_absent], level=level
    )


def _read_ordered(dataset: Dataset, column: Column) -> NDArray[np.float64]:
    """(at most ``_SAMPLE``,) values whose order is that of the column; NaN is missing."""
    rows = draw_spread(dataset.n_rows, _SAMPLE)
    if column.kind == "datetime":
        micros = read_moments(dataset, column)[rows]
        return np.where(micros == NO_MOMENT, np.nan, micros.astype(np.float64))
    return read_numbers(dataset, column)[rows]


def _compare_missing(
    name: str,
    absent: NDArray[np.bool_],
    its_absent: NDArray[np.bool_],
    role: Role,
    *,
    level: float,
) -> _Difference | None:
    share, its_share = float(absent.mean()), float(its_absent.mean())
    gap = abs(share - its_share)
    pooled = float(np.concatenate([absent, its_absent]).mean())
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(absent) + 1 / len(its_absent)))
    if gap < _FAR or 2 * float(special.ndtr(-gap / error)) >= level:
        return None
    text = f"'{name}' (missing in {its_share:.0%} of {role}, {share:.0%} of DATA)"
    return _Difference(gap, text)


def _compare_categories(
    name: str,
    names: tuple[str, ...],
    its_codes: NDArray[np.int32],
    its_names: tuple[str, ...],
    role: Role,
) -> _Difference | None:
    unseen = ~np.isin(np.array(its_names, dtype=object), np.array(names, dtype=object))
    share = float(np.append(unseen, False)[its_codes].mean())
    if share < _FAR:
        return None
    example = quote_value(its_names[int(np.argmax(unseen))])
    text = f"'{name}' ({share:.0%} of {role} has values that DATA lacks, for example {example})"
    return _Difference(share, text)


def _compare_values(
    name: str, values: NDArray[np.float64], its_values: NDArray[np.float64], *, level: float
) -> _Difference | None:
    if not len(values) or not len(its_values):
        return None
    distance, p_value = _test_kolmogorov_smirnov(values, its_values)
    if not p_value < level:
        return None
    return _Difference(distance, f"'{name}' (Kolmogorov-Smirnov distance {distance:.2f})")


def _test_kolmogorov_smirnov(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[float, float]:
    """Largest distance of the two empirical distributions, and its asymptotic p-value.

    As `scipy.stats.ks_2samp`; that module takes half a second and 50 MB to import.
    """
    everything = np.concatenate([first, second])
    order = np.argsort(everything)
    ordered = everything[order]
    # Of equal numbers the last one has all of them below.
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    below = np.cumsum(order < len(first))[last]
    distance = float(np.abs(below / len(first) - (last + 1 - below) / len(second)).max())
    n = len(first) * len(second) / len(everything)
    return distance, float(special.kolmogorov(distance * np.sqrt(n)))
