"""Time and memory of an audited epoch over a plain one, on tables and on 32x32 images, CPU.

    python -m benchmarks.cost.step_cost [--rounds N]

Plain is the plainest loop: forward, mean loss, backward, fused AdamW. Audited is the package's own
loop at its defaults, with influences, weights and their recorder. Beside them the textbook route:
the virtual step of Ren et al. 2018, Algorithm 1, differentiated twice. Same network, batch size and
data, one process, one thread, by turns; processor time, median of the rounds' ratios. Memory is the
largest resident growth of a process that takes some steps of one kind, measured apart.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time, sleep
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from benchmarks.cost.made_table import N_CLEAN, made_table
from benchmarks.images.networks import resnet
from benchmarks.record import RESULTS, markdown_table, provenance
from benchmarks.results_files import write_result
from datacleanse.data import ReadOptions, read_data
from datacleanse.models.encoding import encode, fit_encoding
from datacleanse.models.residual import build_residual, choose_residual_shape
from datacleanse.models.tabular import build_network
from datacleanse.settings import Meta, Schedule, Settings
from datacleanse.training.batches import split
from datacleanse.training.examples import Examples
from datacleanse.training.loop import WEIGHT_DECAY, _Loop
from datacleanse.training.rules.l2rw import L2RW
from datacleanse.training.schedule import IMAGES, choose_schedule
from datacleanse.training.split_rows import split_before

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RESULT = RESULTS / "step_cost.json"
N_IMAGES = 1024
IMAGE_BATCH = 128
SPLIT = ExitStack()
"""Rows stay split until the end of the program."""

FRESH = Meta(batch=10_000, every=1, average=0.0)
"""All trusted rows, at each step."""


@dataclass(frozen=True, eq=False)
class Case:
    """What is trained on what."""

    examples: Examples
    schedule: Schedule
    make: Callable[[], nn.Module]
    """A fresh network on the examples' device."""
    half: bool = False
    """Under bfloat16 autocast."""

    def precision(self) -> torch.autocast:
        """For one step; at its end the cast copies of the weights go."""
        device = self.examples.inputs.device.type
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self.half)


def table_case(n_rows: int) -> Case:
    """A made table with the default network and schedule; half of the clean rows steer."""
    data = read_data(made_table(n_rows + N_CLEAN, seed=0), ReadOptions())
    encoding = fit_encoding(data, np.arange(n_rows))
    inputs, labels = torch.from_numpy(encode(data, encoding)), torch.from_numpy(data.labels)
    examples = _examples(inputs, labels, n_rows + N_CLEAN // 2, n_classes=2)
    schedule = choose_schedule(Settings(), len(examples.training_rows))
    return Case(examples, schedule, lambda: build_network(encoding, 2, seed=0))


def image_case(
    n_images: int = N_IMAGES,
    batch_size: int = IMAGE_BATCH,
    make: Callable[[], nn.Module] = resnet,
    *,
    n_trusted: int = N_CLEAN // 2,
) -> Case:
    """Random images; the time does not depend on what they show."""
    generator = torch.Generator().manual_seed(0)
    n = n_images + n_trusted
    inputs = torch.randn(n, 3, 32, 32, generator=generator)
    labels = torch.randint(10, (n,), generator=generator)
    examples = _examples(inputs, labels, n_images, n_classes=10)
    schedule = Schedule(epochs=1_000, batch_size=batch_size, lr=1e-3, meta=IMAGES.meta)
    return Case(examples, schedule, make)


def default_image_case() -> Case:
    """5,000 of them as bytes, under the package's network and schedule for so many."""
    n_images = 5_000
    examples = image_case(n_images).examples
    normal = examples.inputs[torch.arange(len(examples.inputs))]
    shape = choose_residual_shape((3, 32, 32), n_images, 10, is_mirrored=True)
    scale = np.full(3, 128.0), np.full(3, 40.0)
    return Case(
        replace(examples, inputs=(normal * 40 + 128).clamp(0, 255).byte()),
        choose_schedule(Settings(), n_images, IMAGES),
        partial(build_residual, shape, *scale, seed=0),
    )


def _examples(inputs: Tensor, labels: Tensor, n_trained: int, *, n_classes: int) -> Examples:
    n = len(labels)
    trained, trusted = torch.arange(n_trained), torch.arange(n_trained, n)
    return Examples(inputs, labels, n, trained, trusted, n_classes)


CASES: dict[str, Callable[[], Case]] = {
    "table, 2,000 rows": lambda: table_case(2_000),
    "table, 20,000 rows": lambda: table_case(20_000),
    "table, 60,000 rows": lambda: table_case(60_000),
    "ResNet, 32x32 images": image_case,
    "default network, 32x32 images": default_image_case,
}


def plain(case: Case) -> Callable[[], None]:
    """An epoch of ordinary training."""
    examples, model = case.examples, case.make()
    optimiser = _adamw(model, case)

    def epoch() -> None:
        model.train()
        for index in batches(case):
            optimiser.zero_grad()
            with case.precision():
                loss = F.cross_entropy(model(examples.inputs[index]), examples.labels[index])
            loss.backward()
            optimiser.step()

    return epoch


def audited(case: Case, meta: Meta | None = None) -> Callable[[], None]:
    """An epoch of the package's loop."""
    schedule = case.schedule
    meta = meta or schedule.meta
    endless = Schedule(10**6, schedule.batch_size, schedule.lr, meta)
    model = case.make()
    rows = SPLIT.enter_context(split_before(model, case.examples))
    loop = _Loop(model, L2RW(), rows, endless, 0)

    def epoch() -> None:
        for index in loop.draw_batches():
            with case.precision():
                loop.step(index)
        loop.close_epoch()

    return epoch


def textbook(case: Case) -> Callable[[], None]:
    """An epoch of Algorithm 1 of Ren et al. 2018 as written, all trusted rows at each step."""
    examples, model = case.examples, case.make()
    optimiser = _adamw(model, case)
    trusted = examples.inputs[examples.steering_rows], examples.labels[examples.steering_rows]

    def epoch() -> None:
        model.train()
        for index in batches(case):
            x, y = examples.inputs[index], examples.labels[index]
            optimiser.zero_grad()
            with case.precision():
                weights = _textbook_weights(model, (x, y), trusted, lr=case.schedule.lr)
                losses = F.cross_entropy(model(x), y, reduction="none")
            (weights * losses).sum().backward()
            optimiser.step()

    return epoch


def _textbook_weights(
    model: nn.Module, batch: tuple[Tensor, Tensor], trusted: tuple[Tensor, Tensor], *, lr: float
) -> Tensor:
    parameters = dict(model.named_parameters())
    epsilon = torch.zeros(len(batch[1]), device=batch[1].device, requires_grad=True)
    losses = F.cross_entropy(model(batch[0]), batch[1], reduction="none")
    gradients = torch.autograd.grad(
        (epsilon * losses).sum(), list(parameters.values()), create_graph=True
    )
    virtual = {
        name: parameter - lr * gradient
        for (name, parameter), gradient in zip(parameters.items(), gradients, strict=True)
    }
    meta = F.cross_entropy(functional_call(model, virtual, trusted[0]), trusted[1])
    clipped = -torch.autograd.grad(meta, epsilon)[0].clamp(max=0.0)
    total = clipped.sum()
    return clipped / (total + (total == 0))


ROUTES: dict[str, Callable[[Case], Callable[[], None]]] = {
    "plain": plain,
    "audited": audited,
    "audited, all trusted rows at each step": lambda case: audited(case, FRESH),
    "textbook double backward": textbook,
}


def _adamw(model: nn.Module, case: Case) -> torch.optim.Optimizer:
    lr = case.schedule.lr
    return torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=WEIGHT_DECAY, fused=True)


def batches(case: Case) -> Iterator[Tensor]:
    """The training rows of an epoch in a fresh order, (B,) positions at a time."""
    trained = case.examples.training_rows
    order = torch.randperm(len(trained), device=trained.device)
    return split(trained[order], case.schedule.batch_size)


def time_case(name: str, n_rounds: int) -> dict[str, Any]:
    """Seconds an epoch by route and round."""
    case = CASES[name]()
    epochs = {route: make(case) for route, make in ROUTES.items()}
    return {"case": name, "seconds": time_by_turns(epochs, n_rounds, process_time)}


def time_by_turns(
    epochs: Mapping[str, Callable[[], None]], n_rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each in each round; a first round, which warms up, is left out."""
    seconds: dict[str, list[float]] = {route: [] for route in epochs}
    for number in range(n_rounds + 1):
        for route, epoch in epochs.items():
            started = clock()
            epoch()
            if number:
                seconds[route].append(clock() - started)
    return seconds


def peak_growth(name: str, route: str) -> float:
    """MiB by which the process grows at most in an epoch of one route, its network included."""
    case = CASES[name]()
    gc.collect()
    before, peak, is_done = _resident(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not is_done.is_set():
            peak = max(peak, _resident())
            sleep(0.0005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    ROUTES[route](case)()
    is_done.set()
    watcher.join()
    return peak - before


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def _peak_apart(name: str, route: str) -> float:
    command = [sys.executable, "-m", "benchmarks.cost.step_cost", "--peak", name, route]
    return float(json.loads(subprocess.check_output(command)))


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--peak", nargs=2, metavar=("CASE", "ROUTE"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.peak:
        print(peak_growth(*options.peak))
        return
    results = []
    for name in options.cases:
        result = time_case(name, options.rounds)
        result["peak_mib"] = {route: _peak_apart(name, route) for route in ROUTES}
        results.append(result)
    write_result(options.out, {"provenance": provenance(), "cases": results}, tables=())
    print(report(results))


def report(results: list[dict[str, Any]]) -> str:
    """Ratios to the plain epoch of the same round."""
    header = ["", "route", "time", "over plain", "peak memory, MiB", "over plain"]
    rows = []
    for result in results:
        seconds, peaks = result["seconds"], result["peak_mib"]
        for route, mine in seconds.items():
            ratio = median(a / b for a, b in zip(mine, seconds["plain"], strict=True))
            rows.append(
                [
                    result["case"],
                    route,
                    f"{median(mine):.2f} s",
                    f"{ratio:.2f}",
                    f"{peaks[route]:.0f}",
                    f"{peaks[route] / peaks['plain']:.2f}",
                ]
            )
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
