"""The run of an audit begun in its folder, or gone on with."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datacleanse.auditing.final_model import NOTHING
from datacleanse.auditing.manifest import Stopwatch, begin_run
from datacleanse.auditing.ranked import compare_identities
from datacleanse.auditing.resuming import find_begun, hold_run
from datacleanse.auditing.running_audit import Begun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.auditing.conduct import Conduct
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.tasks.interface import Audited


@contextmanager
def begin_audit(audit: Audited, inputs: Inputs, conduct: Conduct) -> Iterator[Begun | None]:
    """Begin the run in its folder, or go on with the unfinished one there.

    Where the block fails, the folder stays if a training has saved something in it.

    Args:
        audit: what is audited.
        inputs: what was read for it.
        conduct: of the audit; this process is the first of its ranks.

    Yields:
        The run, its features kept and its rows about to be encoded; None: it is finished already.

    Raises:
        DatacleanseError: the run cannot be gone on with, or its folder cannot be had.
    """
    place, ranks = conduct.place, conduct.ranks
    compare_identities(ranks, audit.identity)
    watch = Stopwatch({"read": inputs.seconds})
    opening = begin_run(uuid.uuid4().hex, audit.command, audit.settings, audit.identity)
    before = find_begun(place, audit.identity, conduct.progress) if conduct.resume else None
    if before is not None and before.status == "finished":
        ranks.tell(NOTHING)
        yield None
        return
    with hold_run(place, opening, before, force=conduct.force, progress=conduct.progress) as (
        folder,
        opening,
    ):
        ranks.tell(opening.run_id)
        if inputs.features is not None:
            # Loads what decodes pictures.
            from datacleanse.auditing.pretrained_features import keep_features

            keep_features(folder, inputs)
        conduct.progress.stage("Encoding", None)
        yield Begun(folder, opening, watch)
