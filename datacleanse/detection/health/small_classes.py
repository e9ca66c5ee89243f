"""Classes with too few rows to be learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.messages import format_list
from datacleanse.detection.health.interface import Found, Material
from datacleanse.storage.manifest.health import HealthFinding

if TYPE_CHECKING:
    from datacleanse.storage.manifest.health import HealthKind

FEW = 10
"""Rows of a class below which half of them, with every split, may teach nothing."""

_NAMED = 5


class SmallClasses:
    """Counts rows by label."""

    kind: HealthKind = "small-classes"

    def look(self, seen: Material) -> Found:
        """Count the rows of each class of DATA."""
        if seen.is_of_numbers:
            return Found(skipped="labels are numbers.")
        counts = np.bincount(seen.data.labels, minlength=len(seen.data.given_labels))
        if seen.is_part:
            return Found(skipped="only a part of the rows was looked at.")
        small = np.flatnonzero((counts > 0) & (counts < FEW))
        if not len(small):
            return Found()
        small = small[np.argsort(counts[small], kind="stable")]
        names = [f"'{seen.data.given_labels[k]}' ({counts[k]:,})" for k in small[:_NAMED]]
        rest = f" and {len(small) - _NAMED:,} more" if len(small) > _NAMED else ""
        rows = np.flatnonzero(np.isin(seen.data.labels, small))
        noun = "class has" if len(small) == 1 else "classes have"
        finding = HealthFinding(
            kind="small-classes",
            message=f"{len(small):,} {noun} fewer than {FEW} rows: {format_list(names)}{rest}.",
            advice="Too few to learn from: their rows will look wrong. Join them with others, or "
            "collect more.",
            method="Rows counted by label.",
            certainty="exact",
            is_warning=True,
            n_rows=len(rows),
            first_rows=tuple(seen.rows[rows[:20]].tolist()),
        )
        return Found((finding,))
