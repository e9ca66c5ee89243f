"""The places that the trainings of an audit are done in."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from datacleanse.scheduling.cores import count_cores
from datacleanse.scheduling.pool import Pool
from datacleanse.training.device import choose_places
from datacleanse.training.placement import find_window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.settings import Settings
    from datacleanse.training.examples import Examples
    from datacleanse.training.trainer import Trainer


def count_jobs(settings: Settings, n_devices: int, *, is_large: bool) -> int:
    """How many tasks of an audit are at work at a time, if there are so many.

    Args:
        settings: a number that is asked for counts.
        n_devices: that trainings are dealt over.
        is_large: see `open_pool`.
    """
    if settings.jobs is not None:
        return settings.jobs
    # The second opinion needs no device.
    return n_devices + 1 if n_devices > 1 else 1 if is_large else count_cores()


@contextmanager
def place_trainings(trainer: Trainer, settings: Settings, examples: Examples) -> Iterator[Trainer]:
    """Give trainings places, and devices that they are dealt over where there are several.

    Of inputs as large as are read in runs one task is done at a time, if nothing else is asked for:
    what another process has found of each row is sent here, and held in memory.
    """
    is_large = find_window(examples.inputs) > 0
    places = choose_places(settings.device)
    if len(places) < 2:
        places = []
    jobs = count_jobs(settings, len(places), is_large=is_large)
    with Pool(jobs, [str(place) for place in places]) as pool:
        yield replace(trainer, pool=pool, places=places)
