"""Accuracy in the CIFAR-10 setting of Ren et al. 2018 (arXiv 1803.09050), sections 4.2 and 4.3.

40 % of the training labels are flipped, either uniformly (1,000 clean images) or all into one
background class (10 clean images a class). Plain training and random weights see the clean images
among the others, which favours them; learned weights are steered by them. The paper has 50,000
images of training, this has what is left of the given ones after clean and test images.
"""

from __future__ import annotations

import io
import math
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.record import note
from benchmarks.tables import flip_uniformly
from datacleanse.demo import flip_labels
from datacleanse.models.inference import compute_logits
from datacleanse.settings import Meta
from datacleanse.training.batches import count_batches, split
from datacleanse.training.influence import cross_entropy
from datacleanse.training.influence.interface import open_plain
from datacleanse.training.reweighter import Reweighter
from datacleanse.training.rules import make_rule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.settings import RuleName

N_CLASSES = 10
N_TEST = 4_000
FLIPPED = 0.4
CLEAN = {"uniform": 1_000, "background": 10 * N_CLASSES}
"""Clean images by kind of noise."""

RULES: tuple[RuleName, ...] = ("uniform", "random", "l2rw")
LR, MOMENTUM, WEIGHT_DECAY = 0.05, 0.9, 5e-4
MARGIN = 4
"""Pixels by which an image is moved at most."""


@dataclass(frozen=True)
class Plan:
    """How long to train which network."""

    make: Callable[[], nn.Module]
    epochs: int
    batch_size: int


@dataclass(frozen=True, eq=False)
class Task:
    """Images (N, 3, 32, 32) and labels (N,) on one device."""

    train: tuple[Tensor, Tensor]
    """With flipped labels."""
    clean: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def read_images(folder: Path) -> tuple[Tensor, NDArray[np.int64]]:
    """Images, (N, 3, 32, 32) scaled to mean 0 and deviation 1, and their classes.

    Raises:
        SystemExit: Pillow is not there, or the file is not.
    """
    try:
        from PIL import Image
    except ImportError:
        raise SystemExit("The part cifar decodes JPEG files: pip install pillow") from None
    file = folder / "cifar10n_a" / "data.parquet"
    if not file.is_file():
        raise SystemExit(f"{file} is missing; the part cifar needs it.")
    table = pq.read_table(file, columns=["image", "label"])
    decoded = [
        np.asarray(Image.open(io.BytesIO(each)).convert("RGB"))
        for each in table["image"].to_pylist()
    ]
    pixels = torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).float() / 255
    mean, deviation = (f(dim=(0, 2, 3), keepdim=True) for f in (pixels.mean, pixels.std))
    _, labels = np.unique(table["label"].to_numpy(zero_copy_only=False), return_inverse=True)
    return (pixels - mean) / deviation, labels.astype(np.int64)


def made_images(n: int) -> tuple[Tensor, NDArray[np.int64]]:
    """Images whose brightness tells the class, where only the program is to be tried."""
    labels = np.arange(n) % N_CLASSES
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(n, 3, 32, 32, generator=generator)
    return noise + torch.from_numpy(labels).float().view(-1, 1, 1, 1) - 4.5, labels


def make_task(
    images: Tensor, labels: NDArray[np.int64], noise: str, device: torch.device, *, seed: int
) -> Task:
    """Draw test and clean images, flip labels of the others."""
    order = np.random.default_rng(seed).permutation(len(labels))
    n_test = min(N_TEST, len(labels) // 4)
    test, rest = order[:n_test], order[n_test:]
    clean = _balanced(labels, rest, min(CLEAN[noise], len(rest) // 4) // N_CLASSES)
    train = np.setdiff1d(rest, clean)
    if noise == "uniform":
        noisy = flip_uniformly(labels[train], N_CLASSES, FLIPPED, seed=seed)
    else:
        background = np.zeros(N_CLASSES, dtype=np.int64)
        noisy = flip_labels(labels[train], background, FLIPPED, seed=seed)

    def on_device(rows: NDArray[np.int64], its: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        return images[torch.from_numpy(rows)].to(device), torch.from_numpy(its).to(device)

    return Task(
        on_device(train, noisy), on_device(clean, labels[clean]), on_device(test, labels[test])
    )


def _balanced(labels: NDArray[np.int64], rows: NDArray[np.int64], n_each: int) -> NDArray[np.int64]:
    """The first ``n_each`` rows of each class."""
    return np.concatenate([rows[labels[rows] == c][:n_each] for c in range(N_CLASSES)])


def accuracy(task: Task, rule: RuleName, plan: Plan, *, seed: int) -> float:
    """Share of the test images that a network trained by the rule gets right."""
    device = task.train[0].device
    model = plan.make().to(device)
    optimiser = torch.optim.SGD(
        model.parameters(), lr=LR, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    step = _learned(model, task) if rule == "l2rw" else _weighed(model, rule, seed)
    x, y = task.train
    if rule != "l2rw":
        x, y = (torch.cat(both) for both in zip(task.train, task.clean, strict=True))
    total, done = plan.epochs * count_batches(len(x), plan.batch_size), 0
    torch.manual_seed(seed)
    for _ in range(plan.epochs):
        model.train()
        for index in split(torch.randperm(len(x), device=device), plan.batch_size):
            for group in optimiser.param_groups:
                group["lr"] = LR * 0.5 * (1 + math.cos(math.pi * done / total))
            optimiser.zero_grad()
            with torch.autocast(device.type, dtype=torch.bfloat16):
                step(moved(x[index]), y[index])
            optimiser.step()
            done += 1
    with torch.autocast(device.type, dtype=torch.bfloat16):
        logits = compute_logits(model, task.test[0])
    return float((logits.argmax(dim=1) == task.test[1]).double().mean())


def _learned(model: nn.Module, task: Task) -> Callable[[Tensor, Tensor], None]:
    # The paper's: a trusted batch at each step, the update by the weighted examples alone.
    reweighter = Reweighter(model, cross_entropy, meta=Meta(batch=128, every=1))

    def step(x: Tensor, y: Tensor) -> None:
        reweighter.step((x, y), task.clean)

    return step


def _weighed(model: nn.Module, rule: RuleName, seed: int) -> Callable[[Tensor, Tensor], None]:
    weighing = make_rule(rule, seed=seed)

    def step(x: Tensor, y: Tensor) -> None:
        opened = open_plain(model, cross_entropy, x, y)
        opened.descend(weighing.weigh(opened))

    return step


def moved(x: Tensor) -> Tensor:
    """(B, C, H, W) shifted by up to `MARGIN` pixels and mirrored half of the time."""
    n, channels, height, width = x.shape
    padded = F.pad(x, (MARGIN,) * 4, mode="reflect")
    top, left = torch.randint(2 * MARGIN + 1, (2, n, 1), device=x.device)
    rows = top + torch.arange(height, device=x.device)
    columns = torch.arange(width, device=x.device).expand(n, -1)
    is_mirrored = torch.rand(n, 1, device=x.device) < 0.5
    columns = left + torch.where(is_mirrored, columns.flip(1), columns)
    at = torch.arange(n, device=x.device)[:, None, None, None]
    channel = torch.arange(channels, device=x.device)[:, None, None]
    return padded[at, channel, rows[:, None, :, None], columns[:, None, None, :]]


def compare(
    images: Tensor,
    labels: NDArray[np.int64],
    plan: Plan,
    device: torch.device,
    *,
    n_seeds: int = 1,
    n_jobs: int = 1,
) -> list[dict[str, Any]]:
    """Accuracy of each rule under both kinds of noise; trainings side by side share the GPU."""
    cells = [
        Cell(noise, rule, seed) for seed in range(n_seeds) for noise in CLEAN for rule in RULES
    ]
    run = partial(_run, images, labels, plan, device)
    if n_jobs == 1:
        return [run(cell) for cell in cells]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_jobs, mp_context=context) as pool:
        return list(pool.map(run, cells))


@dataclass(frozen=True)
class Cell:
    """One training."""

    noise: str
    rule: RuleName
    seed: int


def _run(
    images: Tensor, labels: NDArray[np.int64], plan: Plan, device: torch.device, cell: Cell
) -> dict[str, Any]:
    torch.set_num_threads(1)
    task = make_task(images, labels, cell.noise, device, seed=cell.seed)
    counts = {name: len(getattr(task, name)[1]) for name in ("train", "clean", "test")}
    started = perf_counter()
    share = accuracy(task, cell.rule, plan, seed=cell.seed)
    seconds = perf_counter() - started
    note(f"cifar, {cell.noise} flips, {cell.rule}, {cell.seed}: {share:.3f} in {seconds:.0f} s")
    return {**vars(cell), "accuracy": share, "seconds": seconds, **counts}
