"""Files of decisions about one run, those of several people, read as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import TYPE_CHECKING

from datacleanse.given_paths import read_path
from datacleanse.review.agreement import DIFFERING, note_differing
from datacleanse.review.decisions import Decisions, read_decisions
from datacleanse.storage.run_folder import find_decisions

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path


def list_files(places: object) -> tuple[Path, ...]:
    """The files that are meant by one place or several: a file, or the run that it is about.

    Args:
        places: as a caller in Python gives them: a path, several, or None.

    Raises:
        SettingsError: one is no path.
    """
    if places is None:
        return ()
    # Not whatever can be iterated: frames and dictionaries, for which this may be taken, can be.
    if isinstance(places, Sequence | Set | Iterator) and not isinstance(places, str | bytes):
        return tuple(find_decisions(read_path("decisions", each)) for each in places)
    return (find_decisions(read_path("decisions", places)),)


def read_joined(
    paths: Sequence[Path], *, run_id: str, n_rows: int, classes: Container[str]
) -> Decisions:
    """Read files of decisions as if the later ones had been made after the earlier ones.

    A decision that settles counts before all others about its row, in whichever file it stands: it
    was made with theirs in sight.

    Args:
        paths: one or more files.
        run_id: of the run that all of them must be about.
        n_rows: rows of DATA.
        classes: the labels that may be given.

    Raises:
        InputError: one cannot be read, holds no decision, or holds those of another run.
    """
    reads = [read_decisions(each, run_id=run_id, n_rows=n_rows, classes=classes) for each in paths]
    if len(reads) == 1:
        return reads[0]
    made = [each for read in reads for each in read.standing]
    standing = tuple(sorted(made, key=lambda each: each.settles))
    notices = [each for read in reads for each in read.notices if each.slug != DIFFERING]
    where = ", ".join(map(str, paths))
    return Decisions(
        last={each.row: each for each in standing},
        standing=standing,
        notices=(*notices, *note_differing(standing, where)),
    )
