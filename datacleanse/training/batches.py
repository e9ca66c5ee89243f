"""The order of an epoch's examples, and how it is cut into batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.storage.mapped_files import make_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Generator, Tensor

WINDOW = 2**26
"""Bytes of inputs that are mixed with each other where they are read in runs."""

RUNS = 256
"""Runs of neighbouring rows that a window is mixed from."""


def count_batches(n_examples: int, batch_size: int) -> int:
    """Count the batches that `split` makes."""
    whole, rest = divmod(n_examples, batch_size)
    return max(1, whole + (rest > 1))


def split(order: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Cut (K,) positions into batches; a last batch of one joins the batch before it.

    Batch statistics are undefined on one example, and its weight would always be 0 or 1.
    """
    count = count_batches(len(order), batch_size)
    for number in range(count):
        last = number == count - 1
        yield order[number * batch_size : None if last else (number + 1) * batch_size]


def measure_window(row_bytes: int) -> int:
    """Count the rows of a window, at least one for each run."""
    return max(RUNS, WINDOW // max(1, row_bytes) // RUNS * RUNS)


def draw_order(rows: Tensor, generator: Generator) -> Tensor:
    """Draw an order of (K,) positions, each order as likely as any other."""
    order = torch.randperm(len(rows), generator=generator)
    return rows[order.to(rows.device)]


def draw_order_in_runs(rows: Tensor, generator: Generator, window: int) -> Tensor:
    """Draw an order of (K,) ascending positions by which files are read in runs.

    The positions are cut into runs of neighbours; the runs are put in a random order, and each
    window of `RUNS` of them is shuffled. So a batch is drawn from `RUNS` places of the file, and
    no row of it is read twice.

    Args:
        rows: positions on the CPU.
        generator: of the draws.
        window: rows of a window, see `measure_window`.

    Returns:
        (K,) the positions, each once.
    """
    length = window // RUNS
    runs = torch.randperm(-(-len(rows) // length), generator=generator)
    drawn = torch.from_numpy(make_rows((len(rows),), np.int64))
    done = 0
    for some in runs.split(RUNS):
        places = (some[:, None] * length + torch.arange(length)).flatten()
        places = places[places < len(rows)]
        mixed = torch.randperm(len(places), generator=generator)
        drawn[done : done + len(places)] = rows[places[mixed]]
        done += len(places)
    return drawn
