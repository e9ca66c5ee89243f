"""Copies are found by what they show; what is merely alike is not."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from scipy.fft import dctn
from sklearn.datasets import load_digits

from datacleanse.pictures import duplicates
from datacleanse.pictures.compare import find_overlap, group_pairs, tabulate_duplicates
from datacleanse.pictures.decode_one import decode
from datacleanse.pictures.duplicates import (
    Pairs,
    count_differing_bits,
    find_shared,
    find_within,
    make_prints,
    measure_unlikeness,
)
from datacleanse.records import Dataset, Schema
from tests.pictures.made import encoded, scene

SIDE = 32


def pixels(blobs):
    found = [np.asarray(decode(blob, (SIDE, SIDE)).image) for blob in blobs]
    return np.stack(found).transpose(0, 3, 1, 2)


def digests(values):
    """Stand-ins for sha256: the same for the same pixels."""
    import hashlib

    found = [hashlib.sha256(each.tobytes()).digest() for each in values]
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, 32)


def prints(values):
    return make_prints(values, digests(values))


def pairs_of(pairs):
    return set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@cache
def originals(n):
    """Pictures that have nothing in common, and their prints."""
    images = [scene(seed, size=(96, 64)) for seed in range(n)]
    return images, prints(pixels([encoded(image) for image in images]))


COPIES = {
    "recompressed": lambda image: encoded(image, "JPEG", quality=50),
    "scaled": lambda image: encoded(image.resize((70, 50), Image.LANCZOS), "JPEG", quality=85),
    "brighter": lambda image: encoded(image.point(lambda v: min(255, int(v * 1.15)))),
    "another format": lambda image: encoded(image, "WEBP", quality=70),
    "trimmed": lambda image: encoded(image.crop((1, 1, image.width - 1, image.height - 1))),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_copies_are_found_and_nothing_else(copy):
    images, first = originals(200)
    second = prints(pixels([copy(image) for image in images[10:18]]))
    found = pairs_of(find_shared(first, second))
    assert found == {(row + 10, row) for row in range(8)}


def test_copies_within_a_source_are_found_once():
    images, _ = originals(20)
    blobs = [encoded(image) for image in images] + [encoded(images[3], "JPEG"), encoded(images[5])]
    found = find_within(prints(pixels(blobs)))
    assert pairs_of(found) == {(3, 20), (5, 21)}
    exact = dict(zip(found.first.tolist(), found.is_exact.tolist(), strict=True))
    assert exact == {3: False, 5: True}


def test_plain_pictures_are_the_same_only_by_their_bytes():
    shades = [encoded(Image.new("RGB", (40, 40), (at, at, at))) for at in range(100, 140)]
    values = pixels(shades)
    ramps = [np.linspace(100, 100 + at, SIDE) for at in range(1, 11)]
    ramp = np.stack([np.broadcast_to(each, (3, SIDE, SIDE)) for each in ramps]).astype(np.uint8)
    assert not pairs_of(find_within(prints(np.concatenate([values, ramp]))))
    assert pairs_of(find_within(prints(np.concatenate([values, values[:1]])))) == {(0, 40)}


def test_handwritten_digits_that_are_alike_are_not_the_same():
    """Scikit-learn's digits hold no copies; many of a kind look nearly the same."""
    digits = load_digits().images[:600]
    tiny = np.rint(digits * (255 / 16)).astype(np.uint8)[:, None]
    large = np.stack([np.asarray(Image.fromarray(each[0]).resize((28, 28))) for each in tiny])
    assert not pairs_of(find_within(prints(large[:, None])))
    assert not pairs_of(find_within(prints(tiny)))


def test_the_hash_is_the_signs_of_the_lowest_frequencies():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (20, 1, 24, 24), dtype=np.uint8)
    hashes = prints(values).hashes
    for each, found in zip(values[:, 0], hashes, strict=True):
        low = dctn(each.astype(float))[:8, :8].ravel()
        bits = low > np.median(low[1:])
        assert np.packbits(bits).view(np.uint64)[0] == found


def test_distances_count_bits():
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 2**63, (2, 50), dtype=np.uint64)
    expected = [bin(int(a) ^ int(b)).count("1") for a, b in zip(first, second, strict=True)]
    assert count_differing_bits(first, second).tolist() == expected


def test_unlikeness_is_one_minus_the_correlation():
    rng = np.random.default_rng(2)
    first, second = rng.integers(0, 256, (2, 9, 3, 8, 8), dtype=np.uint8)
    expected = [
        1 - np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)
    ]
    assert np.allclose(measure_unlikeness(first, second), expected, atol=1e-5)


@pytest.mark.parametrize("few", [0, 10**9])
def test_candidates_are_all_pairs_of_near_hashes(monkeypatch, few):
    """Against every pair, compared one by one: up to 7 bits with narrow bands, 3 with wide ones."""
    monkeypatch.setattr(duplicates, "_FEW", few)
    rng = np.random.default_rng(3)
    base = rng.integers(0, 2**63, 40, dtype=np.uint64)
    flips = [
        np.bitwise_or.reduce(np.uint64(1) << rng.choice(64, k, replace=False).astype(np.uint64))
        for k in rng.integers(1, 10, 40)
    ]
    hashes = np.concatenate([base, base ^ np.array(flips, np.uint64)])
    different = digests(np.arange(80)[:, None])
    _, near = duplicates.find_candidates(different, hashes, np.zeros(80, np.bool_))
    found = set(zip(*(rows.tolist() for rows in near), strict=True))
    pairs = [(a, b) for a in range(80) for b in range(a + 1, 80)]
    bits = {(a, b): bin(int(hashes[a]) ^ int(hashes[b])).count("1") for a, b in pairs}
    assert found <= {pair for pair, n in bits.items() if n <= 7}
    sure = 7 if few else 3
    assert {pair for pair, n in bits.items() if n <= sure} <= found


def test_many_copies_of_one_picture_stay_one_group(monkeypatch):
    monkeypatch.setattr(duplicates, "_WINDOW", 4)
    values = np.repeat(pixels([encoded(scene(1))]), 30, axis=0)
    found = find_within(prints(values))
    groups = group_pairs(found, np.zeros(30, np.int64))
    assert (groups.n_groups, groups.rows.tolist()) == (1, list(range(30)))


def pairs(*items, exact=()):
    first, second = (np.array([item[at] for item in items], np.int64) for at in (0, 1))
    return Pairs(first, second, np.array([item in exact for item in items], np.bool_))


def test_a_match_is_one_to_one_only_if_both_have_no_other():
    overlap = find_overlap(pairs((5, 0), (7, 1), (7, 2), (8, 3), (9, 3), (2, 4)))
    assert overlap.data_rows.tolist() == [2, 5, 7, 8, 9]
    assert overlap.clean_rows.tolist() == [4, 0, -1, -1, -1]
    assert len(find_overlap(pairs()).data_rows) == 0


def test_groups_with_differing_labels_come_first():
    labels = np.array([0, 0, 1, 1, 0, 1, 0])
    groups = group_pairs(pairs((0, 1), (2, 3), (3, 4), (5, 6), exact={(5, 6)}), labels)
    assert groups.n_conflicting == 2
    assert groups.rows.tolist() == [2, 3, 4, 5, 6, 0, 1]
    assert groups.group.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert groups.is_exact.tolist() == [False] * 3 + [True] * 2 + [False] * 2
    table = pa.table({"path": list("abcdefg"), "label": list("xxyyxyx")})
    schema = Schema("label", "path", ("x", "y"), (), ())
    data = Dataset("d", table, schema, labels, ("x", "y"), ())
    rows = tabulate_duplicates(groups, data).to_pylist()
    assert rows[0] == {
        "group": 0,
        "row": 2,
        "id": "c",
        "given_label": "y",
        "match": "near",
        "conflicting": True,
    }
    assert rows[-1]["conflicting"] is False
