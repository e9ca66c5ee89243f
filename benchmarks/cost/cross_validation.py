"""What a user without reweighting runs: five-fold cross-validation of the same network, and a fit.

`python -m benchmarks.cost.cross_validation DATA CLEAN` reads the same files by the same readers,
trains the default network by a plain loop on four fifths of the rows five times to get
out-of-sample probabilities, then once on all rows. Clean rows are training rows, as cleanlab's
users add them. Nothing is recorded, ranked or written but the probabilities.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datacleanse.data import ReadOptions, read_data, read_like
from datacleanse.models.encoding import encode, fit_encoding
from datacleanse.models.inference import compute_logits
from datacleanse.models.tabular import build_network
from datacleanse.settings import Settings
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.batches import split
from datacleanse.training.loop import WEIGHT_DECAY
from datacleanse.training.schedule import choose_schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.models.encoding import Encoding
    from datacleanse.settings import Schedule

N_FOLDS = 5


def fit_plainly(model: nn.Module, x: Tensor, y: Tensor, schedule: Schedule, *, seed: int) -> None:
    """The plainest loop with the same optimiser and schedule: no recording, no weights."""
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=schedule.lr, weight_decay=WEIGHT_DECAY, fused=True
    )
    generator = torch.Generator().manual_seed(seed)
    total = schedule.epochs * math.ceil(len(x) / schedule.batch_size)
    done = 0
    model.train()
    for _ in range(schedule.epochs):
        for index in split(torch.randperm(len(x), generator=generator), schedule.batch_size):
            for group in optimiser.param_groups:
                group["lr"] = schedule.lr * 0.5 * (1 + math.cos(math.pi * done / total))
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(model(x[index]), y[index]).backward()
            optimiser.step()
            done += 1


def network_out_of_fold(
    encoding: Encoding, x: Tensor, y: Tensor, n_classes: int, fold: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Probabilities of networks that have not seen the row, one network a fold.

    Args:
        encoding: by which the rows were encoded.
        x: (M, F) encoded rows.
        y: (M,) their labels, below ``n_classes``.
        n_classes: C.
        fold: (M,) from 0 to `N_FOLDS` - 1.

    Returns:
        (M, C), rows sum to 1.
    """
    schedule = choose_schedule(Settings(), len(x))
    held_out = [torch.from_numpy(fold == k) for k in range(N_FOLDS)]
    logits = torch.empty(len(x), n_classes)
    for k, rows in enumerate(held_out):
        model = build_network(encoding, n_classes, seed=k)
        fit_plainly(model, x[~rows], y[~rows], schedule, seed=k)
        logits[rows] = compute_logits(model, x[rows])
    return torch.softmax(logits, dim=1).numpy()


def cross_validate(data_file: str, clean_file: str) -> NDArray[np.float32]:
    """Out-of-sample probabilities of DATA's and CLEAN's rows, (M, C)."""
    data = read_data(data_file, ReadOptions())
    clean = read_like(clean_file, data.schema, role="CLEAN")
    encoding = fit_encoding(data, np.arange(data.n_rows))
    x = torch.from_numpy(np.concatenate([encode(data, encoding), encode(clean, encoding)]))
    y = torch.from_numpy(np.concatenate([data.labels, clean.labels]))
    n_classes = len(data.schema.classes)
    fold = np.random.default_rng(0).permutation(len(x)) % N_FOLDS
    with use_one_thread():
        probability = network_out_of_fold(encoding, x, y, n_classes, fold)
        schedule = choose_schedule(Settings(), len(x))
        fit_plainly(build_network(encoding, n_classes, seed=0), x, y, schedule, seed=0)
    return probability


if __name__ == "__main__":
    print(cross_validate(sys.argv[1], sys.argv[2]).mean(axis=0))
