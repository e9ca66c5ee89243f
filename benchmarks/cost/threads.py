"""Milliseconds a training step with one CPU thread and with all, on an idle and a busy machine.

`python -m benchmarks.cost.threads` runs plain steps of the default table network. "Busy" means that
a second program computes beside it, as on a shared machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from time import perf_counter

import numpy as np
import torch

from benchmarks.cost.made_table import made_table
from benchmarks.record import RESULTS, markdown_table, provenance
from benchmarks.results_files import write_result
from datacleanse.data import ReadOptions, read_data
from datacleanse.models.encoding import encode, fit_encoding
from datacleanse.models.tabular import build_network
from datacleanse.training.influence import cross_entropy

RESULT = RESULTS / "threads.json"
BATCHES = (128, 1024)
SECONDS = 3.0
N_ROWS = 20_000


def main() -> None:
    """Measure every combination in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, type=int, metavar=("THREADS", "BATCH"))
    one = parser.parse_args().one
    if one:
        print(step_milliseconds(*one))
        return
    rows = []
    for is_busy in (False, True):
        for batch in BATCHES:
            times = {n: _in_process(n, batch, is_busy=is_busy) for n in (1, os.cpu_count() or 2)}
            rows.append({"busy": is_busy, "batch": batch, "milliseconds": times})
    write_result(RESULT, {"provenance": provenance(), "steps": rows}, tables=())
    header = ["machine", "batch", *(f"{n} thread(s), ms" for n in rows[0]["milliseconds"])]
    cells = [
        ["busy" if r["busy"] else "idle", str(r["batch"])]
        + [f"{t:.1f}" for t in r["milliseconds"].values()]
        for r in rows
    ]
    print(markdown_table(header, cells))


def step_milliseconds(n_threads: int, batch_size: int) -> float:
    """Mean time of a plain step."""
    torch.set_num_threads(n_threads)
    data = read_data(made_table(N_ROWS, seed=0), ReadOptions())
    encoding = fit_encoding(data, np.arange(N_ROWS))
    x, y = torch.from_numpy(encode(data, encoding)), torch.from_numpy(data.labels)
    model = build_network(encoding, 2, seed=0)
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    n_steps, started = 0, perf_counter()
    while perf_counter() - started < SECONDS:
        index = torch.arange(n_steps * batch_size, (n_steps + 1) * batch_size) % N_ROWS
        optimiser.zero_grad()
        cross_entropy(model(x[index]), y[index]).mean().backward()
        optimiser.step()
        n_steps += 1
    return 1e3 * (perf_counter() - started) / n_steps


def _in_process(n_threads: int, batch_size: int, *, is_busy: bool) -> float:
    command = [
        sys.executable,
        "-m",
        "benchmarks.cost.threads",
        "--one",
        str(n_threads),
        str(batch_size),
    ]
    rival = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if is_busy else None
    try:
        return float(json.loads(subprocess.check_output(command)))
    finally:
        if rival is not None:
            rival.kill()
            rival.wait()


if __name__ == "__main__":
    main()
