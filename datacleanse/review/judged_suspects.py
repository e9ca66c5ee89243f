"""What an earlier audit thought of the suspects that reviewers decided about, by its run folder."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.any_number import make_label_finder
from datacleanse.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.records import Dataset
    from datacleanse.review.decisions import Decision


@dataclass(frozen=True)
class JudgedSuspects:
    """K suspects that reviewers decided about one by one, as their audit had thought of them."""

    log_odds: NDArray[np.float64]
    """(K,) of a wrong label."""
    views: NDArray[np.float64]
    """(K, V) the same by each opinion alone."""
    labels: NDArray[np.int64]
    """(K,) class of the label that they had then."""
    is_wrong: NDArray[np.bool_]
    """(K,) whether the reviewer did not keep it. Some people relabel wrong rows and some drop them:
    without the dropped ones, right rows alone would tell of the top."""

    def list_arrays(self) -> tuple[NDArray[np.generic], ...]:
        """List all that it is."""
        return self.log_odds, self.views, self.labels, self.is_wrong


def read_judged_suspects(
    data: Dataset, decisions: Iterable[Decision], files: Sequence[Path]
) -> JudgedSuspects | None:
    """Find what was thought of the rows of some decisions, where their runs tell; else None.

    Decisions about many rows at once are left out: nobody looked at each.

    Args:
        data: DATA of this round.
        decisions: that count, one a row; of dropped rows, too, which DATA may lack by now.
        files: of decisions; one in the folder of its run leads to what that thought.

    Raises:
        RunFolderError: a table of a run is damaged.
    """
    made = [each for each in decisions if each.action in ("keep", "relabel", "drop")]
    at_once = Counter((each.run_id, each.group) for each in made if each.group)
    alone = [each for each in made if at_once[each.run_id, each.group] <= 1]
    find = make_label_finder(data)
    found: list[tuple[float, list[float], int, bool]] = []
    # By run: several reviewers may each have a copy of its folder.
    thought = dict(map(_read_thought, files))
    for each in alone:
        code, about = find(each.given_label), thought.get(each.run_id, {}).get(each.row)
        if about is not None and code is not None:
            found.append((*about, code, each.action != "keep"))
    if not found or len({len(views) for _, views, _, _ in found}) > 1:
        return None
    columns = zip(*found, strict=True)
    odds, by_opinion, codes, is_wrong = map(np.array, columns)
    return JudgedSuspects(odds, by_opinion, codes, is_wrong)


def _read_thought(file: Path) -> tuple[str, dict[int, tuple[float, list[float]]]]:
    """The id of the run in whose folder decisions lie, and what it thought, by row; or nothing."""
    folder = RunFolder(file.parent)
    is_run = file.name == folder.decisions_file.name and folder.clues_file.is_file()
    opening = folder.begun() if is_run else None
    table = None if opening is None else folder.read_clues()
    if opening is None or table is None:
        return "", {}
    columns = (table[name].to_pylist() for name in ("row", "log_odds", "views"))
    return opening.run_id, {row: (odds, views) for row, odds, views in zip(*columns, strict=True)}
