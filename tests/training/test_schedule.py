"""Schedules: what settings leave open."""

from __future__ import annotations

import pytest

from datacleanse.settings import Settings
from datacleanse.training.schedule import IMAGES, NUMBER_TABLES, TABLES, choose_schedule


@pytest.mark.parametrize(
    ("defaults", "further"), [(TABLES, 0.5), (IMAGES, 1.0), (NUMBER_TABLES, 1.0)]
)
def test_only_of_tables_with_classes_further_trainings_are_shorter(defaults, further):
    schedule = choose_schedule(Settings(), 5_000, defaults)
    assert (schedule.epochs, schedule.further_share) == (20, further)


def test_epochs_that_are_asked_for_are_taken():
    assert choose_schedule(Settings(epochs=7), 5_000).epochs == 7
