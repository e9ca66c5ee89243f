"""What Ren et al. 2018 (arXiv 1803.09050, section 4) found, on scikit-learn's 8x8 digits.

The experiments are those of `benchmarks/steering/paper_claims.py`, whose results over several seeds
stand on the page `learned-weights.md`.
"""

from __future__ import annotations

import pytest

from benchmarks.steering.paper_claims import (
    FLIPS,
    OF_FLIPS,
    OF_RATIO,
    draw_flips,
    draw_imbalance,
    fit,
    load_images,
)
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.rules.l2rw import L2RW
from datacleanse.training.rules.uniform import Uniform


@pytest.fixture(autouse=True)
def one_thread():
    """These networks are too small to share among threads, as the product knows."""
    with use_one_thread():
        yield


@pytest.mark.parametrize("ratio", [50, 200])
def test_ten_clean_images_undo_an_imbalance_that_plain_training_gives_in_to(ratio):
    """Error on balanced 4s and 9s after training on ``ratio`` times as many 9s."""
    trial = draw_imbalance(load_images(), ratio, seed=4)
    plain, reweighted = (
        1 - fit(rule, trial, OF_RATIO)[0] for rule in (Uniform(), L2RW(trusted_share=0.0))
    )
    assert reweighted < 0.2
    assert plain > 0.35


@pytest.mark.parametrize("kind", sorted(FLIPS))
def test_flipped_labels_lose_their_weight_and_mislead_less(kind):
    """40 % flips, 10 clean images of each class."""
    trial = draw_flips(load_images(), FLIPS[kind], seed=9)
    is_wrong = trial.noisy.labels != trial.truth

    plain, _ = fit(Uniform(), trial, OF_FLIPS)
    reweighted, dynamics = fit(L2RW(trusted_share=0.0), trial, OF_FLIPS)

    zero = dynamics.zero_weight_share[: len(is_wrong)]
    assert zero[is_wrong].mean() > 0.7
    assert zero[~is_wrong].mean() < 0.5
    assert zero[is_wrong].sum() > 0.5 * zero.sum()
    assert reweighted > plain + 0.08
