"""What learned weights do: two experiments of Ren et al. 2018, repeated on scikit-learn's digits.

`python -m benchmarks.steering.paper_claims [--seeds N]` trains a network plainly and by the paper's
own update (arXiv 1803.09050, algorithm 1: no share of the trusted gradient, a fresh trusted
gradient at each step):

- imbalance (section 4.1): many 9s, few 4s, ten clean pictures, tested on as many of each;
- flips (section 4.2): 40 % of the labels flipped, ten clean pictures of each class.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from torch import nn

from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.models.inference import compute_logits
from datacleanse.settings import Meta, Schedule
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.examples import Examples
from datacleanse.training.loop import train
from datacleanse.training.rules.l2rw import L2RW
from datacleanse.training.rules.uniform import Uniform

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    from datacleanse.training.recorder import Dynamics
    from datacleanse.training.rules import Rule

RESULT = RESULTS / "paper_claims.json"
EVERY_STEP = Meta(batch=1000, every=1)
WIDTH = 256
"""Wide enough to learn every wrong label by heart."""

RATIOS = (20, 50, 100, 200)
N_NINES = 1000
FLIPPED = 0.4
OF_RATIO = Schedule(epochs=10, batch_size=100, lr=3e-3, meta=EVERY_STEP)
OF_FLIPS = Schedule(epochs=60, batch_size=100, lr=1e-2, meta=EVERY_STEP)


@dataclass(frozen=True)
class Images:
    """Pictures with labels."""

    pixels: NDArray[np.float32]
    """(n, 8, 8) in [0, 1]."""
    labels: NDArray[np.int64]
    """(n,)."""

    def at(self, rows: NDArray[np.int64]) -> Images:
        """The same of some rows."""
        return Images(self.pixels[rows], self.labels[rows])

    def labelled(self, labels: NDArray[np.int64]) -> Images:
        """The same pictures with other labels."""
        return Images(self.pixels, labels)


@dataclass(frozen=True)
class Trial:
    """Pictures to train on, with what is known of them, clean ones and those to test on."""

    noisy: Images
    truth: NDArray[np.int64]
    clean: Images
    test: Images
    n_classes: int


def load_images() -> Images:
    """scikit-learn's 1,797 digits."""
    found = load_digits()
    return Images(found.images.astype(np.float32) / 16, found.target)


def fit(rule: Rule, trial: Trial, schedule: Schedule) -> tuple[float, Dynamics]:
    """Accuracy on the test pictures after training by a rule, and what was seen of each row."""
    noisy, clean = trial.noisy, trial.clean
    n, n_clean = len(noisy.labels), len(clean.labels)
    examples = Examples(
        inputs=torch.from_numpy(np.concatenate([noisy.pixels, clean.pixels])).flatten(1),
        labels=torch.from_numpy(np.concatenate([noisy.labels, clean.labels])),
        n_data=n,
        training_rows=torch.arange(n),
        steering_rows=torch.arange(n, n + n_clean),
        n_classes=trial.n_classes,
    )
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, trial.n_classes))
    outcome = train(network, rule, examples, schedule, seed=0)
    inputs = torch.from_numpy(trial.test.pixels).flatten(1)
    predicted = compute_logits(network, inputs).argmax(dim=1).numpy()
    return float(np.mean(predicted == trial.test.labels)), outcome.dynamics


def draw_imbalance(images: Images, ratio: int, seed: int) -> Trial:
    """One 4 for ``ratio`` 9s; five clean ones of each."""
    rng = np.random.default_rng(seed)
    fours, nines = (rng.permutation(np.flatnonzero(images.labels == k)) for k in (4, 9))
    as_bits = images.labelled((images.labels == 9).astype(np.int64))
    many_fours, many_nines = (
        rng.permutation(_shift(images.pixels[rows[65:]])) for rows in (fours, nines)
    )
    n_fours = N_NINES // ratio
    labels = np.repeat([0, 1], [n_fours, N_NINES])
    pixels = np.concatenate([many_fours[:n_fours], many_nines[:N_NINES]])
    clean, test = (np.r_[fours[part], nines[part]] for part in (slice(5), slice(5, 65)))
    return Trial(Images(pixels, labels), labels, as_bits.at(clean), as_bits.at(test), 2)


def draw_flips(
    images: Images, flip: Callable[[NDArray[np.int64], Generator], NDArray[np.int64]], seed: int
) -> Trial:
    """A thousand pictures with flipped labels, ten clean ones of each class."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images.labels))
    clean = np.concatenate([order[images.labels[order] == k][:10] for k in range(10)])
    rest = rng.permutation(np.setdiff1d(order, clean))
    rows, test = rest[:1000], rest[1000:]
    truth = images.labels[rows]
    noisy = Images(images.pixels[rows], flip(truth, rng))
    return Trial(noisy, truth, images.at(clean), images.at(test), 10)


def flip_uniformly(truth: NDArray[np.int64], rng: Generator) -> NDArray[np.int64]:
    """`FLIPPED` of the labels become any other."""
    chosen = rng.choice(len(truth), size=int(FLIPPED * len(truth)), replace=False)
    noisy = truth.copy()
    noisy[chosen] = (truth[chosen] + rng.integers(1, 10, size=len(chosen))) % 10
    return noisy


def flip_to_background(truth: NDArray[np.int64], rng: Generator) -> NDArray[np.int64]:
    """Class 0 is the background that `FLIPPED` of the others are lost in."""
    others = np.flatnonzero(truth != 0)
    noisy = truth.copy()
    noisy[rng.choice(others, size=int(FLIPPED * len(others)), replace=False)] = 0
    return noisy


FLIPS = {"uniform": flip_uniformly, "background": flip_to_background}


def _shift(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every picture nine times, moved by at most a pixel."""
    padded = np.pad(pixels, ((0, 0), (1, 1), (1, 1)))
    return np.concatenate([padded[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])


def measure_imbalance(images: Images, ratio: int, seed: int) -> dict[str, Any]:
    """Errors, and the share of all weight that the few 4s get."""
    trial = draw_imbalance(images, ratio, seed)
    plain, _ = fit(Uniform(), trial, OF_RATIO)
    reweighted, dynamics = fit(L2RW(trusted_share=0.0), trial, OF_RATIO)
    weight = dynamics.weight[: len(trial.truth)].astype(np.float64)
    return {
        "ratio": ratio,
        "seed": seed,
        "share_of_rows": float(np.mean(trial.truth == 0)),
        "share_of_weight": float(weight[trial.truth == 0].sum() / weight.sum()),
        "error_plain": 1 - plain,
        "error_reweighted": 1 - reweighted,
    }


def measure_flips(images: Images, kind: str, seed: int) -> dict[str, Any]:
    """Accuracies, and how far the weights tell wrong labels from right ones."""
    trial = draw_flips(images, FLIPS[kind], seed)
    plain, _ = fit(Uniform(), trial, OF_FLIPS)
    reweighted, dynamics = fit(L2RW(trusted_share=0.0), trial, OF_FLIPS)
    without = Trial(
        trial.noisy.labelled(trial.truth), trial.truth, trial.clean, trial.test, trial.n_classes
    )
    weight, zero = (
        values[: len(trial.truth)].astype(np.float64)
        for values in (dynamics.weight, dynamics.zero_weight_share)
    )
    is_wrong = trial.noisy.labels != trial.truth
    return {
        "kind": kind,
        "seed": seed,
        "accuracy_plain": plain,
        "accuracy_reweighted": reweighted,
        "accuracy_on_true_labels": fit(Uniform(), without, OF_FLIPS)[0],
        "share_of_weight_wrong": float(weight[is_wrong].sum() / weight.sum()),
        "zero_wrong": float(zero[is_wrong].mean()),
        "zero_right": float(zero[~is_wrong].mean()),
        "auc": float(roc_auc_score(is_wrong, -weight)),
    }


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args().seeds)
    images = load_images()
    with use_one_thread():
        imbalance = [measure_imbalance(images, r, seed) for r in RATIOS for seed in seeds]
        note("imbalance measured")
        flips = [measure_flips(images, kind, seed) for kind in FLIPS for seed in seeds]
    result = {"provenance": provenance(), "imbalance": imbalance, "flips": flips}
    write_result(RESULT, result, tables=())
    for rows, by in ((imbalance, "ratio"), (flips, "kind")):
        header = [key for key in rows[0] if key not in (by, "seed")]
        lines = [
            [str(value), *(f"{np.mean([r[key] for r in mine]):.3f}" for key in header)]
            for value in dict.fromkeys(r[by] for r in rows)
            if (mine := [r for r in rows if r[by] == value])
        ]
        print(markdown_table([by, *header], lines))


if __name__ == "__main__":
    main()
