"""Looks at the data with every check, and puts together what they found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data import take_rows
from datacleanse.detection.health.interface import Material
from datacleanse.detection.health.registry import CHECKS
from datacleanse.sampling import draw_spread
from datacleanse.storage.manifest.health import HealthSection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.records import Dataset, Notice
    from datacleanse.storage.manifest.health import HealthFinding

MOST_ROWS = 50_000
"""Rows of DATA that are looked at, spread over all: what is told would hardly change with more."""


@dataclass(frozen=True)
class Health:
    """What was seen beside wrong labels."""

    section: HealthSection
    """For `run.json`."""
    is_unlike: NDArray[np.bool_]
    """(N,) rows unlike all others."""
    unlike_p_value: NDArray[np.float64]
    """(N,) conformal p-values of "the row is like CLEAN's", NaN where there are none."""
    copy_group: NDArray[np.int64]
    """(N,) number of the group of copies that a row is in, -1: in none."""


def choose_rows(n_rows: int) -> NDArray[np.int64]:
    """Positions of the rows of DATA that are looked at, ascending."""
    return draw_spread(n_rows, MOST_ROWS)


def look_at(
    data: Dataset,
    clean: Dataset | None,
    test: Dataset | None,
    *,
    pair_rows: NDArray[np.int64],
    wrong: NDArray[np.float64],
    class_shares: NDArray[np.float64],
    notices: Sequence[Notice],
) -> Health:
    """Look at the data beside its labels.

    Args:
        data: DATA, N rows.
        clean: CLEAN; None without any.
        test: TEST; None without any.
        pair_rows: (CLEAN,) the row of DATA that each row of CLEAN is, -1: none.
        wrong: (N,) probability that the label is wrong.
        class_shares: (C,) of the true classes in DATA, by estimate.
        notices: what was said of the files.
    """
    rows = choose_rows(data.n_rows)
    is_whole = len(rows) == data.n_rows
    part = data if is_whole else take_rows(data, rows)
    assert part is not None, "DATA has rows"
    place = np.full(data.n_rows + 1, -1)
    place[rows] = np.arange(len(rows))
    n_clean = 0 if clean is None else clean.n_rows
    seen = Material(
        data=part,
        rows=rows,
        n_rows=data.n_rows,
        clean=clean if n_clean else None,
        clean_rows=place[pair_rows],
        test=test,
        wrong=wrong[rows],
        class_shares=class_shares,
        notices=tuple(notices),
    )
    return _gather(seen, data.n_rows)


def _gather(seen: Material, n_rows: int) -> Health:
    is_unlike = np.zeros(n_rows, np.bool_)
    p_value, group = np.full(n_rows, np.nan), np.full(n_rows, -1, np.int64)
    findings: list[HealthFinding] = []
    skipped: dict[str, str] = {}
    for check in CHECKS:
        found = check.look(seen)
        findings += found.findings
        if found.skipped is not None:
            skipped[check.kind] = found.skipped
        if found.unlike is not None:
            is_unlike[seen.rows] = found.unlike
        if found.unlike_p_value is not None:
            p_value[seen.rows] = found.unlike_p_value
        if found.copy_group is not None:
            group[seen.rows] = found.copy_group
    section = HealthSection(findings=tuple(findings), skipped=skipped)
    return Health(section, is_unlike, p_value, group)
