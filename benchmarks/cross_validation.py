"""What a user without reweighting runs: five-fold cross-validation of the same network, and a fit.

`python -m benchmarks.cross_validation DATA CLEAN` reads the same files by the same readers, trains
the default network by a plain loop on four fifths of the rows five times to get out-of-sample
probabilities, then once on all rows. Clean rows are training rows, as cleanlab's users add them.
Nothing is recorded, ranked or written but the probabilities.
"""

from __future__ import annotations

import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datacleanse.config import Schedule, Settings
from datacleanse.data import ReadOptions, read_data, read_like
from datacleanse.device import one_cpu_thread
from datacleanse.encode import encode, fit_encoding
from datacleanse.schedule import schedule_for
from datacleanse.train import WEIGHT_DECAY, logits_of, split
from datacleanse.trainings import build_network

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


def cross_validate(data_file: str, clean_file: str) -> np.ndarray:
    """Out-of-sample probabilities of DATA's and CLEAN's rows, (M, C)."""
    data = read_data(data_file, ReadOptions())
    clean = read_like(clean_file, data.schema, role="CLEAN")
    encoding = fit_encoding(data, np.arange(data.n_rows))
    x = torch.from_numpy(np.concatenate([encode(data, encoding), encode(clean, encoding)]))
    y = torch.from_numpy(np.concatenate([data.labels, clean.labels]))
    schedule = schedule_for(Settings(), len(x))
    n_classes = len(data.schema.classes)
    fold = torch.from_numpy(np.random.default_rng(0).permutation(len(x)) % N_FOLDS)
    logits = torch.empty(len(x), n_classes)
    with one_cpu_thread(torch.device("cpu")):
        for k in range(N_FOLDS):
            model = build_network(encoding, n_classes, seed=k)
            fit_plainly(model, x[fold != k], y[fold != k], schedule, seed=k)
            logits[fold == k] = logits_of(model, x[fold == k])
        fit_plainly(build_network(encoding, n_classes, seed=0), x, y, schedule, seed=0)
    return torch.softmax(logits, dim=1).numpy()


if __name__ == "__main__":
    print(cross_validate(sys.argv[1], sys.argv[2]).mean(axis=0))
