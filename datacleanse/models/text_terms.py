"""Texts to counts of their words and of the letters in a row within them.

Both are sums over a text's tokens, the parts between blanks. So each different token is taken apart
once, and a product of two sparse matrices counts for all texts: texts by tokens, tokens by terms.
Scripts without blanks make one token of a sentence, whose letters in a row still tell its words.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from datacleanse.data.free_text import simplify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Takes = Callable[[str], list[str]]

GRAM_LENGTHS = (2, 3, 4)
"""Letters in a row, a blank at either end of a token among them."""

_WORD = re.compile(r"\w\w+")


def list_words(token: str) -> list[str]:
    """The words of a token: letters and digits, two or more."""
    return _WORD.findall(token)


def list_grams(token: str) -> list[str]:
    """Letters in a row in a token with a blank on either side, of each of `GRAM_LENGTHS`."""
    padded = f" {token} "
    return [padded[at : at + n] for n in GRAM_LENGTHS for at in range(len(padded) - n + 1)]


class Tokens:
    """The tokens of some texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Split (n,) texts, as `simplify` leaves them, at blanks."""
        numbers: dict[str, int] = {}
        columns: list[int] = []
        counts: list[int] = []
        ends = [0]
        for text in texts:
            met = Counter(simplify(text).split())
            columns += [numbers.setdefault(token, len(numbers)) for token in met]
            counts += met.values()
            ends.append(len(columns))
        self._names = list(numbers)
        shape = (len(ends) - 1, len(numbers))
        parts = (np.array(counts, np.float64), np.array(columns, np.int32), np.array(ends))
        self._counts = sparse.csr_array(parts, shape=shape)

    def list_terms(self, take: Takes) -> list[str]:
        """All different terms, sorted, where ``take`` lists those of a token."""
        return sorted({term for token in self._names for term in take(token)})

    def count(self, take: Takes, places: Mapping[str, int]) -> sparse.csr_array:
        """(n, V) float64 how often each term occurs; terms without a place are passed over."""
        columns: list[int] = []
        counts: list[int] = []
        ends = [0]
        for token in self._names:
            met = Counter(places[term] for term in take(token) if term in places)
            columns += met.keys()
            counts += met.values()
            ends.append(len(columns))
        parts = (np.array(counts, np.float64), np.array(columns, np.int32), np.array(ends))
        terms = sparse.csr_array(parts, shape=(len(self._names), len(places)))
        found = self._counts @ terms
        # So that sums over a text's terms do not depend on the texts beside it.
        found.sort_indices()
        return found


def number_terms(terms: Sequence[str]) -> dict[str, int]:
    """The place of each term."""
    return {term: place for place, term in enumerate(terms)}
