"""Where the network lives."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from threadpoolctl import threadpool_limits

from datacleanse.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.settings import DeviceName


def choose_device(name: DeviceName) -> torch.device:
    """The device asked for; ``auto`` takes a CUDA GPU where there is one.

    Raises:
        SettingsError: a GPU was asked for and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        raise SettingsError(
            "--device is 'cuda', but torch finds no CUDA GPU here.",
            slug="no-gpu",
            hint="Use --device auto, or install a torch build with CUDA.",
        )
    return torch.device("cuda" if has_gpu and name != "cpu" else "cpu")


def name_device(device: torch.device) -> str:
    """``cpu``, or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def count_cpu_threads(device: torch.device) -> int:
    """CPU threads to train with; results depend on them."""
    return 1 if device.type == "cpu" else torch.get_num_threads()


@contextmanager
def use_one_cpu_thread(device: torch.device) -> Iterator[None]:
    """Compute on one CPU thread, NumPy too, and restore the number after; a GPU is fed as before.

    The matrix products of a table's network are too small to share: a second thread saves
    at most a tenth of a step on an idle machine and, where another program wants that core too,
    makes it 3.5 times slower (`benchmarks/cost/threads.py`). One thread also makes results
    independent of the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count_cpu_threads(device))
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
