"""Trainings as each of several ranks does them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from datacleanse.models.residual import ResidualShape, build_residual
from datacleanse.models.tabular import TabularNetwork, TabularShape
from datacleanse.settings import Meta, Schedule
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.examples import Examples
from datacleanse.training.joined_ranks import join_ranks
from datacleanse.training.loop import Hooks, train
from datacleanse.training.ranks import ALONE, Ranks
from datacleanse.training.rules import make_rule

if TYPE_CHECKING:
    from pathlib import Path

N_DATA, N_CLEAN = 43, 7


class Odd(nn.Module):
    """A layer that no layerwise formula serves."""

    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * self.scale


def make_examples(kind):
    """A few rows; as many batches of 8 as leave a last one smaller than three ranks."""
    rng = np.random.default_rng(0)
    labels = torch.tensor(rng.integers(0, 3, N_DATA + N_CLEAN))
    if kind == "pictures":
        inputs = torch.tensor(rng.integers(0, 256, (len(labels), 3, 12, 12)), dtype=torch.uint8)
    else:
        inputs = torch.tensor(rng.normal(size=(len(labels), 5)))
        inputs[:, :2] += labels[:, None]
    return Examples(
        inputs=inputs,
        labels=labels,
        n_data=N_DATA,
        # Six batches of 8, the last of 2, which is fewer than three ranks; one row is watched.
        training_rows=torch.arange(N_DATA - 1),
        steering_rows=torch.arange(N_DATA, N_DATA + N_CLEAN),
        n_classes=3,
        worth=torch.tensor(rng.random(len(labels))) if kind == "worth" else None,
    )


def make_network(kind):
    torch.manual_seed(0)
    if kind == "pictures":
        shape = ResidualShape(3, 12, 12, 1, (8, 16), 3, 2, is_mirrored=True)
        return build_residual(shape, np.full(3, 128.0), np.full(3, 64.0), seed=0).double()
    if kind == "own":
        layers = (nn.Linear(5, 12), nn.ReLU(), nn.Dropout(0.4), Odd(12), nn.Linear(12, 3))
        return nn.Sequential(*layers).double()
    if kind == "mixing":
        return nn.Sequential(nn.Linear(5, 12), nn.BatchNorm1d(12), nn.Linear(12, 3)).double()
    shape = TabularShape(
        n_numeric=5,
        n_bins=(0,) * 5,
        missing=(),
        n_categories=(),
        n_classes=3,
        width=16,
        n_hidden=2,
        dropout=0.3,
    )
    return TabularNetwork(shape).double()


KINDS = {
    "table": "l2rw",
    "own": "l2rw",
    "pictures": "l2rw",
    "worth": "uniform",
    "drawn": "random",
    "lilaw": "lilaw",
}
"""Rule by kind of network and examples."""


def run(kind: str, rule: str, ranks: Ranks = ALONE):
    """Train, and return all numbers that a training leaves, by name."""
    network, examples, records = make_network(kind), make_examples(kind), {}

    def keep(epoch, record):
        for name, values in vars(record).items():
            records[f"{epoch} {name}"] = values.copy()

    outcome = train(
        network,
        make_rule(rule, seed=0),
        examples,
        Schedule(epochs=3, batch_size=8, lr=1e-2, meta=Meta(batch=5, every=2)),
        seed=0,
        hooks=Hooks(on_epoch=keep),
        ranks=ranks,
    )
    left = {name: p.detach().numpy() for name, p in network.state_dict().items()}
    told = {f"dynamics {name}": values for name, values in vars(outcome.dynamics).items()}
    return {**records, **told, **left, "skipped": np.array(outcome.skipped_steps)}


def main(place: Path) -> None:
    with use_one_thread(), join_ranks("cpu") as ranks:
        for kind, rule in KINDS.items():
            np.savez(place / f"{kind}-{ranks.number}.npz", **run(kind, rule, ranks))
        try:
            run("mixing", "uniform", ranks)
        except Exception as error:
            (place / f"mixing-{ranks.number}").write_text(str(error), encoding="utf-8")
