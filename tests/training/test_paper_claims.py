"""What Ren et al. 2018 (arXiv 1803.09050, section 4) found, on scikit-learn's 8x8 digits.

The paper's own update (no share of the trusted gradient) and a fresh trusted gradient at each step.
Four other seeds gave: errors of .5 plain against .02 to .07; accuracies of .75 to .79 against .92
to .94 under uniform flips, of .63 to .65 against .95 to .97 under background flips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from datacleanse.models.inference import compute_logits
from datacleanse.settings import Meta, Schedule
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.examples import Examples
from datacleanse.training.loop import train
from datacleanse.training.rules.l2rw import L2RW
from datacleanse.training.rules.uniform import Uniform

EVERY_STEP = Meta(batch=1000, every=1)
WIDTH = 256
"""Wide enough to learn every wrong label by heart."""


@pytest.fixture(autouse=True)
def one_thread():
    """These networks are too small to share among threads, as the product knows."""
    with use_one_thread():
        yield


@dataclass(frozen=True)
class Images:
    pixels: np.ndarray
    labels: np.ndarray

    def at(self, rows):
        return Images(self.pixels[rows], self.labels[rows])


def digits():
    found = load_digits()
    return Images(found.images.astype(np.float32) / 16, found.target)


def fit(rule, noisy: Images, clean: Images, n_classes, schedule):
    both = np.concatenate([noisy.pixels, clean.pixels])
    n, n_clean = len(noisy.labels), len(clean.labels)
    examples = Examples(
        inputs=torch.from_numpy(both).flatten(1),
        labels=torch.from_numpy(np.concatenate([noisy.labels, clean.labels])),
        n_data=n,
        training_rows=torch.arange(n),
        steering_rows=torch.arange(n, n + n_clean),
        n_classes=n_classes,
    )
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, n_classes))
    return network, train(network, rule, examples, schedule, seed=0)


def accuracy(network, test: Images):
    predicted = compute_logits(network, torch.from_numpy(test.pixels).flatten(1)).argmax(dim=1)
    return float(np.mean(predicted.numpy() == test.labels))


def shifted(pixels):
    """Every image nine times, moved by at most a pixel."""
    padded = np.pad(pixels, ((0, 0), (1, 1), (1, 1)))
    return np.concatenate([padded[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])


@pytest.fixture(scope="module")
def fours_and_nines():
    """Many of each to train on, 10 clean ones, a balanced test; in random order."""
    images, rng = digits(), np.random.default_rng(4)
    fours, nines = (rng.permutation(np.flatnonzero(images.labels == k)) for k in (4, 9))
    as_bits = Images(images.pixels, (images.labels == 9).astype(np.int64))
    many = [rng.permutation(shifted(images.pixels[rows[65:]])) for rows in (fours, nines)]
    clean, test = (np.r_[fours[part], nines[part]] for part in (slice(5), slice(5, 65)))
    return many, as_bits.at(clean), as_bits.at(test)


@pytest.mark.parametrize("ratio", [50, 200])
def test_ten_clean_images_undo_an_imbalance_that_plain_training_gives_in_to(fours_and_nines, ratio):
    """Error on balanced 4s and 9s after training on ``ratio`` times as many 9s."""
    (fours, nines), clean, test = fours_and_nines
    n_nines = 1000
    n_fours = n_nines // ratio
    pixels = np.concatenate([fours[:n_fours], nines[:n_nines]])
    unbalanced = Images(pixels, np.repeat([0, 1], [n_fours, n_nines]))
    schedule = Schedule(epochs=10, batch_size=100, lr=3e-3, meta=EVERY_STEP)
    plain, reweighted = (
        1 - accuracy(fit(rule, unbalanced, clean, 2, schedule)[0], test)
        for rule in (Uniform(), L2RW(trusted_share=0.0))
    )
    assert reweighted < 0.2
    assert plain > 0.35


def uniform_flips(truth, rng):
    chosen = rng.choice(len(truth), size=int(0.4 * len(truth)), replace=False)
    noisy = truth.copy()
    noisy[chosen] = (truth[chosen] + rng.integers(1, 10, size=len(chosen))) % 10
    return noisy


def background_flips(truth, rng):
    """Class 0 is the background that 40 % of the others are lost in."""
    others = np.flatnonzero(truth != 0)
    noisy = truth.copy()
    noisy[rng.choice(others, size=int(0.4 * len(others)), replace=False)] = 0
    return noisy


@pytest.mark.parametrize("flip", [uniform_flips, background_flips])
def test_flipped_labels_lose_their_weight_and_mislead_less(flip):
    """40 % flips, 10 clean images of each class."""
    images, rng = digits(), np.random.default_rng(9)
    order = rng.permutation(len(images.labels))
    clean = np.concatenate([order[images.labels[order] == k][:10] for k in range(10)])
    rest = rng.permutation(np.setdiff1d(order, clean))
    rows, test = rest[:1000], images.at(rest[1000:])
    noisy = Images(images.pixels[rows], flip(images.labels[rows], rng))
    is_wrong = noisy.labels != images.labels[rows]
    schedule = Schedule(epochs=60, batch_size=100, lr=1e-2, meta=EVERY_STEP)

    plain, _ = fit(Uniform(), noisy, images.at(clean), 10, schedule)
    network, outcome = fit(L2RW(trusted_share=0.0), noisy, images.at(clean), 10, schedule)

    zero = outcome.dynamics.zero_weight_share[: len(rows)]
    assert zero[is_wrong].mean() > 0.7
    assert zero[~is_wrong].mean() < 0.5
    assert zero[is_wrong].sum() > 0.5 * zero.sum()
    assert accuracy(network, test) > accuracy(plain, test) + 0.08
