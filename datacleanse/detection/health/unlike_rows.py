"""Rows unlike all others: `strange_rows` finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.health.interface import FIRST_ROWS, Found, Material, say_part
from datacleanse.detection.health.strange_rows import LEAST_ROWS, LEVEL, NEIGHBOURS, Strange
from datacleanse.storage.manifest.health import HealthFinding

if TYPE_CHECKING:
    from datacleanse.storage.manifest.health import HealthKind


class UnlikeRows:
    """Looks for rows that are far from all others."""

    kind: HealthKind = "unlike-rows"

    def look(self, seen: Material) -> Found:
        """Tell which rows are too far."""
        if not seen.has_columns:
            return Found(skipped="the rows have no columns that distances could be measured in.")
        if seen.n_data < LEAST_ROWS:
            return Found(skipped=f"fewer than {LEAST_ROWS} rows are too few to be unlike.")
        strange = seen.strange
        if strange is None:
            return Found(skipped="the columns hold no values.")
        findings = _tell(seen, strange)
        return Found(findings, None, strange.is_unlike, strange.conformal)


def _tell(seen: Material, strange: Strange) -> tuple[HealthFinding, ...]:
    places = np.flatnonzero(strange.is_unlike)
    if not len(places):
        return ()
    first = seen.rows[places[np.argsort(strange.p_value[places], kind="stable")]]
    one = len(places) == 1
    return (
        HealthFinding(
            kind="unlike-rows",
            message=f"{len(places):,} {'row is' if one else 'rows are'} unlike all others.",
            advice="Each is far from its nearest neighbours, or has values that seldom stand "
            "together. See whether they belong to the data.",
            method=f"Distance to the {NEIGHBOURS}th nearest row, by values and by ranks. Beside it "
            "a tree of columns that depend on each other. Each against the tail of all rows; "
            f"false-discovery rate {LEVEL:.0%} under that tail.{say_part(seen)}",
            certainty="judged",
            is_warning=False,
            n_rows=len(places),
            first_rows=tuple(first[:FIRST_ROWS].tolist()),
        ),
    )
