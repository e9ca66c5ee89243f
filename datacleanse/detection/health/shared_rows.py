"""Rows of TEST that stand in DATA or CLEAN too: scores on them are too good.

Of a table whose rows repeat each other by nature, TEST's repeat DATA's as often as DATA's repeat
each other; that is no fault of the split. What comes on top of it is a warning. Otherwise equal
rows are counted, as a fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from datacleanse.detection.health.interface import FIRST_ROWS, Found, Material, say_part
from datacleanse.storage.manifest.health import HealthFinding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.storage.manifest.health import HealthKind

LEVEL = 0.01
"""Chance of a false alarm, where TEST is drawn as DATA is."""

LEAST_EXACT = 0.01
"""Share of TEST's rows that equal one of the others, from which it is told in any case."""


class SharedRows:
    """Looks for rows of TEST that were learned from."""

    kind: HealthKind = "shared-rows"

    def look(self, seen: Material) -> Found:
        """Count TEST's rows that repeat rows of DATA or CLEAN."""
        if seen.test is None:
            return Found(skipped="there is no TEST.")
        if not seen.has_columns:
            return Found(skipped="the rows have no columns to be compared.")
        shared = _find_shared(seen, seen.pairs.group)
        if shared.is_known.any() and _measure_chance(seen, shared) <= LEVEL:
            return Found((_warn(seen, shared),))
        equal = _find_shared(seen, seen.pairs.exact)
        if equal.is_known.mean() >= LEAST_EXACT:
            return Found((_state(seen, equal),))
        return Found()


@dataclass(frozen=True)
class _Shared:
    """Rows that TEST and the other files have in common."""

    is_known: NDArray[np.bool_]
    """(t,) rows of TEST that stand in DATA or CLEAN."""
    rows: NDArray[np.int64]
    """Rows of DATA that stand in TEST."""
    where: str
    """Where the rows of TEST stand."""


def _find_shared(seen: Material, group: NDArray[np.int64]) -> _Shared:
    """Rows that are in one group.

    Args:
        seen: what is looked at.
        group: (n,) of all rows, -1: in none.
    """
    data, clean, test = seen.parts
    is_known, names = np.zeros(test.stop - test.start, np.bool_), []
    for name, part in (("DATA", data), ("CLEAN", clean)):
        is_there = _is_among(group[test], group[part])
        is_known |= is_there
        names += [name] if is_there.any() else []
    rows = seen.rows[_is_among(group[data], group[test])]
    return _Shared(is_known, rows, " or ".join(names))


def _is_among(group: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (group >= 0) & np.isin(group, others)
    return found


def _measure_chance(seen: Material, shared: _Shared) -> float:
    """How likely so many rows of TEST stand in the other files, if rows are drawn alike.

    A row of TEST is then met as often as one of the others is met again among them.
    """
    data, clean, _ = seen.parts
    own = np.concatenate([seen.pairs.group[data], seen.pairs.group[clean][seen.clean_rows < 0]])
    _, place, counts = np.unique(own, return_inverse=True, return_counts=True)
    repeated = int(((own >= 0) & (counts[place.ravel()] > 1)).sum())
    natural = (repeated + 1) / (len(own) + 2)
    return float(special.bdtrc(int(shared.is_known.sum()) - 1, len(shared.is_known), natural))


def _warn(seen: Material, shared: _Shared) -> HealthFinding:
    """More rows than DATA's own repetition explains."""
    n_exact = int((seen.pairs.exact[seen.parts[2]][shared.is_known] >= 0).sum())
    near = "" if n_exact == shared.is_known.sum() else f" ({n_exact:,} exactly, the others nearly)"
    return HealthFinding(
        kind="shared-rows",
        message=f"{_count(shared)} too{near}.",
        advice="Scores on TEST are too good: the model has learned these rows. Leave them out of "
        "one of the two.",
        method="Rows compared in every column that is read, and counted against how often DATA's "
        f"own rows repeat each other (level {LEVEL:g}).{say_part(seen)}",
        certainty="tested",
        is_warning=True,
        n_rows=len(shared.rows),
        first_rows=tuple(shared.rows[:FIRST_ROWS].tolist()),
    )


def _state(seen: Material, shared: _Shared) -> HealthFinding:
    """No more rows than DATA's own repetition explains."""
    return HealthFinding(
        kind="shared-rows",
        message=f"{_count(shared)} exactly, about as many as DATA's own rows repeat each other.",
        advice="That need be no fault of the split. Scores on new rows alone may be lower.",
        method=f"Rows compared in every column that is read.{say_part(seen)}",
        certainty="exact",
        is_warning=False,
        n_rows=len(shared.rows),
        first_rows=tuple(shared.rows[:FIRST_ROWS].tolist()),
    )


def _count(shared: _Shared) -> str:
    n_shared = int(shared.is_known.sum())
    verb = "stands" if n_shared == 1 else "stand"
    return f"{n_shared:,} of {len(shared.is_known):,} rows of TEST {verb} in {shared.where}"
