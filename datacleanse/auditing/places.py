"""The places that the trainings of an audit are done in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from datacleanse.scheduling.cores import count_cores
from datacleanse.scheduling.pool import Pool
from datacleanse.training.device import choose_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from datacleanse.settings import Settings


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
def open_pool(settings: Settings, *, is_large: bool) -> Iterator[tuple[Pool, list[torch.device]]]:
    """Places for trainings, and the devices that they are dealt over where there are several.

    Of inputs as large as are read in runs one task is done at a time, if nothing else is asked for:
    what another process has found of each row is sent here, and held in memory.
    """
    places = choose_places(settings.device)
    if len(places) < 2:
        places = []
    jobs = count_jobs(settings, len(places), is_large=is_large)
    with Pool(jobs, [str(place) for place in places]) as pool:
        yield pool, places
