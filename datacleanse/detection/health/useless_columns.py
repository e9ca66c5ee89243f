"""Columns that no model can learn from: constant and empty ones, and ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.data.messages import format_list
from datacleanse.detection.health.interface import Found, Material
from datacleanse.storage.manifest.health import HealthFinding

if TYPE_CHECKING:
    from datacleanse.storage.manifest.health import HealthKind

_WORDS = {"constant": "the same in every row", "empty": "empty", "identifier": "an id"}


class UselessColumns:
    """Tells what was set aside when the columns were read."""

    kind: HealthKind = "useless-columns"

    def look(self, seen: Material) -> Found:
        """Gather what the schema says."""
        aside = [each for each in seen.data.schema.set_aside if each.kind in _WORDS]
        if not aside:
            return Found()
        parts = []
        for kind, words in _WORDS.items():
            names = [each.name for each in aside if each.kind == kind]
            if names:
                parts.append(f"{format_list(names)} ({words})")
        noun = "column tells" if len(aside) == 1 else "columns tell"
        finding = HealthFinding(
            kind="useless-columns",
            message=f"{len(aside):,} {noun} nothing of the label and "
            f"{'is' if len(aside) == 1 else 'are'} not learned from: {'; '.join(parts)}.",
            advice="",
            method="The values of the whole column.",
            certainty="exact",
            is_warning=False,
            columns=tuple(each.name for each in aside),
        )
        return Found((finding,))
