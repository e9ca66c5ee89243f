"""Files that are distributed differently: what was noticed of CLEAN, and the same of TEST.

Shares of classes are compared with those of the true classes in DATA, by estimate: where DATA's
wrong labels alone make the difference, nothing is told here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.data.drift import (
    FEATURES,
    NUMBERS,
    SHARES,
    note_class_shares,
    note_features,
    note_numbers,
)
from datacleanse.detection.health.interface import Found, Material
from datacleanse.storage.manifest.health import HealthFinding

if TYPE_CHECKING:
    from datacleanse.data.read import Role
    from datacleanse.records import Dataset, Notice
    from datacleanse.storage.manifest.health import HealthKind

_METHODS = {
    SHARES: "Chi-square test of the classes' shares against the estimated true ones of DATA "
    "(level 0.001).",
    FEATURES: "Kolmogorov-Smirnov tests, column by column, and shares of missing and unseen "
    "values (level 0.001 in all).",
    NUMBERS: "Kolmogorov-Smirnov test of the numbers, those of DATA that are likely wrong left out "
    "(level 0.001).",
}
"""By how a slug ends."""


class Drift:
    """Compares the files column by column."""

    kind: HealthKind = "drift"

    def look(self, seen: Material) -> Found:
        """Gather what was said of CLEAN, and compare TEST."""
        if seen.clean is None and seen.test is None:
            return Found(skipped="there are neither CLEAN nor TEST.")
        said = [notice.slug for notice in seen.notices]
        told = [notice for notice in seen.notices if notice.slug.endswith(FEATURES)]
        data, clean, test, shares = seen.data, seen.clean, seen.test, seen.class_shares
        if clean is not None and any(slug.endswith(SHARES) for slug in said):
            told += note_class_shares(data, clean, shares=shares)
        if test is not None and seen.has_columns:
            told += note_features(data, test, role="TEST")
        if seen.is_of_numbers:
            told += _compare_numbers(seen)
        elif test is not None and (test.labels >= 0).all():
            told += note_class_shares(data, test, role="TEST", shares=shares)
        return Found(tuple(map(_adopt, told)))


def _compare_numbers(seen: Material) -> list[Notice]:
    """What is to be said of the labels of CLEAN and TEST where they are numbers."""
    is_counted = seen.wrong < 0.5
    told: list[Notice] = []
    others: tuple[tuple[Role, Dataset | None], ...] = (("CLEAN", seen.clean), ("TEST", seen.test))
    for role, other in others:
        if other is not None:
            told += note_numbers(seen.data, other, role=role, is_counted=is_counted)
    return told


def _adopt(notice: Notice) -> HealthFinding:
    (method,) = [said for end, said in _METHODS.items() if notice.slug.endswith(end)]
    return HealthFinding(
        kind="drift",
        message=notice.message,
        advice="",
        method=method,
        certainty="tested",
        is_warning=True,
    )
