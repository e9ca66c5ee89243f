"""Whether CLEAN is distributed like DATA: class shares and one feature at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from datacleanse.data.column_values import read_categories, read_moments, read_numbers
from datacleanse.data.columns import NO_MOMENT
from datacleanse.data.messages import quote_value
from datacleanse.records import Notice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Column, Dataset

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
    """How far one column of CLEAN is from DATA's: a distance in [0, 1] and the words for it."""

    distance: float
    text: str


def note_class_shares(data: Dataset, clean: Dataset) -> list[Notice]:
    """A warning where the classes' shares in CLEAN are unlike DATA's (chi-square)."""
    n_classes = len(data.schema.classes)
    shares = np.bincount(data.labels, minlength=n_classes) / data.n_rows
    counts = np.bincount(clean.labels, minlength=n_classes)
    observed, expected = _group_rare_classes(counts, shares * clean.n_rows)
    if len(expected) < 2:
        return []
    statistic = ((observed - expected) ** 2 / expected).sum()
    p_value = float(special.chdtrc(len(expected) - 1, statistic))
    if not p_value < _LEVEL:
        return []
    gaps = np.abs(counts / clean.n_rows - shares)
    worst = [int(at) for at in np.argsort(-gaps)[:_WORST]]
    text = "; ".join(
        f"{quote_value(data.schema.classes[at])} {counts[at] / clean.n_rows:.1%} in CLEAN, "
        f"{shares[at]:.1%} in DATA"
        for at in worst
    )
    message = (
        f"The classes' shares in CLEAN are unlike DATA's ({text}; p = {p_value:.1g}). Wrong labels "
        "in DATA alone can cause this; a clean set that was not drawn at random can too."
    )
    return [Notice("clean-shares-unlike", message, is_warning=True)]


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


def note_features(data: Dataset, clean: Dataset) -> list[Notice]:
    """A warning that names the columns of CLEAN which are least like DATA's."""
    columns = [each for each in data.schema.columns if each.kind not in ("embedding", "text")]
    level = _LEVEL / max(1, len(columns))
    found = [
        difference
        for column in columns
        for difference in [_find_difference(data, clean, column, level=level)]
        if difference is not None
    ]
    if not found:
        return []
    found.sort(key=lambda difference: -difference.distance)
    worst = "; ".join(difference.text for difference in found[:_WORST])
    noun = "column" if len(found) == 1 else "columns"
    message = f"CLEAN is distributed unlike DATA in {len(found)} {noun}, most in {worst}."
    return [Notice("clean-features-unlike", message, is_warning=True)]


def _find_difference(
    data: Dataset, clean: Dataset, column: Column, *, level: float
) -> _Difference | None:
    if column.kind == "categorical":
        codes, names = read_categories(data, column)
        clean_codes, clean_names = read_categories(clean, column)
        missing = _compare_missing(column.name, codes < 0, clean_codes < 0, level=level)
        return missing or _compare_categories(column.name, names, clean_codes, clean_names)
    # CLEAN may write the column in a way of its own.
    own = clean.schema.columns[data.schema.columns.index(column)]
    values, clean_values = _read_ordered(data, column), _read_ordered(clean, own)
    absent, clean_absent = np.isnan(values), np.isnan(clean_values)
    missing = _compare_missing(column.name, absent, clean_absent, level=level)
    return missing or _compare_values(
        column.name, values[~absent], clean_values[~clean_absent], level=level
    )


def _read_ordered(dataset: Dataset, column: Column) -> NDArray[np.float64]:
    """(at most ``_SAMPLE``,) values whose order is that of the column; NaN is missing."""
    step = -(-dataset.n_rows // _SAMPLE)
    if column.kind == "datetime":
        micros = read_moments(dataset, column)[::step]
        return np.where(micros == NO_MOMENT, np.nan, micros.astype(np.float64))
    return read_numbers(dataset, column)[::step]


def _compare_missing(
    name: str, absent: NDArray[np.bool_], clean_absent: NDArray[np.bool_], *, level: float
) -> _Difference | None:
    share, clean_share = float(absent.mean()), float(clean_absent.mean())
    gap = abs(share - clean_share)
    pooled = float(np.concatenate([absent, clean_absent]).mean())
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(absent) + 1 / len(clean_absent)))
    if gap < _FAR or 2 * float(special.ndtr(-gap / error)) >= level:
        return None
    text = f"'{name}' (missing in {clean_share:.0%} of CLEAN, {share:.0%} of DATA)"
    return _Difference(gap, text)


def _compare_categories(
    name: str, names: tuple[str, ...], clean_codes: NDArray[np.int32], clean_names: tuple[str, ...]
) -> _Difference | None:
    unseen = ~np.isin(np.array(clean_names, dtype=object), np.array(names, dtype=object))
    share = float(np.append(unseen, False)[clean_codes].mean())
    if share < _FAR:
        return None
    example = quote_value(clean_names[int(np.argmax(unseen))])
    text = f"'{name}' ({share:.0%} of CLEAN has values that DATA lacks, for example {example})"
    return _Difference(share, text)


def _compare_values(
    name: str, values: NDArray[np.float64], clean_values: NDArray[np.float64], *, level: float
) -> _Difference | None:
    if not len(values) or not len(clean_values):
        return None
    distance, p_value = _test_kolmogorov_smirnov(values, clean_values)
    if not p_value < level:
        return None
    return _Difference(distance, f"'{name}' (Kolmogorov-Smirnov distance {distance:.2f})")


def _test_kolmogorov_smirnov(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[float, float]:
    """Largest distance of the two empirical distributions, and its asymptotic p-value.

    As `scipy.stats.ks_2samp`; that module takes half a second and 50 MB to import.
    """
    first, second = np.sort(first), np.sort(second)
    everything = np.concatenate([first, second])
    below = [
        np.searchsorted(values, everything, side="right") / len(values)
        for values in (first, second)
    ]
    distance = float(np.abs(below[0] - below[1]).max())
    n = len(first) * len(second) / len(everything)
    return distance, float(special.kolmogorov(distance * np.sqrt(n)))
