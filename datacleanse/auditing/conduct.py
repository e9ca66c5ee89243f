"""How an audit is carried out, whatever it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.progress import SILENT
from datacleanse.training.ranks import ALONE
from datacleanse.training.stopping import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datacleanse.progress import Progress
    from datacleanse.training.ranks import Ranks
    from datacleanse.training.stopping import StopRequest


def do_nothing() -> None:
    """Nothing is wanted after the audit."""


@dataclass(frozen=True)
class Conduct:
    """Where an audit goes, who hears of it, who may stop it, and who takes part."""

    place: Path
    """The run folder."""
    force: bool = False
    """Replace what run is there."""
    resume: bool = False
    """Go on with the unfinished run there; leave a finished one; start where there is none."""
    progress: Progress = SILENT
    """Receives stages and messages."""
    stop: StopRequest = NEVER
    """Asked after each batch of the trainings."""
    ranks: Ranks = ALONE
    """The processes that audit together."""
    meanwhile: Callable[[], None] = do_nothing
    """Called once while the final model is trained, best beside this process: what is wanted after
    the audit is loaded then."""
