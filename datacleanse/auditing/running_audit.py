"""An audit under way: what its trainings and their judgement work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacleanse.auditing.conduct import Conduct
    from datacleanse.auditing.manifest import Stopwatch
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.tasks.interface import Task
    from datacleanse.detection.second_opinion.background import Adviser
    from datacleanse.storage.manifest.whole import Opening
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse.training.examples import Examples


@dataclass(frozen=True)
class Begun:
    """A run that is begun."""

    folder: RunFolder
    """What it writes."""
    opening: Opening
    """What `run.json` has said of it since it began."""
    watch: Stopwatch
    """Measures its parts."""


@dataclass(frozen=True)
class RunningAudit:
    """An audit whose rows are encoded and whose run folder is begun."""

    task: Task
    """What is audited, and with which network."""
    inputs: Inputs
    """What was read, DATA's table parked on disk."""
    examples: Examples
    """What the network sees: DATA's rows, then CLEAN's."""
    adviser: Adviser
    """Forms the second opinion, while the networks are trained."""
    begun: Begun
    """Its run folder, begun."""
    conduct: Conduct
    """How it is carried out."""
