"""Rows of DATA that repeat others: exactly, or nearly, as copies with jitter do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.health.interface import FIRST_ROWS, Found, Material, say_part
from datacleanse.storage.manifest.health import HealthFinding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.storage.manifest.health import HealthKind

LEAST_EXACT = 0.01
"""Share of rows that equal another from which it is told."""

TELLING = 0.5
"""Share of distinct rows from which equal ones are taken for copies, as between CLEAN and DATA."""

PICTURES = "pictures-duplicate"
"""Slug of the notice that tells it of pictures."""


class Copies:
    """Looks for rows that repeat others."""

    kind: HealthKind = "copies"

    def look(self, seen: Material) -> Found:
        """Count groups of equal rows and of near ones."""
        told = [notice for notice in seen.notices if notice.slug == PICTURES]
        if told:
            return Found(tuple(_tell_pictures(each.message, each.is_warning) for each in told))
        if not seen.has_columns:
            return Found()
        data = seen.parts[0]
        exact, near = _keep_repeated(seen.pairs.exact[data]), _keep_repeated(seen.pairs.group[data])
        n_distinct = int((exact < 0).sum()) + len(np.unique(exact[exact >= 0]))
        if n_distinct < TELLING * seen.n_data:
            return Found(
                skipped=f"only {n_distinct:,} of {seen.n_data:,} rows are distinct, so that equal "
                "ones need not be copies."
            )
        is_near = (near >= 0) & (exact < 0)
        n_exact = int((exact >= 0).sum())
        if not is_near.any() and n_exact < LEAST_EXACT * seen.n_data:
            return Found()
        group = near if is_near.any() else exact
        return Found((_tell(seen, group, n_exact, is_near),), copy_group=group)


def _keep_repeated(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the groups that have two of these rows at least, numbered from 0; else -1."""
    sizes = np.bincount(group[group >= 0], minlength=int(group.max(initial=-1)) + 1)
    number = np.append(np.where(sizes > 1, np.cumsum(sizes > 1) - 1, -1), -1)
    kept: NDArray[np.int64] = number[group]
    return kept


def _tell(
    seen: Material, group: NDArray[np.int64], n_exact: int, is_near: NDArray[np.bool_]
) -> HealthFinding:
    rows = np.flatnonzero(group >= 0)
    n_near = int(is_near.sum())
    n_groups = len(np.unique(group[rows]))
    parts = [f"{n_exact:,} exactly"] if n_exact else []
    parts += [f"{n_near:,} nearly"] if n_near else []
    labels = seen.data.labels
    first_label = np.full(int(group.max()) + 1, -1)
    first_label[group[rows][::-1]] = labels[rows][::-1]
    n_other = len(np.unique(group[rows][labels[rows] != first_label[group[rows]]]))
    advice = "Scores of a split that parts a group are too good."
    if n_other:
        advice += f" {n_other:,} of the groups have more than one label."
    scale = seen.pairs.scale
    near = (
        ""
        if scale is None
        else (
            f"; near: all names alike, numbers at most {scale:.2g} standard deviations apart, and "
            "every other row four times as far, or one of the two written more finely"
        )
    )
    order = np.argsort(group[rows], kind="stable")
    return HealthFinding(
        kind="copies",
        message=f"{len(rows):,} rows repeat each other in {n_groups:,} groups "
        f"({', '.join(parts)}).",
        advice=advice,
        method=f"Rows compared in every column that is read{near}.{say_part(seen)}",
        certainty="judged" if n_near else "exact",
        is_warning=False,
        n_rows=len(rows),
        first_rows=tuple(seen.rows[rows[order[:FIRST_ROWS]]].tolist()),
    )


def _tell_pictures(message: str, is_warning: bool) -> HealthFinding:
    return HealthFinding(
        kind="copies",
        message=message,
        advice="",
        method="Pictures compared by their bytes, and by what they show.",
        certainty="judged",
        is_warning=is_warning,
    )
