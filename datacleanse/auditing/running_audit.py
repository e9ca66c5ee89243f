"""An audit under way: what its trainings and their judgement work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse.auditing.manifest import Stopwatch
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.tasks.interface import Task
    from datacleanse.detection.second_opinion.background import Adviser
    from datacleanse.progress import Progress
    from datacleanse.storage.manifest.whole import Opening
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse.training.examples import Examples
    from datacleanse.training.stopping import StopRequest


def do_nothing() -> None:
    """Nothing is wanted after the audit."""


@dataclass(frozen=True)
class RunningAudit:
    """An audit whose rows are encoded and whose run folder is begun."""

    folder: RunFolder
    """What it writes."""
    opening: Opening
    """What `run.json` has said of it since it began."""
    task: Task
    """What is audited, and with which network."""
    inputs: Inputs
    """What was read, DATA's table parked on disk."""
    examples: Examples
    """What the network sees: DATA's rows, then CLEAN's."""
    adviser: Adviser
    """Forms the second opinion, while the networks are trained."""
    watch: Stopwatch
    """Measures the parts of the run."""
    progress: Progress
    """Receives stages and messages."""
    stop: StopRequest
    """Asked after each batch of the trainings."""
    meanwhile: Callable[[], None] = do_nothing
    """Called once while the final model is trained, best beside this process: what is wanted after
    the audit is loaded then."""
