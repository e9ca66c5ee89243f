"""The choice of a task by what DATA is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.auditing.tasks.images import plan_images
from datacleanse.auditing.tasks.table import plan_table

if TYPE_CHECKING:
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.auditing.tasks.interface import Task


def plan_task(request: Request, inputs: Inputs) -> Task:
    """Plan the audit of a table or of images.

    Raises:
        DatacleanseError: the settings do not fit what DATA is, or nothing is left to train on.
    """
    plan = plan_table if inputs.pictures is None else plan_images
    return plan(request, inputs)
