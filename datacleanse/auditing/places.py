"""The places that the trainings of an audit are done in."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from datacleanse.scheduling.cores import count_cores
from datacleanse.scheduling.pool import Pool
from datacleanse.training.device import choose_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.settings import Settings
    from datacleanse.training.trainer import Trainer


def count_jobs(settings: Settings, n_devices: int) -> int:
    """How many tasks of an audit are at work at a time, if there are so many.

    Args:
        settings: a number that is asked for counts.
        n_devices: that trainings are dealt over.
    """
    if settings.jobs is not None:
        return settings.jobs
    # The second opinion needs no device.
    return n_devices + 1 if n_devices > 1 else count_cores()


@contextmanager
def place_trainings(trainer: Trainer, settings: Settings) -> Iterator[Trainer]:
    """Give trainings places, and devices that they are dealt over where there are several."""
    places = choose_places(settings.device)
    if len(places) < 2:
        places = []
    with Pool(count_jobs(settings, len(places)), [str(place) for place in places]) as pool:
        yield replace(trainer, pool=pool, places=places)
