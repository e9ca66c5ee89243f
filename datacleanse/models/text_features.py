"""Texts to vectors: weighted counts of terms (TF-IDF), and their main axes.

Words, and letters in a row, of a text are counted, damped by the logarithm and weighed by how rare
they are: Sparck Jones 1972, "A statistical interpretation of term specificity". Either block has
length 1. The axes are those of the training rows' truncated singular value decomposition, as in
Deerwester et al. 1990, "Indexing by Latent Semantic Analysis". Networks and trees read a text along
them; the linear second opinion reads the weighted counts themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

# Read from `model.json`, so that the fields' types must be known when the program runs.
from datacleanse.sampling import draw_about
from datacleanse.storage.typed_json import Number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from datacleanse.models.text_terms import Takes, Tokens

    Floats = NDArray[np.float32]

N_AXES = 128
"""Numbers of a text, at most."""

MAX_WORDS, MAX_GRAMS = 20_000, 40_000
"""Terms, those of the most rows."""

LEAST_ROWS = 2
"""Rows of a term; where texts have none in common, 1."""

MAX_FITTED = 20_000
"""Rows, about, whose axes are found."""

LEAST_SHARE = 1e-12
"""Of the greatest axis's squared length, where an axis is more than rounding."""

N_SPARE, N_ROUNDS = 16, 4
"""Axes that are sought besides, and rounds of the search: the usual ones."""


@dataclass(frozen=True)
class TextFeature:
    """What was learned of a column's terms; `TextAxes` stand beside it."""

    column: str
    words: tuple[str, ...]
    """Sorted."""
    grams: tuple[str, ...]
    """Letters in a row, sorted."""
    width: Number
    """Numbers that a text becomes."""

    @property
    def n_terms(self) -> int:
        """V, the words and letters in a row together."""
        return len(self.words) + len(self.grams)


@dataclass(frozen=True, eq=False)
class TextAxes:
    """The numbers that belong to a `TextFeature`; they lie beside the network's parameters."""

    rarity: Floats
    """(V,) weight of each term, >= 1."""
    axes: Floats
    """(V, `TextFeature.width`) from weighted counts to the numbers."""


def fit_text(
    column: str, codes: NDArray[np.int32], texts: Sequence[str]
) -> tuple[TextFeature, TextAxes]:
    """Learn terms, their weights and their axes.

    Args:
        column: name of the column.
        codes: (K,) of the training rows, into ``texts``; -1 where missing.
        texts: the different texts; those of no row may be among them.
    """
    from datacleanse.models.text_terms import Tokens, list_grams, list_words

    used, at = np.unique(codes[codes >= 0], return_inverse=True)
    rows = np.bincount(at, minlength=len(used)).astype(np.float64)
    tokens = Tokens(texts[code] for code in used)
    found = [
        _choose_terms(tokens, rows, take, most)
        for take, most in ((list_words, MAX_WORDS), (list_grams, MAX_GRAMS))
    ]
    (words, _), (grams, _) = found
    rarity = np.concatenate([weight for _, weight in found])
    feature = TextFeature(column, words, grams, 1)
    weighed = _weigh_tokens(feature, rarity, tokens)[at[draw_about(len(at), MAX_FITTED)]]
    axes = find_axes(weighed, N_AXES)
    return TextFeature(column, words, grams, axes.shape[1]), TextAxes(rarity, axes)


def _choose_terms(
    tokens: Tokens, rows: NDArray[np.float64], take: Takes, most: int
) -> tuple[tuple[str, ...], Floats]:
    """The terms of most rows, sorted, and their weights, where (n,) rows have each text."""
    from datacleanse.models.text_terms import number_terms

    terms = tokens.list_terms(take)
    counts = tokens.count(take, number_terms(terms))
    counts.data[:] = 1.0
    of_term = counts.T @ rows
    is_kept = of_term >= LEAST_ROWS
    if not is_kept.any():
        is_kept[:] = True
    # Stable, so that ties go by the term.
    chosen = np.argsort(-of_term, kind="stable")[:most]
    chosen = np.sort(chosen[is_kept[chosen]])
    rarity = np.log((1 + rows.sum()) / (1 + of_term[chosen])) + 1
    return tuple(terms[place] for place in chosen), rarity.astype(np.float32)


def weigh_texts(feature: TextFeature, rarity: Floats, texts: Sequence[str]) -> sparse.csr_array:
    """The weighted counts of n texts, (n, V) float32; each block of terms has length 1."""
    from datacleanse.models.text_terms import Tokens

    return _weigh_tokens(feature, rarity, Tokens(texts))


def _weigh_tokens(feature: TextFeature, rarity: Floats, tokens: Tokens) -> sparse.csr_array:
    from scipy import sparse

    from datacleanse.models.text_terms import list_grams, list_words, number_terms

    blocks, start = [], 0
    for terms, take in ((feature.words, list_words), (feature.grams, list_grams)):
        counts = tokens.count(take, number_terms(terms))
        own = rarity[start : start + len(terms)].astype(np.float64)
        counts.data = (1 + np.log(counts.data)) * own[counts.indices]
        length = np.sqrt(np.add.reduceat(np.append(counts.data**2, 0.0), counts.indptr[:-1]))
        sizes = np.diff(counts.indptr)
        length[sizes == 0] = 1.0
        counts.data /= np.repeat(length, sizes)
        blocks.append(counts)
        start += len(terms)
    return sparse.hstack(blocks, format="csr").astype(np.float32)


def find_axes(weighed: sparse.csr_array, most: int) -> Floats:
    """(V, R) the first right singular vectors of weighted counts, (n, V), 1 to ``most`` of them.

    By subspace iteration from a random start: Halko, Martinsson, Tropp 2011, "Finding Structure
    with Randomness", algorithm 4.4, on the transpose. The last step goes by the eigenvectors of a
    small product, and so loses axes whose share of the greatest is below `LEAST_SHARE`.
    """
    if not weighed.nnz:
        return np.zeros((weighed.shape[1], 1), dtype=np.float32)
    wanted = min(most, *weighed.shape)
    drawn = min(wanted + N_SPARE, *weighed.shape)
    # Products of 32 bits take less than half of the time, and which axes there are shows as well.
    # The axes themselves follow from the last one, of 64 bits.
    narrow = weighed.astype(np.float32, copy=False)
    across = narrow.T.tocsr()
    # Always the same draw: the same texts have the same axes, whatever the run's seed.
    basis = np.random.default_rng(0).normal(size=(weighed.shape[0], drawn)).astype(np.float32)
    for _ in range(N_ROUNDS):
        # Made orthogonal among the texts alone: the terms are many more.
        basis = np.linalg.qr(narrow @ (across @ basis))[0]
    along = across.astype(np.float64) @ basis.astype(np.float64)
    squared, turned = np.linalg.eigh(along.T @ along)
    # The largest stand last. Those that rounding leaves are no axes.
    is_axis = squared[::-1][:wanted] > LEAST_SHARE * squared[-1]
    lengths = np.sqrt(squared[::-1][:wanted][is_axis])
    found: Floats = np.ascontiguousarray(
        along @ (turned[:, ::-1][:, :wanted][:, is_axis] / lengths), dtype=np.float32
    )
    return found


def project(weighed: sparse.csr_array, axes: TextAxes) -> Floats:
    """Weighted counts, (n, V), along the axes, (n, R)."""
    found: Floats = weighed @ axes.axes
    return found
