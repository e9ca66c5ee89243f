"""How far the review of a run has come when its report is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.errors import InputError
from datacleanse_reports.reviewers import Reviewers, collect_reviewers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.review.decisions import Decision
    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.suspect import Suspect


@dataclass(frozen=True)
class ReviewProgress:
    """What is decided of the rows to review: the flagged ones, or the listed ones without any."""

    rows: int
    """How many there are to review."""
    decided: tuple[int, ...]
    """Those of them that are decided, ascending."""
    elsewhere: int
    """Decided rows beside these."""
    problem: str
    """Why the decisions could not be read; empty where they could."""
    reviewers: Reviewers
    """Who decided what."""


def find_rows_to_review(table: pa.Table, suspects: Sequence[Suspect]) -> NDArray[np.int64]:
    """Rows of DATA that the review is about.

    Args:
        table: the audit's narrow columns, in DATA's order.
        suspects: the listed ones.
    """
    import numpy as np

    flagged: NDArray[np.int64] = np.flatnonzero(table["flagged"].to_numpy())
    return flagged if len(flagged) else np.array([each.row for each in suspects], dtype=np.int64)


def read_progress(
    folder: RunFolder, manifest: AnyManifest, rows: NDArray[np.int64]
) -> ReviewProgress:
    """What `decisions.jsonl` says of the rows to review."""
    from datacleanse.data.any_number import find_labels
    from datacleanse.review.decisions import read_decisions

    file, problem = folder.decisions_file, ""
    standing: tuple[Decision, ...] = ()
    if file.is_file() and file.stat().st_size:
        try:
            read = read_decisions(
                file,
                run_id=manifest.run_id,
                n_rows=manifest.data.rows,
                classes=find_labels(manifest),
            )
            standing = read.standing
        except InputError as error:
            problem = error.message
    found = {each.row for each in standing}
    decided = found & set(rows.tolist())
    return ReviewProgress(
        rows=len(rows),
        decided=tuple(sorted(decided)),
        elsewhere=len(found - decided),
        problem=problem,
        reviewers=collect_reviewers(standing),
    )
