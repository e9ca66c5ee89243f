"""Which words of a suspect's own texts tell most, for people who look at it.

A word tells as much as the texts that hold it are commoner among rows of the suggested class than
among those of the given one: the logarithm of the ratio, as in naive Bayes on what occurs. Rows
count for their given label as far as it is probably right. That is no part of the score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import read_texts
from datacleanse.detection.told_rows import take_told_rows
from datacleanse.models.text_terms import Tokens, list_words, number_terms
from datacleanse.storage.suspect_schemas import TERMS_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from datacleanse.records import Column, Dataset

PLACES = 5
"""Words that are told of a cell, at most."""

LEAST = 0.7
"""Evidence of a word that is told: about twice as common."""

LONGEST = 60
"""Letters of a word that is told."""

SAMPLE = 20_000
"""Rows that show how common a word is in each class, at most twice as many."""

PRIOR_ROWS = 5.0
"""Rows of the whole table that every class is mixed with: a rare word proves little."""


@dataclass(frozen=True)
class _Words:
    """The words of a column's texts."""

    names: list[str]
    holds: csr_array
    """(n, V) 1 where a row's text holds the word."""


def find_telling_terms(
    data: Dataset,
    probability: NDArray[np.float64],
    suggested: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> pa.Table:
    """The words of some rows' texts that tell most, with the columns of `TERMS_COLUMNS`.

    Args:
        data: DATA, its N rows.
        probability: (N,) that the given label is wrong, in [0, 1].
        suggested: (N,) class, -1 where the given label is the likeliest.
        rows: (K,) ascending, those that are asked for.
    """
    columns = [each for each in data.schema.columns if each.kind == "text"]
    taken = take_told_rows(data, rows, columns, SAMPLE)
    weight, labels = 1.0 - probability[taken.sample], data.labels[taken.sample]
    n_classes = len(data.given_labels)
    lines: list[tuple[int, int, str, str, float]] = []
    for column in columns:
        words = _find_words(taken.part, column)
        evidence = _weigh_evidence(words.holds[taken.at], labels, weight, n_classes)
        for row, place in zip(rows.tolist(), taken.asked.tolist(), strict=True):
            held = words.holds[[place]].indices
            against, for_it = data.labels[row], suggested[row]
            told = evidence[for_it if for_it >= 0 else n_classes, held] - evidence[against, held]
            best = np.argsort(-told, kind="stable")[:PLACES]
            lines += [
                (row, number, column.name, words.names[held[k]], float(told[k]))
                for number, k in enumerate(best, 1)
                if told[k] >= LEAST and len(words.names[held[k]]) <= LONGEST
            ]
    return pa.table(
        [list(each) for each in zip(*lines, strict=True)] if lines else [[]] * len(TERMS_SCHEMA),
        schema=TERMS_SCHEMA,
    )


def _find_words(part: Dataset, column: Column) -> _Words:
    codes, texts = read_texts(part, column)
    used, at = np.unique(codes, return_inverse=True)
    tokens = Tokens("" if code < 0 else texts[code] for code in used)
    names = tokens.list_terms(list_words)
    holds = tokens.count(list_words, number_terms(names))
    holds.data[:] = 1.0
    return _Words(names, holds[at])


def _weigh_evidence(
    holds: csr_array, labels: NDArray[np.int64], weight: NDArray[np.float64], n_classes: int
) -> NDArray[np.float32]:
    """(C + 1, V) logarithms of the share of a class's texts that hold a word; last of all texts."""
    from scipy import sparse

    n, n_terms = holds.shape
    counted = sparse.csr_array((weight, (labels, np.arange(n))), shape=(n_classes, n)) @ holds
    of_class = np.bincount(labels, weight, n_classes)
    whole = (holds.sum(axis=0) + 1.0) / (n + 2.0)
    found = np.empty((n_classes + 1, n_terms), dtype=np.float32)
    found[-1] = np.log(whole)
    for code in range(n_classes):
        count = counted[[code]].toarray()[0] + PRIOR_ROWS * whole
        found[code] = np.log(count / (of_class[code] + PRIOR_ROWS))
    return found
