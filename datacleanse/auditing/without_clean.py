"""An audit of DATA alone, before any label is verified: a ranking, and nothing that is promised.

CLEAN is then a table of 0 rows: nothing steers, nothing calibrates, nothing can tell how labels go
wrong. Rows that reviewers decided about may stand behind those none; they are learned from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.errors import SettingsError
from datacleanse.records import Comparison, Notice, Overlap

if TYPE_CHECKING:
    from datacleanse.records import Dataset
    from datacleanse.settings import Settings

NONE_VERIFIED = Notice(
    "no-verified-rows",
    "No label was verified (no CLEAN), so nothing steered and nothing calibrates: the rows are "
    "ranked, but no rate of wrong labels is told and no row is flagged. The saved model is plain "
    "training. Verify a random draw of rows and audit again with them as CLEAN.",
)
"""What every such run says of itself."""


def make_empty_clean(data: Dataset) -> Dataset:
    """Make a clean set of no rows, held to DATA's schema."""
    return replace(
        data, source="", table=data.table.slice(0, 0), labels=data.labels[:0], notices=(), counts=()
    )


def compare_with_nothing(
    *, by_pictures: bool = False, notices: tuple[Notice, ...] = ()
) -> Comparison:
    """What there is to say of DATA beside no clean rows; ``notices`` come first."""
    nothing = np.empty(0, np.int64)
    overlap = Overlap(nothing, nothing, "pictures" if by_pictures else "values")
    return Comparison(overlap, (*notices, NONE_VERIFIED))


def check_needs_no_clean(settings: Settings) -> None:
    """Refuse settings that mean nothing without verified rows.

    Raises:
        SettingsError: one of them is set.
    """
    needs = {
        "rule": settings.rule not in {None, "uniform"},
        "hold-back": settings.hold_back > 0,
        "repeats": settings.repeats > 0,
    }
    for name, is_asked in needs.items():
        if is_asked:
            raise SettingsError(
                f"--{name} is {getattr(settings, name.replace('-', '_'))!r}, and no row is "
                f"verified: {_REASONS[name]}.",
                slug="setting-needs-clean",
                hint=f"Give verified rows with --val, or leave --{name} out.",
            )


_REASONS = {
    "rule": "there is nothing to steer by",
    "hold-back": "it takes rows of CLEAN",
    "repeats": "it counts how often each row is flagged, and none is flagged without CLEAN",
}
"""Why each setting means nothing."""
