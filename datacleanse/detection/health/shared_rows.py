"""Rows of TEST that stand in DATA or CLEAN too: scores on them are too good.

Of a table whose rows repeat each other by nature, TEST's repeat DATA's as often as DATA's repeat
each other; that is no fault of the split, and `copies` tells it. Here is told what comes on top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from datacleanse.detection.health.interface import Found, Material
from datacleanse.detection.health.wording import FIRST_ROWS, say_part
from datacleanse.storage.manifest.health import HealthFinding

if TYPE_CHECKING:
    from datacleanse.storage.manifest.health import HealthKind

LEVEL = 0.001
"""Chance of a false alarm, where TEST is drawn as DATA is."""


class SharedRows:
    """Looks for rows of TEST that were learned from."""

    kind: HealthKind = "shared-rows"

    def look(self, seen: Material) -> Found:
        """Count TEST's rows that repeat rows of DATA or CLEAN."""
        if seen.test is None:
            return Found(skipped="there is no TEST.")
        if not seen.has_columns:
            return Found(skipped="the rows have no columns to be compared.")
        data, clean, test = seen.parts
        group = seen.pairs.group
        size = int(group.max(initial=-1)) + 2
        in_data, in_clean = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        in_data[group[data]], in_clean[group[clean]] = True, True
        in_data[-1] = in_clean[-1] = False  # where -1, of no group, was written
        of_test = group[test]
        is_known = in_data[of_test] | in_clean[of_test]
        n_shared, n_test = int(is_known.sum()), len(of_test)
        counts = np.bincount(group[data][group[data] >= 0], minlength=size)
        repeated = int(counts[counts > 1].sum())
        natural = (repeated + 1) / (seen.n_data + 2)
        if not n_shared or special.bdtrc(n_shared - 1, n_test, natural) > LEVEL:
            return Found()
        has_test = np.zeros(size, np.bool_)
        has_test[of_test] = True
        has_test[-1] = False
        rows = np.flatnonzero(has_test[group[data]])
        n_exact = int((seen.pairs.exact[test][is_known] >= 0).sum())
        where = "DATA" if in_data[of_test].any() else ""
        where += " or CLEAN" if where and in_clean[of_test].any() else ""
        return Found((_tell(seen, n_shared, n_exact, where or "CLEAN", seen.rows[rows].tolist()),))


def _tell(
    seen: Material, n_shared: int, n_exact: int, where: str, rows: list[int]
) -> HealthFinding:
    assert seen.test is not None
    n_test = seen.test.n_rows
    near = "" if n_exact == n_shared else f" ({n_exact:,} exactly, the others nearly)"
    verb = "stands" if n_shared == 1 else "stand"
    return HealthFinding(
        kind="shared-rows",
        message=f"{n_shared:,} of {n_test:,} rows of TEST {verb} in {where} too{near}.",
        advice="Scores on TEST are too good: the model has learned these rows. Leave them out of "
        "one of the two.",
        method="Rows compared in every column that is read, and counted against how often DATA's "
        f"own rows repeat each other (level {LEVEL:g}).{say_part(seen)}",
        certainty="tested",
        is_warning=True,
        n_rows=len(rows),
        first_rows=tuple(rows[:FIRST_ROWS]),
    )
