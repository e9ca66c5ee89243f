"""Which of a suspect's own cells tell most, for people who look at it.

A cell tells as much as its value is commoner among rows of the suggested class than among those of
the given one: the logarithm of the ratio, as in naive Bayes. Rows count for their given label as
far as it is probably right. That is no part of the score: a network reads the cells together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import read_categories, read_moments, read_numbers
from datacleanse.detection.told_rows import take_told_rows
from datacleanse.storage.suspect_schemas import TELLING_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.records import Column, Dataset

PLACES = 12
"""Cells that are told of a row, at most."""

SAMPLE = 100_000
"""Rows that show how common a value is in each class, at most twice as many."""

N_BINS = 12
"""Parts of equal size into which numbers and dates are cut."""

PRIOR_ROWS = 20.0
"""Rows of the whole table that every class is mixed with: a rare value proves little."""


def find_telling_cells(
    data: Dataset,
    probability: NDArray[np.float64],
    suggested: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> pa.Table:
    """The cells of some rows that tell most, with the columns of `TELLING_COLUMNS`.

    Args:
        data: DATA, its N rows.
        probability: (N,) that the given label is wrong, in [0, 1].
        suggested: (N,) class, -1 where the given label is the likeliest.
        rows: (K,) ascending, those that are asked for.
    """
    columns = [each for each in data.schema.columns if each.kind not in ("embedding", "text")]
    told = take_told_rows(data, rows, columns, SAMPLE)
    weight, labels = 1.0 - probability[told.sample], data.labels[told.sample]
    evidence = np.empty((len(rows), len(columns)))
    for number, column in enumerate(columns):
        codes = _code_cells(told.part, column)
        common = Commonness(
            codes[told.at],
            labels,
            weight,
            n_classes=len(data.given_labels),
            n_codes=codes.max() + 1,
        )
        evidence[:, number] = common.compare(
            codes[told.asked], given=data.labels[rows], suggested=suggested[rows]
        )
    return _tabulate(rows, evidence, [column.name for column in columns])


def _code_cells(part: Dataset, column: Column) -> NDArray[np.int64]:
    """(n,) which of a column's values each cell has, from 0; numbers by the part they fall into."""
    if column.kind == "categorical":
        names, _ = read_categories(part, column)
        return names.astype(np.int64) + 1
    if column.kind == "datetime":
        moments = read_moments(part, column)
        values = moments.astype(np.float64)
        values[moments == np.iinfo(np.int64).min] = np.nan
    else:
        values = read_numbers(part, column)
    known = ~np.isnan(values)
    codes = np.zeros(len(values), dtype=np.int64)
    if known.any():
        inner = np.linspace(0, 1, N_BINS + 1)[1:-1]
        edges = np.unique(np.quantile(values[known], inner, method="lower"))
        codes[known] = 1 + np.searchsorted(edges, values[known], side="right")
    return codes


class Commonness:
    """How common the values of a column are in each class.

    Only pairs that are met are counted: a table of all would be large where both are many.
    """

    def __init__(
        self,
        codes: NDArray[np.int64],
        labels: NDArray[np.int64],
        weight: NDArray[np.float64],
        *,
        n_classes: int,
        n_codes: int,
    ) -> None:
        """Count (n,) values by class, each row as far as it counts."""
        self._n_codes = n_codes
        self._met, number = np.unique(labels * self._n_codes + codes, return_inverse=True)
        self._counts = np.bincount(number, weight)
        self._of_class = np.bincount(labels, weight, n_classes)
        whole = np.bincount(codes, weight, self._n_codes) + 1.0 / self._n_codes
        self._whole = whole / whole.sum()

    def compare(
        self,
        codes: NDArray[np.int64],
        *,
        given: NDArray[np.int64],
        suggested: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """(K,) how much each cell speaks for the suggested class, else against the given one."""
        whole = self._whole[codes]
        of_suggested = self._measure(codes, np.maximum(suggested, 0), whole)
        share = np.where(suggested < 0, whole, of_suggested)
        evidence: NDArray[np.float64] = np.log(share) - np.log(self._measure(codes, given, whole))
        return evidence

    def _measure(
        self, codes: NDArray[np.int64], classes: NDArray[np.int64], whole: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(K,) the share of a value in a class, mixed with that in the whole table."""
        wanted = classes * self._n_codes + codes
        place = np.minimum(np.searchsorted(self._met, wanted), len(self._met) - 1)
        count = np.where(self._met[place] == wanted, self._counts[place], 0.0)
        return (count + PRIOR_ROWS * whole) / (self._of_class[classes] + PRIOR_ROWS)


def _tabulate(rows: NDArray[np.int64], evidence: NDArray[np.float64], names: list[str]) -> pa.Table:
    order = np.argsort(-evidence, axis=1, kind="stable")[:, :PLACES]
    places = order.shape[1]
    chosen = pa.DictionaryArray.from_arrays(pa.array(order.ravel()), pa.array(names, pa.string()))
    told = np.take_along_axis(evidence, order, axis=1).astype(np.float32)
    columns = [
        pa.array(rows.repeat(places)),
        pa.array(np.tile(np.arange(1, places + 1, dtype=np.int32), len(rows))),
        chosen.cast(pa.string()),
        pa.array(told.ravel(), pa.float32()),
    ]
    return pa.table(columns, schema=TELLING_SCHEMA)
