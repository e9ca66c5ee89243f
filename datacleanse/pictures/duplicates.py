"""Pictures that are the same: by their bytes, or by what they show.

Candidates share most bits of a perceptual hash: the signs of the lowest frequencies of the grey
picture's discrete cosine transform against their median (Zauner 2010, "Implementation and
Benchmarking of Perceptual Image Hash Functions", section 3.2.1). Sixty-four bits alone would match
pictures that have little in them, so that each candidate is then compared pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from datacleanse.storage.mapped_files import release_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_BITS = 7
"""Bits of 64 in which the hashes of a picture and its copy may differ."""
MAX_UNLIKE = 0.05
"""1 - correlation of two pictures' pixels up to which they show the same, where doubtful pairs are
rare. Pairs of near hashes in CIFAR-10 and in photographs of flowers are copies up to 0.12."""
MAX_UNLIKE_AMONG_ALIKE = 0.01
"""1 - correlation up to which pictures show the same in any case. Beyond it a pair of near hashes
is doubtful: different handwritten digits come as near as 0.015."""
RARE = 0.05
"""Doubtful pairs a picture up to which they are rare."""
MIN_DEVIATION = 8.0
"""Grey levels: standard deviation from which a picture holds enough to be recognised; plainer ones
are the same only by their bytes."""

_FREQUENCIES = 8
_BLOCK = 2_048
"""Pictures hashed, and pairs compared, at a time."""
_FEW = 50_000
"""Pictures up to which bands of 8 bits are told apart: hashes that differ in at most 7 bits share
one of these 8 whole. Of more, two bands together, so that not too many are alike by chance."""
_WINDOW = 256
"""Pictures of the same band, in the order of their hashes, that each is compared with."""


@dataclass(frozen=True)
class Pairs:
    """Pictures that are the same.

    Attributes:
        first: (K,) rows of the first source.
        second: (K,) rows of the second; of the same source, larger than ``first``.
        is_exact: (K,) whether the encoded bytes are the same.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    is_exact: NDArray[np.bool_]


@dataclass(frozen=True)
class Prints:
    """What pictures are compared by.

    Attributes:
        values: (N, C, S, S) pixels.
        sha256: (N, 32) of the encoded bytes.
        hashes: (N,) perceptual hashes.
        is_plain: (N,) whether a picture holds too little to be recognised by its hash.
    """

    values: NDArray[np.uint8]
    sha256: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    is_plain: NDArray[np.bool_]


def make_prints(values: NDArray[np.uint8], sha256: NDArray[np.uint8]) -> Prints:
    """Hash pictures, (N, C, S, S) with the digests (N, 32) of their bytes."""
    hashes = np.empty(len(values), np.uint64)
    is_plain = np.empty(len(values), np.bool_)
    for start in range(0, len(values), _BLOCK):
        block = slice(start, start + _BLOCK)
        grey = values[block].mean(axis=1, dtype=np.float32)
        hashes[block] = _hash_grey(grey)
        is_plain[block] = grey.std(axis=(1, 2)) < MIN_DEVIATION
        release_mapped()
    return Prints(values, sha256, hashes, is_plain)


def _hash_grey(grey: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Hash grey pictures (N, S, S), (N,): one bit a frequency; the median leaves out the mean."""
    basis = _make_cosines(grey.shape[1])
    low = (basis @ grey @ basis.T).reshape(len(grey), -1)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    packed: NDArray[np.uint8] = np.packbits(bits, axis=1)
    return np.ascontiguousarray(packed).view(np.uint64)[:, 0]


@lru_cache
def _make_cosines(side: int) -> NDArray[np.float32]:
    """The lowest rows of the type-II cosine transform, but for their scale, (8, S)."""
    places = (np.arange(side) + 0.5) * (np.pi / side)
    return np.cos(np.arange(_FREQUENCIES)[:, None] * places).astype(np.float32)


def find_shared(first: Prints, second: Prints) -> Pairs:
    """The pairs of one source's pictures with another's."""
    return _find_pairs(_Compared(first, second))


def find_within(source: Prints) -> Pairs:
    """The pairs of a source's pictures with each other; of many copies, each with some others."""
    return _find_pairs(_Compared(source, None))


_Candidates: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.int64]]"
"""(K,) rows and (K,) larger rows."""


@dataclass(frozen=True)
class _Compared:
    """The pictures that are compared: those of one source, or of two, one after the other."""

    first: Prints
    second: Prints | None

    def concatenate(self, name: str) -> NDArray[Any]:
        """One field of the prints of all pictures."""
        parts = [self.first] if self.second is None else [self.first, self.second]
        return np.concatenate([getattr(part, name) for part in parts])

    def take_pixels(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pixels of some rows (K,), (K, C, S, S)."""
        if self.second is None:
            return self.first.values[rows]
        n = len(self.first.values)
        result = np.empty((len(rows), *self.first.values.shape[1:]), np.uint8)
        is_first = rows < n
        result[is_first] = self.first.values[rows[is_first]]
        result[~is_first] = self.second.values[rows[~is_first] - n]
        return result

    def keep_wanted(self, pairs: _Candidates) -> _Candidates:
        """Keep the pairs that are asked for: of two sources, those of one with the other."""
        if self.second is None:
            return pairs
        n = len(self.first.values)
        crosses = (pairs[0] < n) & (pairs[1] >= n)
        return pairs[0][crosses], pairs[1][crosses]

    def measure_unlikeness(self, pairs: _Candidates) -> NDArray[np.float32]:
        """How unlike the pixels of each pair are, (K,): 1 - their correlation."""
        result = np.empty(len(pairs[0]), np.float32)
        for start in range(0, len(result), _BLOCK):
            block = slice(start, start + _BLOCK)
            result[block] = measure_unlikeness(
                self.take_pixels(pairs[0][block]), self.take_pixels(pairs[1][block])
            )
        return result


def _find_pairs(joined: _Compared) -> Pairs:
    """The pairs of the same bytes, and those of near hashes whose pixels agree."""
    hashes, is_plain = joined.concatenate("hashes"), joined.concatenate("is_plain")
    exact, near = find_candidates(joined.concatenate("sha256"), hashes, is_plain)
    limit = _choose_limit(joined, near)
    exact, near = joined.keep_wanted(exact), joined.keep_wanted(near)
    agrees = joined.measure_unlikeness(near) <= limit
    n = 0 if joined.second is None else len(joined.first.values)
    return Pairs(
        np.concatenate([exact[0], near[0][agrees]]),
        np.concatenate([exact[1], near[1][agrees]]) - n,
        np.arange(len(exact[0]) + int(agrees.sum())) < len(exact[0]),
    )


def _choose_limit(joined: _Compared, near: _Candidates) -> float:
    """How unlike copies may be, by how often near hashes leave it in doubt whether they are."""
    n_near = len(near[0])
    sampled = np.unique(np.linspace(0, max(0, n_near - 1), min(n_near, _BLOCK)).astype(np.int64))
    doubtful = (
        joined.measure_unlikeness((near[0][sampled], near[1][sampled])) > MAX_UNLIKE_AMONG_ALIKE
    )
    n_doubtful = n_near * doubtful.mean() if n_near else 0
    is_rare = n_doubtful <= RARE * len(joined.concatenate("is_plain"))
    return MAX_UNLIKE if is_rare else MAX_UNLIKE_AMONG_ALIKE


def find_candidates(
    sha256: NDArray[np.uint8], hashes: NDArray[np.uint64], is_plain: NDArray[np.bool_]
) -> tuple[_Candidates, _Candidates]:
    """Find pairs of the same bytes, and others whose hashes are near; arguments as in `Prints`."""
    digests = np.ascontiguousarray(sha256).view("S32")[:, 0]
    _, number = np.unique(digests, return_inverse=True)
    exact = _pair_alike(number.astype(np.uint64), hashes)
    rows = np.flatnonzero(~is_plain)
    n, kept = len(hashes), hashes[rows]
    found = []
    for shift in range(0, 64, 8):
        width = 8 if len(rows) <= _FEW else 16
        band = np.bitwise_and(_rotate(kept, shift), np.uint64((1 << width) - 1))
        first, second = _pair_alike(band, kept)
        is_near = count_differing_bits(kept[first], kept[second]) <= MAX_BITS
        found.append(rows[first[is_near]] * n + rows[second[is_near]])
    first, second = np.divmod(np.unique(np.concatenate(found)), max(1, n))
    is_copy = number[first] == number[second]
    return exact, (first[~is_copy], second[~is_copy])


def _rotate(hashes: NDArray[np.uint64], shift: int) -> NDArray[np.uint64]:
    if not shift:
        return hashes
    return (hashes >> np.uint64(shift)) | (hashes << np.uint64(64 - shift))


def _pair_alike(keys: NDArray[np.uint64], order: NDArray[np.uint64]) -> _Candidates:
    """Rows of the same key, paired within a window of the order."""
    rows = np.lexsort((order, keys))
    keys = keys[rows]
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for offset in range(1, min(_WINDOW, len(rows))):
        same = np.flatnonzero(keys[offset:] == keys[:-offset])
        if not len(same):
            break
        a, b = rows[same], rows[same + offset]
        first.append(np.minimum(a, b))
        second.append(np.maximum(a, b))
    return np.concatenate(first), np.concatenate(second)


def count_differing_bits(
    first: NDArray[np.uint64], second: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Number of bits in which hashes differ, (K,)."""
    differing = (first ^ second)[:, None].view(np.uint8)
    bits: NDArray[np.int64] = _BITS_SET[differing].sum(axis=1, dtype=np.int64)
    return bits


_BITS_SET = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(
    axis=1, dtype=np.uint8
)
"""Bits set in each byte (NumPy counts them itself only since version 2)."""


def measure_unlikeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """1 - correlation of the pixels of two times K pictures (K, C, S, S), from 0 to 2, (K,)."""
    one = first.reshape(len(first), -1).astype(np.float32)
    other = second.reshape(len(second), -1).astype(np.float32)
    one -= one.mean(axis=1, keepdims=True)
    other -= other.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    result: NDArray[np.float32] = 1 - np.einsum("kp,kp->k", one, other) / np.maximum(norms, 1e-9)
    return result
