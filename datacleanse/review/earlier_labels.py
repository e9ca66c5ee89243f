"""What verified rows were labelled before `apply` corrected them.

A pair shows how a given label goes wrong, or not. Once `apply` has corrected DATA by the clean set,
all pairs agree, and would show that no label is ever wrong. So the next round judges such a pair by
the label that it had before. A file of verdicts tells it, or the run, named by ``--decisions``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.any_number import make_label_finder
from datacleanse.data.messages import format_count
from datacleanse.records import Notice
from datacleanse.review.recognition import recognise
from datacleanse.review.verified import correct_as_verified
from datacleanse.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.records import Dataset, Overlap
    from datacleanse.review.decisions import Decision

UNKNOWN = -1
"""In place of a class that DATA lacks by now."""


@dataclass(frozen=True)
class EarlierLabels:
    """Labels of mislabelled pairs as earlier rounds met them, where DATA has the verified one."""

    rows: NDArray[np.int64]
    """(K,) sorted rows of DATA."""
    labels: NDArray[np.int64]
    """(K,) class that each had, or `UNKNOWN`."""

    @property
    def sha256(self) -> str:
        """The digest (hex) of both."""
        return hashlib.sha256(self.rows.tobytes() + b"|" + self.labels.tobytes()).hexdigest()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What to say of them."""
        if not len(self.rows):
            return ()
        n = len(self.rows)
        message = (
            f"{format_count(n, 'verified row')} {'was' if n == 1 else 'were'} mislabelled in an "
            f"earlier round and {'is' if n == 1 else 'are'} corrected by now: the wrong labels "
            "still calibrate, but count as errors of DATA no more."
        )
        return (Notice("verified-before", message),)


NO_LABELS = EarlierLabels(np.empty(0, np.int64), np.empty(0, np.int64))
"""Where there was no earlier round."""


def find_earlier_labels(
    data: Dataset,
    clean: Dataset,
    overlap: Overlap,
    decisions: Sequence[Path],
    *,
    given: NDArray[np.int64] | None = None,
) -> EarlierLabels:
    """Find the corrected pairs of earlier rounds in DATA.

    Args:
        data: DATA of this round.
        clean: CLEAN.
        overlap: what the two share.
        decisions: files of decisions; one in a run's folder leads to what the run knows.
        given: (CLEAN,) the label that each row of CLEAN had when it was verified, -1 where that is
            not known; None: of none it is.
    """
    is_single = overlap.clean_rows >= 0
    rows, of_clean = overlap.data_rows[is_single], overlap.clean_rows[is_single]
    verified = clean.labels[of_clean]
    is_agreeing = data.labels[rows] == verified
    agreeing = set(rows[is_agreeing].tolist())
    find = make_label_finder(data)
    found: dict[int, int] = {}
    if given is not None:
        before = given[of_clean]
        is_wrong = is_agreeing & (before >= 0) & (before != verified)
        found = dict(zip(rows[is_wrong].tolist(), before[is_wrong].tolist(), strict=True))
    for path in decisions:
        pairs = read_mislabelled_pairs(path)
        for decision, row in recognise(data, [pair.corrected for pair in pairs.values()]).found:
            if row in agreeing:
                code = find(pairs[decision.row].judged_by)
                found[row] = UNKNOWN if code is None else code
    known = np.array(sorted(found), np.int64)
    return EarlierLabels(known, np.array([found[row] for row in known.tolist()], np.int64))


@dataclass(frozen=True)
class MislabelledPair:
    """A row of DATA that CLEAN proved wrong in a run."""

    corrected: Decision
    """By which the row is known again, corrected or not."""
    judged_by: str
    """The wrong label by which the run judged the row."""


def read_mislabelled_pairs(decisions: Path) -> dict[int, MislabelledPair]:
    """The mislabelled pairs of the run in whose folder decisions lie, or would, by row of its DATA.

    There are none where there is no such run, or one of before runs told them.

    Raises:
        RunFolderError: a table of the run is damaged.
    """
    folder = RunFolder(decisions.parent)
    is_run = decisions.name == folder.decisions_file.name and folder.audit_file.is_file()
    if not is_run or not folder.calibration_file.is_file():
        return {}
    calibration = folder.read_calibration()
    wrong = calibration.filter(calibration["is_wrong"])
    columns = (wrong[name].to_pylist() for name in ("data_row", "given_label"))
    judged_by = dict(zip(*columns, strict=True))
    return {
        row: MislabelledPair(correct_as_verified(record), judged_by[row])
        for record in folder.read_verified().to_pylist()
        if judged_by.get(row := record["row"]) is not None
    }
