"""Speed, memory and accuracy on a GPU, unattended and without a network.

    python -m benchmarks.cost.gpu --out FILE [--data DIR] [--parts images table cifar]

- images: an audited epoch over a plain one and over the textbook's, a network of ResNet-18's size
  with GroupNorm at 32x32, batches of 512, bfloat16 autocast; peak memory of each.
- table: the same for the default network of tables, which is bound by launching kernels; plain and
  audited steps as one CUDA graph each, and plain training compiled.
- cifar: accuracy of plain, random and learned weights; needs DIR/cifar10n_a/data.parquet.

Each part runs in a process of its own, and its result is written when it is done: what fails says
why in its place, and takes nothing else along. `--smoke` tries everything in small, on the CPU too.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from benchmarks.cost import cifar
from benchmarks.cost.cuda_graph import audited_as_graph, plain_as_graph
from benchmarks.cost.step_cost import (
    FRESH,
    Case,
    audited,
    image_case,
    plain,
    table_case,
    textbook,
    time_by_turns,
)
from benchmarks.images.networks import RESNET_18, resnet
from benchmarks.record import markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.training.loop import _Loop
from datacleanse.training.rules import make_rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse.settings import RuleName

    Route = Callable[[Case], Callable[[], None]]


@dataclass(frozen=True)
class Size:
    """How large everything is."""

    images: int
    image_batch: int
    trusted: int
    widths: tuple[int, ...]
    n_blocks: int
    table_rows: int
    rounds: int
    cifar_images: int
    """Made ones, where no data are given."""
    cifar_epochs: int
    cifar_batch: int
    cifar_jobs: int
    """Trainings beside each other: one alone leaves most of a large GPU idle."""


FULL = Size(10_240, 512, 1_000, RESNET_18, 2, 20_000, 5, 0, 30, 128, 6)
SMOKE = Size(16, 8, 4, (8,), 1, 300, 1, 80, 1, 40, 1)


def compiled(case: Case) -> Callable[[], None]:
    """An epoch of ordinary training with torch's compiler."""
    make = case.make
    return plain(replace(case, make=lambda: _compiled(make())))


def _compiled(model: nn.Module) -> nn.Module:
    # In place: the wrapper would change the parameters' names.
    model.compile(backend="inductor" if torch.cuda.is_available() else "eager")
    return model


def as_in_an_audit(case: Case, rule: RuleName) -> Callable[[], None]:
    """An epoch of the program's own loop, which records each row and takes graphs where it can."""
    loop = _Loop(case.make(), make_rule(rule, seed=0), case.examples, case.schedule, 0)

    def epoch() -> None:
        for index in loop.draw_batches():
            loop.step(index)
        loop.close_epoch()

    return epoch


ROUTES: dict[str, dict[str, Route]] = {
    "images": {
        "plain": plain,
        "plain, compiled": compiled,
        "audited": audited,
        "audited, all trusted rows at each step": partial(audited, meta=FRESH),
        "textbook double backward": textbook,
    },
    "table": {
        "plain": plain,
        "plain, compiled": compiled,
        "plain, CUDA graph": plain_as_graph,
        "audited": audited,
        "audited, all trusted rows at each step": partial(audited, meta=FRESH),
        "audited, CUDA graph": audited_as_graph,
        "plain, as in an audit": partial(as_in_an_audit, rule="uniform"),
        "audited, as in an audit": partial(as_in_an_audit, rule="l2rw"),
        "textbook double backward": textbook,
    },
}
PARTS = (*ROUTES, "cifar")


def on_device(case: Case, device: torch.device, *, half: bool) -> Case:
    """The same case with examples and networks there."""
    examples = case.examples
    tensors = {
        name: getattr(examples, name).to(device)
        for name in ("inputs", "labels", "training_rows", "steering_rows")
    }
    make = case.make

    def made() -> nn.Module:
        model = make().to(device)
        # The layout that convolutions in half precision are fastest in.
        return model.to(memory_format=torch.channels_last) if half else model

    return replace(case, examples=replace(examples, **tensors), make=made, half=half)


def cost(part: str, size: Size, device: torch.device) -> dict[str, Any]:
    """Seconds an epoch, by turns, and peak memory, of each route."""
    if part == "images":
        make = partial(resnet, size.widths, n_blocks=size.n_blocks)
        case = image_case(size.images, size.image_batch, make, n_trusted=size.trusted)
    else:
        case = table_case(size.table_rows)
    case = on_device(case, device, half=part == "images")
    peaks, failures = {}, {}
    for name, route in ROUTES[part].items():
        note(f"{part}, {name}: memory")
        try:
            peaks[name] = peak_mib(route, case, device)
        # A route that the machine refuses is a result; the others go on.
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {error}"
    note(f"{part}: {size.rounds} rounds")
    epochs = {name: ROUTES[part][name](case) for name in peaks}
    seconds = time_by_turns(epochs, size.rounds, partial(_now, device))
    rows, schedule = len(case.examples.training_rows), case.schedule
    return {
        "rows": rows,
        "batch": schedule.batch_size,
        "parameters": sum(p.numel() for p in case.make().parameters()),
        "seconds": seconds,
        "peak_mib": peaks,
        "failed": failures,
    }


def peak_mib(route: Route, case: Case, device: torch.device) -> float | None:
    """MiB allocated at most beyond the data in two epochs, the network included; None on a CPU."""
    if device.type != "cuda":
        route(case)()
        return None
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    epoch = route(case)
    epoch()
    epoch()
    return float(torch.cuda.max_memory_allocated(device) - before) / 2**20


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


def accuracies(size: Size, device: torch.device, data: Path | None) -> dict[str, Any]:
    """The part cifar."""
    if data is None and not size.cifar_images:
        raise SystemExit("The part cifar needs --data DIR with cifar10n_a/data.parquet in it.")
    images, labels = (
        cifar.made_images(size.cifar_images) if data is None else cifar.read_images(data)
    )
    make = partial(resnet, size.widths, n_blocks=size.n_blocks)
    plan = cifar.Plan(make, size.cifar_epochs, size.cifar_batch)
    return {
        "epochs": plan.epochs,
        "batch": plan.batch_size,
        "cells": cifar.compare(images, labels, plan, device, n_jobs=size.cifar_jobs),
    }


def run_part(part: str, size: Size, data: Path | None) -> dict[str, Any]:
    """The result of one part on the GPU, if there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    result = accuracies(size, device, data) if part == "cifar" else cost(part, size, device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return {"device": name, **result}


def report(parts: dict[str, Any]) -> str:
    """Tables of what is there; failures as sentences."""
    texts = []
    for part, result in parts.items():
        if "error" in result:
            texts.append(f"{part} failed: {result['error']}")
        else:
            table = _accuracy_table if part == "cifar" else _cost_table
            texts.append(f"{part}, {result['device']}\n\n{table(result)}")
    return "\n\n".join(texts)


def _cost_table(result: dict[str, Any]) -> str:
    seconds, peaks = result["seconds"], result["peak_mib"]
    header = [
        "route",
        "rows/s",
        "time over plain",
        "share of plain speed",
        "peak MiB",
        "over plain",
    ]
    rows = []
    for name, mine in seconds.items():
        ratio = median(a / b for a, b in zip(mine, seconds["plain"], strict=True))
        cells = [name, f"{result['rows'] / median(mine):,.0f}", f"{ratio:.2f}", f"{1 / ratio:.2f}"]
        peak = peaks[name]
        known = peak is not None
        cells += [f"{peak:.0f}", f"{peak / peaks['plain']:.2f}"] if known else ["", ""]
        rows.append(cells)
    failed = [f"{name} failed: {why}" for name, why in result["failed"].items()]
    return "\n\n".join([markdown_table(header, rows), *failed])


def _accuracy_table(result: dict[str, Any]) -> str:
    found = {(cell["noise"], cell["rule"]): f"{cell['accuracy']:.3f}" for cell in result["cells"]}
    rows = [[noise, *(found[noise, rule] for rule in cifar.RULES)] for noise in cifar.CLEAN]
    return markdown_table(["flips", "plain", *cifar.RULES[1:]], rows)


def _apart(part: str, options: argparse.Namespace) -> dict[str, Any]:
    """A part in a process of its own, so that a broken CUDA context ends with it."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "part.json"
        command = [sys.executable, "-m", "benchmarks.cost.gpu", "--only", part, "--out", str(file)]
        command += ["--epochs", str(options.epochs)] if options.epochs else []
        command += ["--data", str(options.data)] if options.data else []
        said = ""
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            for line in process.stderr:
                note(line.rstrip("\n"))
                said = line.strip() or said
        if process.returncode or not file.is_file():
            return {"error": f"exit code {process.returncode}, last words: {said}"}
        result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return result


def main(arguments: list[str] | None = None) -> None:
    """Measure, write after each part, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--data", type=Path, help="folder with cifar10n_a/data.parquet")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--epochs", type=int, help="of the part cifar")
    parser.add_argument("--smoke", action="store_true", help="everything in small, in one process")
    parser.add_argument("--only", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    size = SMOKE if options.smoke else FULL
    if options.smoke:
        torch.set_num_threads(1)
    size = replace(size, cifar_epochs=options.epochs or size.cifar_epochs)
    if options.only:
        write_result(options.out, run_part(options.only, size, options.data), tables=())
        return
    result: dict[str, Any] = {"provenance": provenance(), "size": asdict(size), "parts": {}}
    for part in options.parts:
        found = run_part(part, size, options.data) if options.smoke else _apart(part, options)
        result["parts"][part] = found
        write_result(options.out, result, tables=())
    print(report(result["parts"]))


if __name__ == "__main__":
    main()
