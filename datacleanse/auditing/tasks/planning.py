"""The choice of a task by what DATA is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.auditing.tasks.images import plan_images
from datacleanse.auditing.tasks.table import plan_table

if TYPE_CHECKING:
    from datacleanse.auditing.prepared import Prepared
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.auditing.tasks.interface import Task


def plan_task(request: Request, inputs: Inputs, prepared: Prepared | None = None) -> Task:
    """Plan the audit of a table or of images.

    Args:
        request: what is asked for.
        inputs: what was read.
        prepared: the part of a table's audit that is done.

    Raises:
        DatacleanseError: the settings do not fit what DATA is, or nothing is left to train on.
    """
    if inputs.pictures is not None:
        return plan_images(request, inputs)
    return plan_table(request, inputs, prepared)
