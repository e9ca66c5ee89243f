"""The places that the trainings of an audit are done in."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from datacleanse.memory_bound import measure_free_memory
from datacleanse.scheduling.cores import count_cores
from datacleanse.scheduling.pool import Pool
from datacleanse.storage.mapped_files import limit_memory
from datacleanse.training.device import choose_places
from datacleanse.training.placement import Gathered, find_window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.settings import Settings
    from datacleanse.training.examples import Examples
    from datacleanse.training.placement import Rows
    from datacleanse.training.trainer import Trainer


A_TRAINING = 1_000_000_000
"""Bytes that one more training of pictures may take at a time: what its network makes of a batch,
and the pages that it touches. Measured by `benchmarks.cost.large_data`."""


def count_jobs(settings: Settings, n_devices: int, inputs: Rows) -> int:
    """How many tasks of an audit are at work at a time, if there are so many.

    Of pictures as large as are read in runs no more than the memory has room for, which is that of
    `--memory`. What is found does not depend on it.

    Args:
        settings: a number that is asked for counts.
        n_devices: that trainings are dealt over.
        inputs: of the examples.
    """
    if settings.jobs is not None:
        return settings.jobs
    if n_devices > 1:
        # The second opinion needs no device.
        return n_devices + 1
    if isinstance(inputs, Gathered) and find_window(inputs):
        return min(count_cores(), max(1, limit_memory(measure_free_memory()) // A_TRAINING))
    return count_cores()


@contextmanager
def place_trainings(trainer: Trainer, settings: Settings, examples: Examples) -> Iterator[Trainer]:
    """Give trainings places, and devices that they are dealt over where there are several."""
    places = choose_places(settings.device)
    if len(places) < 2:
        places = []
    jobs = count_jobs(settings, len(places), examples.inputs)
    with Pool(jobs, [str(place) for place in places]) as pool:
        yield replace(trainer, pool=pool, places=places)
